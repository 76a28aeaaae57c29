// The thread that writes the log. Failures end here: they are told once, and written down when
// that is possible again.

import Synchronization
import Tokens
import UV

/// Made by whoever opens the log; from then on everything happens on its thread.
final class AuditWriter {
    /// What comes within this time is one batch: a busy server's writes and wake-ups are some
    /// hundred a second, however much it says.
    static let lingerMilliseconds: UInt64 = 10
    /// How often the file is synced, a failed log tried again, and dropped events reported.
    static let tickMilliseconds: UInt64 = 1000
    /// How often it looks whether the file is still at its path.
    static let watchMilliseconds: UInt64 = 2000
    /// In one write: keeps the buffer of it small.
    static let batchMax = 256

    private let file: AuditFile
    private let queue: AuditQueue
    private let report: (String) -> Void
    private let now: () -> Milliseconds

    private let loop: EventLoop
    private let linger: UV.Timer
    private let tick: UV.Timer
    private let watch: UV.Timer
    private var wakeup: Wakeup?
    /// Wakes this thread. Any thread.
    let sender: Wakeup.Sender

    /// The array of an earlier batch, for its memory.
    private var spare: [AuditRecord] = []
    private static let spareMax = 4096

    private var isLingering = false
    private var isTicking = false
    private var isSynced = true
    private var isWriteFailing = false
    private var isSyncFailing = false
    /// Whether `report` was told of a failure, and not yet of its end.
    private var isFailureReported = false
    /// Dropped, and no line tells so yet.
    private var dropped = 0
    /// Dropped since the log last said so on `report`.
    private var unreported = 0

    init(
        _ file: AuditFile, _ queue: AuditQueue, report: @escaping (String) -> Void,
        now: @escaping () -> Milliseconds
    ) throws(UVError) {
        self.file = file
        self.queue = queue
        self.report = report
        self.now = now
        loop = try EventLoop()
        let relay = Relay()
        let wakeup = try Wakeup(loop) { relay.onWake?() }
        self.wakeup = wakeup
        sender = wakeup.sender
        do throws(UVError) {
            linger = try UV.Timer(loop)
            tick = try UV.Timer(loop)
            watch = try UV.Timer(loop)
        } catch {
            preconditionFailure("uv_timer_init needs nothing that can run out")
        }
        relay.onWake = { [unowned self] in woken() }
    }

    /// Lets the wake-up be made before `self` is whole.
    private final class Relay {
        var onWake: (() -> Void)?
    }

    /// Until the queue is closed and written.
    func run() {
        let time = AuditWriter.watchMilliseconds
        watch.start(afterMilliseconds: time, repeatMilliseconds: time) { [unowned self] in look() }
        // What came while the thread was being made may have sent its wake-up already.
        woken()
        loop.run()
    }

    /// Closes what `init` opened, where there is no thread to do it.
    func abandon() {
        closeHandles()
        loop.run()
    }

    private func woken() {
        if queue.isClosed { return finish() }
        if queue.takeLook() { look() }
        // A batch forms while the one before it is put on disk.
        if queue.isAwaited { return writeAll() }
        guard !isLingering else { return }
        isLingering = true
        linger.start(afterMilliseconds: AuditWriter.lingerMilliseconds) { [unowned self] in
            isLingering = false
            writeAll()
        }
    }

    /// To be called before `run`: the disk was full when the file was opened.
    func failedAtTheStart() {
        isWriteFailing = true
        noteHealth()
        failed("the audit log cannot be written: the disk is full; events are dropped until it can")
        startTick()
    }

    /// A file that was moved away or removed is left, and another begun.
    private func look() {
        guard file.isAway else { return }
        write([])
        if !isSynced || isFailureReported, !isTicking { startTick() }
    }

    private func writeAll() {
        let batch = queue.take(leaving: spare)
        var records = batch.records
        let droppedBehind = batch.dropped
        spare = []
        var outcomes: [AuditOutcome] = []
        for start in stride(from: 0, to: records.count, by: AuditWriter.batchMax) {
            let end = min(start + AuditWriter.batchMax, records.count)
            let isWritten = write(records[start..<end])
            outcomes.append(
                AuditOutcome(upTo: batch.last - records.count + end, isOnDisk: isWritten))
        }
        if batch.isAwaited { answer(outcomes) }
        if records.capacity <= AuditWriter.spareMax {
            records.removeAll(keepingCapacity: true)
            spare = records
        }
        if droppedBehind > 0 {
            dropped += droppedBehind
            queue.lost.add(droppedBehind, ordering: .relaxed)
            unreported += droppedBehind
            if !isWriteFailing { write([]) }
        }
        let isPending = !isSynced || isFailureReported || dropped > 0 || unreported > 0
        if isPending, !isTicking { startTick() }
    }

    /// Puts what was written on disk, and tells those who wait for it.
    private func answer(_ outcomes: [AuditOutcome]) {
        if !isSynced { sync() }
        queue.tell(
            isSyncFailing
                ? outcomes.map { AuditOutcome(upTo: $0.upTo, isOnDisk: false) } : outcomes)
    }

    /// One write: what was dropped before, then the batch. Where it fails the batch is dropped.
    ///
    /// - Returns: whether it was written.
    @discardableResult
    private func write(_ batch: ArraySlice<AuditRecord>) -> Bool {
        let time = now()
        var records: [AuditRecord] = []
        if dropped > 0 { records.append(.eventsDropped(dropped, at: time)) }
        records.append(contentsOf: batch)
        do throws(AuditFailure) {
            if try file.write(records, now: time) { isSynced = false }
            dropped = 0
            isWriteFailing = false
            noteHealth()
            queue.losses.store(file.lossCount, ordering: .relaxed)
        } catch {
            dropped += batch.count
            queue.lost.add(batch.count, ordering: .relaxed)
            unreported += batch.count
            isWriteFailing = true
            queue.losses.store(file.lossCount, ordering: .relaxed)
            failed("the audit log cannot be written: \(error); events are dropped until it can")
            noteHealth()
            return false
        }
        return true
    }

    private func noteHealth() {
        queue.isFailing.store(isWriteFailing || isSyncFailing, ordering: .relaxed)
    }

    private func startTick() {
        isTicking = true
        tick.start(afterMilliseconds: AuditWriter.tickMilliseconds) { [unowned self] in
            isTicking = false
            settle()
            if isFailureReported || dropped > 0 { startTick() }
        }
    }

    /// Tries again what failed, puts on disk what is not there yet, and tells how it went.
    private func settle() {
        if dropped > 0 || isWriteFailing { write([]) }
        if !isSynced { sync() }
        guard !isWriteFailing, !isSyncFailing else { return }
        reportDropped()
        if isFailureReported { report("the audit log is written again") }
        isFailureReported = false
    }

    private func sync() {
        do throws(AuditFailure) {
            try file.sync()
            isSynced = true
            isSyncFailing = false
        } catch {
            isSyncFailing = true
            failed("the audit log is written, but cannot be put on disk: \(error)")
        }
        noteHealth()
    }

    private func failed(_ line: String) {
        if !isFailureReported { report(line) }
        isFailureReported = true
    }

    private func reportDropped() {
        if unreported > 0 { report("\(unreported) audit events were dropped") }
        unreported = 0
    }

    private func finish() {
        guard wakeup != nil else { return }
        writeAll()
        settle()
        reportDropped()
        closeHandles()
    }

    private func closeHandles() {
        wakeup?.close()
        wakeup = nil
        linger.close()
        tick.close()
        watch.close()
    }
}
