// A copy of the store, consistent, while a server may be writing to it.

import Tokens

public enum Backup {
    /// Copies the file as it stands at one moment, and then the registry beside it.
    ///
    /// Reads through a connection that cannot write or checkpoint, so the server's stays the only
    /// one that does. Blocks until the copy is on disk.
    ///
    /// - Parameter destination: must not exist, nor its registry. Readable for this user only.
    public static func make(of path: String, to destination: String) throws(StoreFailure) {
        try copy(path, destination)
        try copy(FileNames.registry(path), FileNames.registry(destination))
    }

    private static func copy(
        _ path: String, _ destination: String
    ) throws(StoreFailure) {
        do {
            let database = try Database(path: path, .readOnly)
            Database.makePrivate(destination)  // which `VACUUM INTO` takes, as long as it is empty
            let statement = try database.prepare("VACUUM INTO ?")
            try statement.bind(1, destination)
            try statement.run()
        } catch {
            throw StoreFailure("cannot copy \(path) to \(destination): \(error)")
        }
    }
}
