// Looks for damage in a whole store and its registry, while a server may be using it.

import Tokens

public enum StoreCheck {
    /// Findings in one file; where there are more, nothing else is worth to know.
    private static let findingsMax = 100

    /// Reads all of both files through connections that write and checkpoint nothing. Blocks, up to 5 s
    /// for a command that changes the registry; a change that was cut off is taken back.
    ///
    /// SQLite keeps no checksums, so it sees what does not fit together, and not a value that was
    /// changed.
    ///
    /// - Returns: what SQLite has found in which file, with the numbers of pages; empty where both
    ///   are whole.
    /// - Throws: `StoreFailure` where a file is not there, or cannot be read.
    public static func damage(of store: String) throws(StoreFailure) -> [String] {
        let registry = FileNames.registry(store)
        for (path, what) in [(store, "store"), (registry, "registry")]
        where try FileHead.read(path) == .absent {
            throw StoreFailure(
                "there is no \(what) \(path); choose the right store with --store, or restore a backup",
                .absent)
        }
        return try damage(inFile: store, Database.reading)
            + damage(inFile: registry, Database.readingRegistry)
    }

    private static func damage(
        inFile path: String, _ open: (String) throws(DatabaseError) -> Database
    ) throws(StoreFailure) -> [String] {
        do throws(DatabaseError) {
            return try findings(open(path)).map { "\(path): \($0)" }
        } catch {
            if error.isDamage { return ["\(path): \(error.description)"] }
            throw StoreFailure("cannot read \(path): \(error)")
        }
    }

    private static func findings(_ database: Database) throws(DatabaseError) -> [String] {
        let check = try database.prepare("PRAGMA integrity_check(\(findingsMax))")
        var lines: [Substring] = []
        var end: [String] = []
        do throws(DatabaseError) {
            while try check.step() { lines += check.text(0).split(separator: "\n") }
        } catch  where error.isDamage {
            // It gives up at some damage; what it has found until then counts.
            end = [error.description]
        }
        return lines.filter { $0 != "ok" && !$0.hasPrefix("***") }.map(String.init) + end
    }
}
