// Lines for whoever runs the server: JSON for programs, text for people. A thread of its own writes,
// so that whoever does not read them holds up nobody.

import Synchronization
import System
import UV

/// Writes lines to a descriptor. Any thread logs; none ever waits for the reader.
public final class Logger: Sendable {
    public enum Level: Int, CaseIterable, Comparable, Sendable {
        case debug, info, warning, error

        public static func < (one: Level, other: Level) -> Bool { one.rawValue < other.rawValue }

        public var name: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .warning: "warning"
            case .error: "error"
            }
        }
    }

    public enum Format: String, CaseIterable, Sendable { case json, text }

    /// What may wait to be written; more is lost, and counted.
    static let waitingBytesMax = 1 << 20
    /// How long lines of the access log may wait for others, so that many are written at once.
    private static let gatherMilliseconds: UInt32 = 2
    /// What is kept for the next lines once it is written; a burst's memory goes.
    private static let keptBytesMax = 256 << 10
    /// How long the end of the process waits for the reader.
    private static let closeMilliseconds = 1000

    private struct Waiting {
        var bytes: [UInt8] = []
        var lost = 0
        /// There is more than the access log's lines.
        var isUrgent = false
        var isClosed = false
    }
    /// What the thread shares with those who log.
    private final class Queue: Sendable {
        let waiting = Mutex(Waiting())
        let semaphore = Semaphore()
        let isDone = Atomic(false)
    }

    private let queue = Queue()
    let lineFormat: Format
    private let levelNumber: Atomic<Int>
    private let logsAccess: Atomic<Bool>

    /// Starts the thread.
    ///
    /// - Parameter descriptor: stays open as long as the logger.
    /// - Throws: `UVError` where there is no thread to be had.
    public init(
        _ format: Format, _ level: Level, isAccessLogged: Bool = false, descriptor: Int32 = 2
    ) throws(UVError) {
        lineFormat = format
        levelNumber = Atomic(level.rawValue)
        logsAccess = Atomic(isAccessLogged)
        _ = try Worker(owning: queue, named: "log") { queue in
            Logger.write(queue, format, descriptor)
        }
    }

    /// What is less important is not logged.
    public func set(_ level: Level, isAccessLogged: Bool) {
        levelNumber.store(level.rawValue, ordering: .relaxed)
        logsAccess.store(isAccessLogged, ordering: .relaxed)
    }

    /// A line for every answer is wanted.
    var isAccessLogged: Bool { logsAccess.load(ordering: .relaxed) }

    /// - Parameter message: a sentence without a secret.
    public func log(_ level: Level, _ message: String) {
        guard level.rawValue >= levelNumber.load(ordering: .relaxed) else { return }
        add(lineFormat.line(level, message)[...], count: 1, isUrgent: true)
    }

    /// - Parameters:
    ///   - count: so many lines are lost where they find no room.
    ///   - isUrgent: does not wait for others.
    func add(_ lines: ArraySlice<UInt8>, count: Int, isUrgent: Bool = false) {
        let isFirst = queue.waiting.withLock { waiting in
            guard waiting.bytes.count + lines.count <= Logger.waitingBytesMax, !waiting.isClosed
            else {
                waiting.lost += count
                return false
            }
            if isUrgent { waiting.isUrgent = true }
            waiting.bytes.append(contentsOf: lines)
            return waiting.bytes.count == lines.count
        }
        if isFirst { queue.semaphore.post() }
    }

    /// Writes what waits, as far as the reader takes it within a second. Call once, at the end.
    public func close() {
        queue.waiting.withLock { $0.isClosed = true }
        queue.semaphore.post()
        for _ in 0..<Logger.closeMilliseconds where !queue.isDone.load(ordering: .acquiring) {
            Machine.sleep(milliseconds: 1)
        }
    }

    /// The thread. One array is written while the other takes what comes.
    private static func write(_ queue: Queue, _ format: Format, _ descriptor: Int32) {
        var bytes: [UInt8] = []
        while true {
            queue.semaphore.wait()
            if queue.waiting.withLock({ !$0.isUrgent && !$0.isClosed }) {
                // Whoever adds more meanwhile wakes nobody.
                Machine.sleep(milliseconds: gatherMilliseconds)
            }
            bytes.removeAll(keepingCapacity: bytes.capacity <= keptBytesMax)
            let (lost, isClosed) = queue.waiting.withLock { waiting in
                swap(&bytes, &waiting.bytes)
                let taken = (waiting.lost, waiting.isClosed)
                (waiting.lost, waiting.isUrgent) = (0, false)
                return taken
            }
            Log.write(bytes, to: descriptor)
            if lost > 0 {
                let line = format.line(
                    .warning, "\(lost) lines of the log were lost: nobody read it")
                Log.write(line, to: descriptor)
            }
            if isClosed, bytes.isEmpty { break }
            if isClosed { queue.semaphore.post() }
        }
        queue.isDone.store(true, ordering: .releasing)
    }
}
