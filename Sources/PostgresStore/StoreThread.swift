// The one thread that talks to the database: two connections that write, one that reads, and a clock
// tick that sees to it that nobody waits for ever.

import StoreThreads
import System
import Tokens
import UV

/// What the loops' threads send.
struct StoreQueues: Sendable {
    let changes: ParcelQueue<Change, ChangeAnswer>
    let questions: ParcelQueue<Question, QuestionAnswer>
    let chores: ParcelQueue<Chore, ChoreAnswer>

    init(jobsMax: Int, wake: @escaping @Sendable () -> Void) {
        changes = ParcelQueue(jobsMax: jobsMax, wake: wake)
        questions = ParcelQueue(jobsMax: jobsMax, wake: wake)
        chores = ParcelQueue(jobsMax: jobsMax, wake: wake)
    }

    func close() {
        changes.close()
        questions.close()
        chores.close()
    }
}

/// Made on the thread that opens the store, and run on its own.
final class StoreThread {
    struct Settings {
        let hosts: [Host]
        let nodeID: [UInt8]
        let timeoutMicroseconds: Int
        /// How long tokens stay that have expired.
        let keptTokens: Milliseconds
        let report: @Sendable (String) -> Void
    }

    private let loop: EventLoop
    private let wakeup: Wakeup
    private let tick: Timer
    private let settings: Settings
    private let queues: StoreQueues
    private let health: StoreHealth
    private let metrics: StoreMetrics
    private let changes: ChangeQueue
    private let chores: Chores
    private var writers: [WriteSlot] = []
    private var reader: ReadSlot?
    private var links: [Link] = []
    private var closingSince: Int?
    /// A pooler gives each transaction another process.
    private var isPoolerRefused = false

    static let writerCount = 2
    private static let tickMilliseconds: UInt64 = 50
    /// What nobody uses is tried this often.
    private static let probeMicroseconds = 500_000

    init(
        _ loop: EventLoop, _ wakeup: Wakeup, _ queues: StoreQueues, _ settings: Settings,
        _ health: StoreHealth, _ metrics: StoreMetrics
    ) throws(UVError) {
        (self.loop, self.wakeup, self.queues, self.settings) = (loop, wakeup, queues, settings)
        (self.health, self.metrics) = (health, metrics)
        tick = try Timer(loop)
        changes = ChangeQueue(Inbox(queues.changes, filler: .failure(.unavailable)))
        chores = Chores(
            Inbox(queues.chores, filler: .failure(.unavailable)), keptTokens: settings.keptTokens)
        for number in 0..<StoreThread.writerCount {
            let node = settings.nodeID + [UInt8(number)]
            let slot = WriteSlot(changes, chores, health, metrics, node: node) { [weak self] in
                self?.dispatch()
            }
            let fence = Fence(nodeID: settings.nodeID, slot: number)
            let link = try link(Statement.writing) { fence.statements($0) }
            slot.use(link)
            writers.append(slot)
        }
        let reader = ReadSlot(
            Inbox(queues.questions, filler: .failure(.unavailable)), health, metrics
        ) { [weak self] in self?.dispatch() }
        reader.use(try link(Statement.reading) { _ in "SELECT true" })
        self.reader = reader
    }

    private func link(
        _ statements: [Statement], _ preparation: @escaping (Int32?) -> String
    ) throws(UVError) -> Link {
        var madeCount = 0
        let made = try Link(
            loop,
            LinkPlan(
                hosts: settings.hosts, statements: statements, preparation: preparation,
                isShared: { [weak self] process, isPooled in
                    self?.isShared(process, isPooled) ?? false
                },
                isReady: { [weak self] in
                    madeCount += 1
                    self?.becameReady(isFirst: madeCount == 1)
                },
                isLost: { [weak self] cause in self?.health.failed(cause) }))
        links.append(made)
        return made
    }

    /// Whether two connections have one process is a matter of chance, so it is seen once and for all.
    private func isShared(_ process: Int32, _ isPooled: Bool) -> Bool {
        if links.contains(where: { ($0.isReady || $0.isRunning) && $0.process == process }) {
            isPoolerRefused = true
        }
        return isPoolerRefused && isPooled
    }

    /// Runs until the queues are closed and all is answered.
    func run() {
        tick.start(
            afterMilliseconds: StoreThread.tickMilliseconds,
            repeatMilliseconds: StoreThread.tickMilliseconds
        ) { [self] in look() }
        for link in links { link.open() }
        loop.run()
    }

    /// Something has come. On the thread.
    func turn() {
        let now = Clock.monotonicMicroseconds()
        chores.take(at: now)
        dispatch()
        closeIfDone(now)
    }

    private func becameReady(isFirst: Bool) {
        if !isFirst {
            metrics.reconnects.add()
            health.regained()
        }
        probe()
        dispatch()
    }

    /// Gives work to whoever is free, and answers to whoever waits.
    ///
    /// While nobody is free, what comes waits where the loops have put it, and wakes nobody.
    private func dispatch() {
        let now = Clock.monotonicMicroseconds()
        if writers.contains(where: \.isFree) { changes.take(at: now) }
        for writer in writers { writer.work(writers.count(where: \.isFree)) }
        if !writers.contains(where: \.isFree) { changes.rest() }
        if let reader {
            if reader.isFree { reader.take(at: now) }
            reader.work()
            if !reader.isFree { reader.rest() }
        }
        deliver()
    }

    private func deliver() {
        changes.deliver()
        chores.deliver()
        reader?.deliver()
    }

    private func look() {
        let now = Clock.monotonicMicroseconds()
        metrics.seenAt.set(now)
        for link in links {
            link.checkSilence()
            if isPoolerRefused, link.isPooled, link.isReady { link.refusePooler() }
        }
        metrics.connections.set(links.count { $0.isReady || $0.isRunning })
        // Those, too, that wait because no connection is free must not wait for ever.
        changes.take(at: now)
        reader?.take(at: now)
        metrics.waitingChanges.set(changes.count)
        expire(cameBefore: now - settings.timeoutMicroseconds)
        probe()
        health.look()
        dispatch()
        closeIfDone(now)
    }

    private func expire(cameBefore moment: Int) {
        for writer in writers { writer.expire(cameBefore: moment) }
        writers.first?.add(changes.expire(cameBefore: moment))
        chores.expire(cameBefore: moment)
        reader?.expire(cameBefore: moment)
    }

    /// Uses what nobody has used lately, so that it is known whether it can be.
    private func probe() {
        func isDue(_ part: StoreHealth.Part) -> Bool {
            health.age(part).map { $0 >= StoreThread.probeMicroseconds } ?? true
        }
        if isDue(.writing) { writers.first { $0.link?.isReady == true }?.probe() }
        if isDue(.reading) { reader?.probe() }
    }

    private func closeIfDone(_ now: Int) {
        guard queues.changes.isClosed, queues.questions.isClosed, queues.chores.isClosed else {
            return
        }
        let since = closingSince ?? now
        closingSince = since
        let isDone =
            changes.isEmpty && reader?.owesNothing == true && writers.allSatisfy(\.owesNothing)
        if isDone || now - since > settings.timeoutMicroseconds { end() }
    }

    private func end() {
        for link in links { link.close() }
        let now = Clock.monotonicMicroseconds()
        changes.take(at: now)
        reader?.take(at: now)
        expire(cameBefore: .max)
        deliver()
        let lost = writers.reduce(0) { $0 + $1.undoCount }
        if lost > 0 {
            settings.report(
                "\(lost) exchanges that were answered 503 could not be undone: their codes stay used"
            )
        }
        tick.close()
        wakeup.close()
    }
}
