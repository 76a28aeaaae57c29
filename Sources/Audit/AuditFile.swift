// The file of the log at its end: whose turn it is, what the last line is, what a crash left behind,
// and which file it is: whoever moves it away gets another that goes on from its last line.

import System
import Tokens

/// Appends lines to a file that other processes append to as well. One thread at a time.
final class AuditFile {
    /// How long somebody else may have the file. Each has it for the time of one write.
    static let lockPatienceMilliseconds = 1000

    private var storage: any AuditStorage
    /// Opens what stands at the path now; nil where there is nothing but `storage`.
    private let reopen: (() throws(AppendFile.Failure) -> any AuditStorage)?
    /// nil where a new file begins a chain of its own.
    private let note: AuditNote?
    private let report: (String) -> Void
    private var chain = AuditChain()
    /// Where the file ended when we let go of it; nil where we do not know.
    private var size: Int?
    /// What is surely on disk: up to where, and the last line there; nil before our first line.
    private var synced: (end: Int, head: AuditHash)?
    /// What stands behind `synced` may be on disk or not, whatever a later sync says.
    private var hasSyncFailed = false
    /// Cut off the end, and not yet told in a line.
    private var repairedBytes = 0
    /// How often the file was not at its path any more.
    private(set) var lossCount = 0
    private var isLossReported = false
    private var isNoteFailureReported = false

    /// - Parameter report: is told where somebody has cut off lines, or moved or removed the file.
    init(
        _ storage: any AuditStorage, note: AuditNote? = nil,
        reopen: (() throws(AppendFile.Failure) -> any AuditStorage)? = nil,
        report: @escaping (String) -> Void
    ) {
        self.storage = storage
        self.note = note
        self.reopen = reopen
        self.report = report
    }

    /// Opens or makes the file (0600) and what is noted beside it.
    ///
    /// - Parameter owner: a file whose owner gets both where root makes them.
    static func open(
        _ path: String, ownedLike owner: String?, report: @escaping (String) -> Void
    ) throws(AuditFailure) -> AuditFile {
        let reopen = { () throws(AppendFile.Failure) -> any AuditStorage in
            try AppendFile(path, .append, ownedLike: owner)
        }
        let storage = try attempt(reopen)
        var note: AuditNote?
        do throws(AppendFile.Failure) {
            note = try AuditNote(besideLog: path, ownedLike: owner)
        } catch {
            report(
                "a new file of the audit log will not go on from the last line of this one: "
                    + "\(AuditFailure(error))")
        }
        return AuditFile(storage, note: note, reopen: reopen, report: report)
    }

    /// It is not at its path any more: the next write goes on in another.
    var isAway: Bool { storage.place() != .atItsPath }

    /// Appends the records with one write, behind whatever is there: all of them, or none.
    ///
    /// - Parameter now: the time of the lines that the log itself has something to say in.
    /// - Returns: false where there was nothing to be written.
    @discardableResult
    func write(
        _ records: some Collection<AuditRecord>, now: Milliseconds
    ) throws(AuditFailure) -> Bool {
        let patience = AuditFile.lockPatienceMilliseconds
        if let note {
            try attempt { () throws(AppendFile.Failure) in
                try note.lock(withinMilliseconds: patience)
            }
        }
        defer { note?.unlock() }
        try goToPath()
        let storage = storage
        try attempt { () throws(AppendFile.Failure) in
            try storage.lock(withinMilliseconds: patience)
        }
        defer { storage.unlock() }
        let start = try catchUp()
        var next = chain
        var bytes: [UInt8] = []
        let noted = start == 0 && size == nil ? notedHead() : nil
        if let noted { next = AuditChain(head: noted) }
        if synced == nil { synced = (start, next.head) }
        if noted != nil { next.append(.logContinued(at: now), to: &bytes) }
        if repairedBytes > 0 {
            next.append(.tailRepaired(bytes: repairedBytes, at: now), to: &bytes)
        }
        for record in records { next.append(record, to: &bytes) }
        guard !bytes.isEmpty else {
            size = start
            return false
        }
        try append(bytes, at: start)
        chain = next
        size = start + bytes.count
        repairedBytes = 0
        noteHead()
        return true
    }

    /// Returns when all lines are on disk. After a sync that failed they are written once more before
    /// the next: that one alone would prove nothing.
    func sync() throws(AuditFailure) {
        if hasSyncFailed { try writeAgain() }
        let (end, head) = (size, chain.head)
        do throws(AuditFailure) {
            try attempt { () throws(AppendFile.Failure) in try storage.sync() }
        } catch {
            hasSyncFailed = true
            throw error
        }
        hasSyncFailed = false
        if let end { synced = (end, head) }
    }

