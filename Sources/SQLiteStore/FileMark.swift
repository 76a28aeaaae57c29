// How our database files are told from others, and new ones from old ones.

import Tokens

/// What a kind of file has in its header.
struct FileMark {
    /// Marks a file as ours.
    let applicationID: Int64
    let newestVersion: Int
    /// What to do about a file that is not.
    let advice: String

    /// The version of the file's schema; 0: it is empty.
    ///
    /// - Throws: `StoreFailure` for a file of a newer version or of another program.
    func version(of database: Database, path: String) throws -> Int {
        let version = try database.integer("PRAGMA user_version")
        let owner = try database.integer("PRAGMA application_id")
        guard owner == applicationID || owner == 0 && version == 0 else {
            throw StoreFailure("\(path) is a database of another program; \(advice)")
        }
        guard version <= newestVersion else {
            throw StoreFailure(
                "\(path) has schema version \(version), this program knows \(newestVersion); use "
                    + "the newer program that wrote it")
        }
        return Int(version)
    }

    /// Makes a file one of this version.
    func statements(version: Int) -> String {
        "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version);"
    }
}
