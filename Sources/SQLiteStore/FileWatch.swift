// Sees whether the files of a store that is in use are still the ones at its path.

import Tokens

/// Used by one thread; each look takes a few system calls and no wait for a disk that is well.
final class FileWatch {
    private let lock: StoreLock
    private let health: StoreHealth
    private let expected: [(path: String, identity: FileIdentity)]

    /// - Parameter store: open, with its log beside it.
    init(_ store: String, _ lock: StoreLock, _ health: StoreHealth) {
        self.lock = lock
        self.health = health
        let paths = [store, FileNames.log(store), FileNames.sharedMemory(store)]
        expected = paths.compactMap { path in
            FileStatus.at(path).map { (path, $0.identity) }
        }
    }

    /// Tells of the first file that is another one, once; and when all are back.
    ///
    /// - Throws: where PATH.lock is gone and cannot be made again.
    func look() throws(StoreFailure) {
        let moved = expected.first { FileStatus.at($0.path)?.identity != $0.identity }
        if let moved {
            health.failed(.files, moved.path)
        } else {
            health.recovered(.files)
        }
        try lock.renew()
    }
}
