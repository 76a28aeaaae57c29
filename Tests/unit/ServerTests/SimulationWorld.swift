// One event loop with its connections, a store that answers when it likes, and time that passes
// from event to event. Everything follows from the seed.

import HTTP1

@testable import Server

private struct Event {
    let time: Int
    /// Events of the same millisecond come in any order.
    let order: UInt64
    let kind: SimulatedWorld.EventKind
    let client: SimulatedClient

    func isBefore(_ other: Event) -> Bool {
        time < other.time || time == other.time && order < other.order
    }
}

/// A binary heap; the first in time comes first.
private struct EventQueue {
    private var events: [Event] = []

    var first: Event? { events.first }

    mutating func push(_ event: Event) {
        events.append(event)
        var at = events.count - 1
        while at > 0, event.isBefore(events[(at - 1) / 2]) {
            events[at] = events[(at - 1) / 2]
            at = (at - 1) / 2
        }
        events[at] = event
    }

    mutating func removeFirst() {
        let last = events.removeLast()
        let count = events.count
        if count == 0 { return }
        var at = 0
        while true {
            var child = 2 * at + 1
            if child + 1 < count, events[child + 1].isBefore(events[child]) { child += 1 }
            guard child < count, events[child].isBefore(last) else { break }
            events[at] = events[child]
            at = child
        }
        events[at] = last
    }
}

final class SimulatedWorld: ConnectionHost, RequestHandler {
    enum EventKind {
        case connect, send, readable, read, writable, closed, answer, turn, reset, stop, abort
    }

    /// So that a number tells its client.
    static let numbersPerClient = 1_000
    /// Of a deadline: two ticks of the wheel.
    static let lateness = 2 * Int(DeadlineWheel<Connection>.tickMilliseconds)

    let commons: LoopCommons
    /// What one read brings at most; `EventLoop.readBufferBytes` in life.
    let readMax: Int
    /// Of the clients stop reading, or sending, for seconds.
    let stallPercent: Int
    private let contentMax: Int
    private let promptPercent: Int
    private let answerDelayMax: Int
    var random: SeededGenerator
    private(set) var now = 5_000
    private(set) var isStopping = false
    private(set) var isAborting = false
    private(set) var violation: String?
    private(set) var steps = 0
    private var events = EventQueue()
    private var clients: [SimulatedClient] = []
    private var open: Set<Int> = []
    private var wheel = DeadlineWheel<Connection>(now: 5_000)
    private var nextTick = 5_250
    private var quietTicks = 0
    /// The answers that the store owes, by client; one each at most.
    private var owed: [Int: () -> Void] = [:]

    init(seed: UInt64, replies: Replies) {
        var random = SeededGenerator(state: seed)
        var limits = ServerLimits()
        // Mostly small, so that a few bytes reach every limit.
        let isLarge = random.chance(3)
        if !isLarge {
            limits.http.targetBytesMax = 64
            limits.http.headBytesMax = 300
            limits.http.bodyBytesMax = random.pick([100, 900])
            limits.keptBytesMax = random.pick([0, 100, 1_500])
            limits.queuedBytesMax = random.pick([0, 100, 2_000])
            limits.outputBytesMax = random.pick([1, 100, 2_000])
            limits.lingerBytesMax = random.pick([0, 100, 5_000])
        }
        if random.chance(50) {
            limits.requestsPerTurnMax = random.pick([1, 2, 5])
            limits.bytesPerTurnMax = random.pick([1, 100, 2_000])
        }
        if random.chance(30) { limits.requestsPerConnectionMax = random.pick([1, 2, 5, 50]) }
        readMax = isLarge ? 64 * 1024 : random.pick([50, 300, 2_000])
        stallPercent = random.pick([2, 5, 50])
        contentMax = random.pick([10, 10, 300, isLarge ? 100_000 : 3_000])
        promptPercent = random.pick([0, 50, 95, 100])
        answerDelayMax = random.pick([0, 3, 100, 2_000, 100_000])
        commons = LoopCommons(limits: limits, replies: replies, observer: LoopObserver())
        self.random = random
    }

    /// Reports the first violation only: the rest may follow from it.
    func fail(_ text: @autoclosure () -> String) {
        if violation == nil { violation = "at \(now) ms: \(text())" }
    }

    // MARK: What a connection may hold

    /// The largest answer: its content, or an error's, behind a head.
    private var answerMax: Int { max(contentMax, 400) + 300 }
    /// Requests behind one that the store works on, where one read may go beyond the limit; or the
    /// most of one request that can be incomplete.
    var keptBound: Int {
        max(limits.keptBytesMax + readMax, limits.http.headBytesMax + limits.http.bodyBytesMax)
    }
    /// While less than the limit is queued, one more read is answered: as much as is collected,
    /// its last answer, and the one after which too much is found to be queued.
    var queuedBound: Int { limits.queuedBytesMax + limits.outputBytesMax + 2 * answerMax }

