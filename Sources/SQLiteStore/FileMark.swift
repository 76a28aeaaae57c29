// How our database files are told from others, and new ones from old ones.

import Tokens

/// What a kind of file has in its header.
struct FileMark {
    /// Marks a file as ours.
    let applicationID: Int64
    let newestVersion: Int
    /// What to do about a file that is not.
    let advice: String

    /// Whether there is such a file. Changes nothing, whatever it is.
    ///
    /// - Throws: `StoreFailure` for a file of a newer version or of another program.
    func isThere(_ path: String) throws(StoreFailure) -> Bool {
        switch try FileHead.read(path) {
        case .absent, .empty: return false
        case .noDatabase:
            throw StoreFailure(
                "\(path) is not a database of this program, and was not touched; \(advice)",
                .configuration)
        case .database(let id, let version):
            try check(id, version, path)
            return true
        }
    }

    /// The version of the file's schema; 0: it is empty.
    ///
    /// - Throws: `StoreFailure` for a file of a newer version or of another program.
    func version(of database: Database, path: String) throws -> Int {
        let version = try database.integer("PRAGMA user_version")
        let owner = try database.integer("PRAGMA application_id")
        let isEmpty = owner == 0 && version == 0
        try check(isEmpty ? applicationID : owner, version, path)
        return Int(version)
    }

    private func check(_ id: Int64, _ version: Int64, _ path: String) throws(StoreFailure) {
        guard id == applicationID else {
            throw StoreFailure(
                "\(path) is a database of another program, and was not touched; \(advice)",
                .configuration)
        }
        guard version <= newestVersion else {
            throw StoreFailure(
                "\(path) has schema version \(version), this program knows \(newestVersion); use "
                    + "the newer program that wrote it", .configuration)
        }
    }

    /// Makes a file one of this version.
    func statements(version: Int) -> String {
        "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version);"
    }
}