    /// Goes on only from what is read back. What does not follow from the last line on disk is lost,
    /// and the next line says so.
    private func writeAgain() throws(AuditFailure) {
        let storage = storage
        try attempt { () throws(AppendFile.Failure) in
            try storage.lock(withinMilliseconds: AuditFile.lockPatienceMilliseconds)
        }
        defer { storage.unlock() }
        guard let synced else { return }
        let found = try attempt { () throws(AppendFile.Failure) in try storage.size() }
        let bytes = try attempt { () throws(AppendFile.Failure) in
            try storage.read(at: synced.end, countMax: max(0, found - synced.end))
        }
        // Others' lines behind ours count, too.
        let last = bytes.dropLast().lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let head = bytes.isEmpty ? synced.head : AuditHash(of: bytes[last...].dropLast())
        if AuditChain.leads(bytes, from: synced.head, to: head), found >= size ?? 0 {
            chain = AuditChain(head: head)
            try attempt { () throws(AppendFile.Failure) in
                try storage.rewrite(bytes, at: synced.end)
            }
            size = found
        } else {
            try attempt { () throws(AppendFile.Failure) in try storage.truncate(to: synced.end) }
            repairedBytes += max(found, size ?? 0) - synced.end
            (chain, size) = (AuditChain(head: synced.head), synced.end)
            report("the disk has lost the last lines of the audit log \(storage.path)")
        }
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
        let storage = storage
        let found = try attempt { () throws(AppendFile.Failure) in try storage.size() }
        if found == size { return found }
        let tail = try attempt { () throws(AppendFile.Failure) in
            try AuditTail(of: storage, size: found)
        }
        guard let head = tail.head else {
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
        if tail.end < found {
            try attempt { () throws(AppendFile.Failure) in try storage.truncate(to: tail.end) }
            repairedBytes += found - tail.end
        }
        if size != nil { size = tail.end }
        return tail.end
    }
}

// MARK: Another file

extension AuditFile {
    /// Where the file was moved or removed, goes on with what stands at its path now.
    private func goToPath() throws(AuditFailure) {
        let place = storage.place()
        guard place != .atItsPath, let reopen else {
            isLossReported = false
            return
        }
        let path = storage.path
        let isRemoved = place == .removed
        let what = "the audit log \(path) was \(isRemoved ? "removed" : "moved away")"
        if !isLossReported { lossCount += 1 }
        let fresh: any AuditStorage
        do throws(AuditFailure) {
            fresh = try attempt { () throws(AppendFile.Failure) in try reopen() }
            try checkIsLog(fresh)
        } catch {
            if !isLossReported {
                report(
                    "\(what), and no other can be used there: \(error); "
                        + (isRemoved
                            ? "events are dropped until one can"
                            : "lines go on to the file that was moved"))
            }
            isLossReported = true
            if isRemoved { throw error }
            return
        }
        // What is in it is on disk before anything is in the next.
        if !isRemoved { syncMoved() }
        storage = fresh
        (size, repairedBytes, isLossReported) = (nil, 0, false)
        (synced, hasSyncFailed) = (nil, false)
        report(
            what + (isRemoved ? " with all its lines" : "")
                + "; the file that is there now goes on from its last line")
    }

    private func syncMoved() {
        do throws(AuditFailure) {
            try sync()
        } catch {
            report("the last lines of the audit log that was moved may not be on disk: \(error)")
        }
    }

    private func checkIsLog(_ fresh: any AuditStorage) throws(AuditFailure) {
        let tail = try attempt { () throws(AppendFile.Failure) in
            try AuditTail(of: fresh, size: try fresh.size())
        }
        guard tail.head == nil else { return }
        throw AuditFailure("the last line of \(fresh.path) is none of an audit log; move it away")
    }

    /// The last line of the file before this one; nil where there was none, as far as anybody knows.
    private func notedHead() -> AuditHash? {
        do throws(AppendFile.Failure) {
            if let head = try note?.read() { return head == .start ? nil : head }
        } catch {
            reportNoteFailure(error)
        }
        return chain.head == .start ? nil : chain.head
    }

    private func noteHead() {
        do throws(AppendFile.Failure) {
            try note?.write(chain.head)
            isNoteFailureReported = false
        } catch {
            reportNoteFailure(error)
        }
    }

    private func reportNoteFailure(_ failure: AppendFile.Failure) {
        if !isNoteFailureReported {
            report("the last line of the audit log cannot be noted for the next file: \(failure)")
        }
        isNoteFailureReported = true
    }
}

private func attempt<Result>(
    _ body: () throws(AppendFile.Failure) -> Result
) throws(AuditFailure) -> Result {
    do throws(AppendFile.Failure) { return try body() } catch { throw AuditFailure(error) }
}
