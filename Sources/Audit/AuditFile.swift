// The file of the log at its end: whose turn it is, what the last line is, what a crash left behind.

import System
import Tokens

/// Why the log could not be opened, written or read: one sentence that says what to do where
/// something can be done.
public struct AuditFailure: Error, CustomStringConvertible, Sendable {
    public let description: String
    /// The raw `errno`; 0 where the system did not refuse anything.
    public let code: Int32
    /// The process has no more open files or threads; another file would not help.
    public let isShortage: Bool

    init(_ description: String, code: Int32 = 0, isShortage: Bool = false) {
        self.description = description
        self.code = code
        self.isShortage = isShortage
    }

    init(_ failure: AppendFile.Failure) {
        self.init(failure.description, code: failure.code, isShortage: failure.isShortage)
    }
}

/// What the log needs of a file. `AppendFile` says what each does.
protocol AuditStorage: AnyObject {
    var path: String { get }
    func lock(withinMilliseconds patience: Int) throws(AppendFile.Failure)
    func unlock()
    func size() throws(AppendFile.Failure) -> Int
    func read(at offset: Int, countMax: Int) throws(AppendFile.Failure) -> [UInt8]
    func append(_ bytes: [UInt8]) throws(AppendFile.Failure)
    func truncate(to size: Int) throws(AppendFile.Failure)
    func sync() throws(AppendFile.Failure)
}

extension AppendFile: AuditStorage {}

/// Appends lines to a file that other processes append to as well. One thread at a time.
final class AuditFile {
    /// How long somebody else may have the file. Each has it for the time of one write.
    static let lockPatienceMilliseconds = 1000
    private static let blockBytes = AuditRecord.lineBytesMax

    private let storage: any AuditStorage
    private let report: (String) -> Void
    private var chain = AuditChain()
    /// Where the file ended when we let go of it; nil where we do not know.
    private var size: Int?
    /// Cut off the end, and not yet told in a line.
    private var repairedBytes = 0

    /// - Parameter report: is told where somebody has cut off lines.
    init(_ storage: any AuditStorage, report: @escaping (String) -> Void) {
        self.storage = storage
        self.report = report
    }

    /// Appends the records with one write, behind whatever is there: all of them, or none.
    ///
    /// - Parameter now: the time of a line that tells of a repaired tail.
    func write(_ records: some Collection<AuditRecord>, now: Milliseconds) throws(AuditFailure) {
        try attempt { () throws(AppendFile.Failure) in
            try storage.lock(withinMilliseconds: AuditFile.lockPatienceMilliseconds)
        }
        defer { storage.unlock() }
        let start = try catchUp()
        var next = chain
        var bytes: [UInt8] = []
        if repairedBytes > 0 {
            next.append(.tailRepaired(bytes: repairedBytes, at: now), to: &bytes)
        }
        for record in records { next.append(record, to: &bytes) }
        guard !bytes.isEmpty else { return }
        try append(bytes, at: start)
        chain = next
        size = start + bytes.count
        repairedBytes = 0
    }

    func sync() throws(AuditFailure) {
        try attempt { () throws(AppendFile.Failure) in try storage.sync() }
    }

    /// A part that a full disk took is taken back: half a line must not stay.
    private func append(_ bytes: [UInt8], at start: Int) throws(AuditFailure) {
        do throws(AppendFile.Failure) {
            try storage.append(bytes)
        } catch {
            let failure = AuditFailure(error)
            do throws(AppendFile.Failure) {
                try storage.truncate(to: start)
            } catch {
                // What is left behind is found and cut off the next time.
                size = nil
            }
            throw failure
        }
    }

    /// Looks at what others did since our last turn, and cuts off half a line that one of them, or
    /// we before a crash, left.
    ///
    /// - Returns: where the file ends.
    private func catchUp() throws(AuditFailure) -> Int {
        let found = try attempt { () throws(AppendFile.Failure) in try storage.size() }
        if found == size { return found }
        let ending = try attempt { () throws(AppendFile.Failure) in try tail(of: found) }
        guard let head = ending.head else {
            throw AuditFailure(
                "the last line of \(storage.path) is none of an audit log; choose another path, "
                    + "or move the file away")
        }
        if let size, found < size {
            // The chain goes on from the line that is gone, so that the verifier sees it as well.
            report("somebody has cut \(size - found) bytes off the audit log \(storage.path)")
        } else {
            chain = AuditChain(head: head)
        }
        if ending.end < found {
            try attempt { () throws(AppendFile.Failure) in try storage.truncate(to: ending.end) }
            repairedBytes += found - ending.end
        }
        size = ending.end
        return ending.end
    }

    private func attempt<Result>(
        _ body: () throws(AppendFile.Failure) -> Result
    ) throws(AuditFailure) -> Result {
        do throws(AppendFile.Failure) { return try body() } catch { throw AuditFailure(error) }
    }
}

extension AuditFile {
    /// What stands at the end of a file.
    private struct Tail {
        /// Behind the last whole line.
        let end: Int
        /// The hash of that line; nil where it, or what stands there instead, is not ours. Such a
        /// file is left as it is: it may be anything.
        let head: AuditHash?
    }

    private func tail(of size: Int) throws(AppendFile.Failure) -> Tail {
        let newline = UInt8(ascii: "\n")
        var end = size
        while end > 0 {
            let start = max(0, end - AuditFile.blockBytes)
            let block = try storage.read(at: start, countMax: end - start)
            if let last = block.lastIndex(of: newline) {
                end = start + last + 1
                break
            }
            end = start
        }
        if end == 0 {
            let torn = try storage.read(at: 0, countMax: AuditRecord.opening.count)
            return Tail(end: 0, head: AuditFile.isTorn(torn) ? .start : nil)
        }
        let start = max(0, end - AuditRecord.lineBytesMax)
        let lines = try storage.read(at: start, countMax: end - start).dropLast()
        let line = lines.lastIndex(of: newline).map { lines[($0 + 1)...] } ?? lines
        let isOurs = AuditChain.previous(of: line) != nil
        return Tail(end: end, head: isOurs ? AuditHash(of: line) : nil)
    }

    /// Whether a crash can have left this instead of a first line: a part of it, or the zeros that
    /// a file system gives for what it had not yet written.
    private static func isTorn(_ bytes: [UInt8]) -> Bool {
        AuditRecord.opening.starts(with: bytes) || bytes.allSatisfy { $0 == 0 }
    }
}
