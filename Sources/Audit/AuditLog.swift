// The log as its users see it: an event goes in on any thread, and comes out as a line.

import Synchronization
import System
import Tokens
import UV

/// An audit log in a file. Any thread records; a thread of its own writes.
///
/// An event is in the file within `AuditWriter.lingerMilliseconds` and on disk within
/// `AuditWriter.tickMilliseconds` more. One that cannot be written – too many at once, a full disk –
/// is counted, reported, and a line `events_dropped` tells the count as soon as lines can be
/// written again.
public final class AuditLog: AuditSink {
    /// Events that may wait. A second of the busiest server; some 10 MiB.
    public static let countMax = 32_768

    let queue: AuditQueue
    private let wakeup: Wakeup.Sender
    private let worker: Worker
    private let report: @Sendable (String) -> Void

    /// Opens or makes the file (0600), repairs its end where a crash has left half a line, and
    /// starts the thread.
    ///
    /// - Parameters:
    ///   - report: gets one line each time the log fails, recovers, or has dropped events. Called
    ///     on the log's thread, so it may block.
    ///   - owner: a file whose owner gets the files that root makes: the store.
    ///   - now: the time of the lines that the log itself has something to say in.
    /// - Throws: `AuditFailure` where the file cannot be opened, or is none of an audit log. A full disk
    ///   is no reason: lines are dropped and counted until there is room.
    public convenience init(
        path: String, ownedLike owner: String? = nil, report: @escaping @Sendable (String) -> Void,
        now: @escaping @Sendable () -> Milliseconds = Clock.wallMilliseconds
    ) throws(AuditFailure) {
        try self.init(
            try AuditFile.open(path, ownedLike: owner, report: report), report: report, now: now)
    }

    init(
        _ file: AuditFile, countMax: Int = AuditLog.countMax,
        report: @escaping @Sendable (String) -> Void, now: @escaping @Sendable () -> Milliseconds
    ) throws(AuditFailure) {
        self.report = report
        queue = AuditQueue(countMax: countMax)
        let isFull = try AuditLog.begin(file, now())
        do throws(UVError) {
            let writer = try AuditWriter(file, queue, report: report, now: now)
            if isFull { writer.failedAtTheStart() }
            wakeup = writer.sender
            do throws(UVError) {
                worker = try Worker(owning: writer, named: "audit") { $0.run() }
            } catch {
                writer.abandon()
                throw error
            }
        } catch {
            throw AuditFailure("cannot start its thread: \(error)", isShortage: true)
        }
    }

    /// Any thread; waits for nothing but the time of adding to an array.
    public func record(_ event: AuditEvent) {
        switch queue.add(AuditRecord(event)) {
        case .first: wakeup.wake()
        case .another, .droppedAsFull: break
        case .droppedAsClosed:
            report("an audit event came after the log was closed: \(event.kind.rawValue)")
        }
    }

    /// Repairs the end of the file, or begins a new one.
    ///
    /// - Returns: the disk is full.
    private static func begin(
        _ file: AuditFile, _ now: Milliseconds
    ) throws(AuditFailure) -> Bool {
        do throws(AuditFailure) {
            try file.write([], now: now)
            try file.sync()
            return false
        } catch {
            guard error.isFullDisk else { throw error }
            return true
        }
    }

    /// Wakes the log's thread. Any thread.
    var writer: Wakeup.Sender { wakeup }

    /// False while lines cannot be put on disk. Any thread.
    public var isAvailable: Bool { !queue.isFailing.load(ordering: .relaxed) }

    /// The file may have been moved, as logrotate does it: looks at once, and not within the next
    /// `AuditWriter.watchMilliseconds`. Any thread.
    public func reopen() {
        queue.askForLook()
        wakeup.wake()
    }

    /// How often the file was found moved or removed, since the start. Any thread.
    public var lossCount: Int { queue.losses.load(ordering: .relaxed) }

    /// Events that could not be written, since the start. Any thread.
    public var droppedCount: Int { queue.lost.load(ordering: .relaxed) }

    /// Writes what waits, puts it on disk, and ends the thread. Call once, when nobody records any
    /// more; blocks.
    public func close() {
        queue.close()
        wakeup.wake()
        worker.join()
    }

    /// Appends one event, as below.
    public static func append(
        _ event: AuditEvent, to path: String, ownedLike owner: String? = nil,
        report: @escaping (String) -> Void
    ) throws(AuditFailure) {
        try append([event], to: path, ownedLike: owner, report: report)
    }

    /// Lines that others wait for: they are hashed while the file is locked, and a server whose answers
    /// wait for the log commits to the same disk.
    static let appendedAtOnceMax = 2000

    /// Appends events and returns when they are on disk: for the command line, while a server may
    /// be writing to the same file. Blocks, at most a second for others. Very many are appended in
    /// parts, with lines of others between them; where that fails, the parts before stay.
    ///
    /// - Parameter owner: a file whose owner gets the files that root makes: the store.
    public static func append(
        _ events: [AuditEvent], to path: String, ownedLike owner: String? = nil,
        report: @escaping (String) -> Void
    ) throws(AuditFailure) {
        guard let last = events.last else { return }
        let file = try AuditFile.open(path, ownedLike: owner, report: report)
        for start in stride(from: 0, to: events.count, by: appendedAtOnceMax) {
            let part = events[start..<min(start + appendedAtOnceMax, events.count)]
            try file.write(part.map { AuditRecord($0) }, now: last.at)
            try file.sync()
        }
    }
}
