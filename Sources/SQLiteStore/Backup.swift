// A copy of the store with its registry and its keys, while a server may be writing to them.

import Glibc
import System
import Tokens

public enum Backup {
    /// Copies all three, or nothing. They are whole, belong together and are on disk when this
    /// returns; only this user may read them. Blocks.
    ///
    /// - Parameter destination: none of its three files may exist.
    /// - Throws: `StoreFailure` that says what to do.
    public static func make(of source: StoreSet, to destination: String) throws(StoreFailure) {
        let target = StoreSet(store: destination)
        if let missing = PrivateFile.missingFolder(of: destination) {
            throw StoreFailure(
                "cannot make \(destination): \(missing); make it, or choose another path")
        }
        for path in target.paths where PrivateFile.exists(path) {
            throw StoreFailure("\(path) is there already; choose another name", .existing)
        }
        let draft = target.draft
        defer { draft.removeAll() }
        try source.copy(to: draft)
        var done: [String] = []
        do throws(PrivateFile.Failure) {
            for (from, to) in zip(draft.paths, target.paths) {
                try PrivateFile.move(from, to: to)
                done.append(to)
            }
            try PrivateFile.syncFolder(of: destination)
        } catch {
            for path in done { unsafe unlink(path) }
            throw StoreFailure("cannot make \(error)", error.isPresent ? .existing : .system)
        }
    }
}
