// What outlives a file of the log: a small file beside it that knows the hash of the last line, and
// whose lock makes all writers take turns, whatever becomes of the log's file meanwhile.

import System

/// `PATH.head`. One thread at a time; blocks.
final class AuditNote {
    private let file: AppendFile

    static func path(of log: String) -> String { "\(log).head" }

    init(besideLog path: String, ownedLike owner: String?) throws(AppendFile.Failure) {
        file = try AppendFile(AuditNote.path(of: path), .overwrite, ownedLike: owner)
    }

    func lock(withinMilliseconds patience: Int) throws(AppendFile.Failure) {
        try file.lock(withinMilliseconds: patience)
    }

    func unlock() { file.unlock() }

    /// nil where nothing has been noted yet, or what stands there is no hash.
    func read() throws(AppendFile.Failure) -> AuditHash? {
        let text = try file.read(at: 0, countMax: AuditHash.digitCount + 1)
        return AuditHash(digits: text.prefix(AuditHash.digitCount))
    }

    /// For the next file. Where this one is there, its last line counts, so this need not be synced.
    func write(_ head: AuditHash) throws(AppendFile.Failure) {
        try file.overwrite(Array("\(head.text)\n".utf8))
    }
}
