// Makes the file of a new store, whole or not at all.

import Glibc
import System
import Tokens

enum NewStore {
    /// Makes it under another name first. On disk when this returns. Holders of the lock only.
    static func make(_ path: String) throws(StoreFailure) {
        let draft = "\(path).new"
        remove(draft)
        do {
            try Schema.makeNew(draft)
            guard unsafe rename(draft, path) == 0 else {
                throw StoreFailure("cannot rename \(draft) to \(path) (errno \(errno))")
            }
            try PrivateFile.syncFolder(of: path)
        } catch {
            remove(draft)
            throw error as? StoreFailure ?? StoreFailure("cannot make the store \(path): \(error)")
        }
    }

    /// Takes a store back that nobody has used yet.
    static func remove(_ path: String) {
        for file in [
            path, FileNames.log(path), FileNames.sharedMemory(path), FileNames.journal(path),
        ] { unsafe unlink(file) }
    }
}