    var requestTimeout: Int {
        Int(min(limits.headTimeoutMilliseconds, limits.bodyTimeoutMilliseconds))
    }
    /// A last answer may wait to be read, then the client to end, then what is left once more.
    var lingerBound: Int {
        Int(2 * limits.writeTimeoutMilliseconds + limits.lingerTimeoutMilliseconds)
            + 3 * Self.lateness
    }

    // MARK: Events

    func run() {
        for index in 0..<40 {
            let client = SimulatedClient(index, self)
            clients.append(client)
            schedule(.connect, client, after: random.below(10_000))
        }
        if random.chance(30) { schedule(.stop, clients[0], after: random.below(20_000)) }
        while violation == nil {
            if let event = events.first, event.time < nextTick {
                events.removeFirst()
                now = event.time
                steps += 1
                // Each event is a turn of its own.
                turns.next()
                perform(event.kind, event.client)
                event.client.checkMemory()
                event.client.checkLingering()
                if replies.count > 0 { fail("answers are left in the output") }
            } else if events.first != nil || !open.isEmpty {
                tick()
            } else {
                break
            }
        }
        let clients = clients
        self.clients = []
        owed = [:]
        if violation == nil { for client in clients { client.checkEnd() } }
    }

    func schedule(_ kind: EventKind, _ client: SimulatedClient, after delay: Int = 0) {
        events.push(Event(time: now + delay, order: random.next(), kind: kind, client: client))
    }

    private func perform(_ kind: EventKind, _ client: SimulatedClient) {
        switch kind {
        case .connect where isStopping: return
        case .connect:
            open.insert(client.index)
            client.start()
        case .send: client.send()
        case .readable: client.socket.becameReadable()
        case .read: client.read()
        case .writable: client.socket.becameWritable()
        case .closed: client.socket.finishClosing()
        case .answer:
            guard let answer = owed.removeValue(forKey: client.index) else {
                return fail("an answer was lost")
            }
            answer()
        case .turn:
            guard let connection = client.connection else { return }
            connection.nextTurnCame()
        case .reset: client.reset()
        case .stop:
            isStopping = true
            for index in open.sorted() { clients[index].connection?.stop() }
            schedule(.abort, client, after: Int(limits.stopTimeoutMilliseconds))
        case .abort:
            isAborting = true
            for index in open.sorted() {
                clients[index].checkStaying()
                clients[index].connection?.abort()
            }
        }
    }

    private func tick() {
        now = nextTick
        nextTick += Int(DeadlineWheel<Connection>.tickMilliseconds)
        for connection in wheel.advance(now: UInt64(now)) {
            guard clients.contains(where: { $0.connection === connection }) else {
                return fail("a closed connection is on the wheel")
            }
            connection.deadlinePassed()
            if replies.count > 0 { fail("answers are left in the output") }
        }
        quietTicks = events.first == nil ? quietTicks + 1 : 0
        if quietTicks > 76_000 / Int(DeadlineWheel<Connection>.tickMilliseconds) {
            fail("connections \(open.sorted()) are stuck")
        }
    }

    // MARK: ConnectionHost

    var handler: any RequestHandler { self }
    var monotonicMilliseconds: UInt64 { UInt64(now) }

    func deadlineCameNearer(_ connection: Connection) { wheel.place(connection) }

    func awaitNextTurn(_ connection: Connection) {
        guard let client = clients.first(where: { $0.connection === connection }) else {
            return fail("a turn for nobody")
        }
        schedule(.turn, client)
    }

    func answeredAfterClose(_ connection: Connection) {}

    func connectionClosed(_ connection: Connection) {
        wheel.remove(connection)
        guard let client = clients.first(where: { $0.connection === connection }),
            open.remove(client.index) != nil
        else { return fail("a connection closed twice") }
    }

    // MARK: RequestHandler

    func handle(_ request: Request, _ bytes: Span<UInt8>, _ responder: any Responder) {
        guard let number = SimulatedAnswer.decimal(bytes, request.path.lowerBound + 1),
            number / Self.numbersPerClient < clients.count
        else { return fail("a request that nobody sent") }
        let client = clients[number / Self.numbersPerClient]
        if client.connection !== responder { fail("a request of another client") }
        for at in request.body where bytes[at] != SimulatedScript.filler { fail("a garbled body") }
        guard client.checkHandled(number, request.body.count, isHead: request.method == .head)
        else { return }
        let size = random.chance(90) ? random.below(10) : random.below(contentMax)
        let answer = {
            client.noteResponded()
            responder.respond(
                .content(
                    [UInt8](repeating: 0, count: size), type: "n/\(number)", status: .ok))
        }
        if random.chance(promptPercent) {
            answer()
        } else {
            owed[client.index] = answer
            schedule(.answer, client, after: random.below(answerDelayMax + 1))
        }
    }
}
