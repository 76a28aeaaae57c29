// PATH.lock: held by the server that uses a store. It also says how much of the registry's changes
// that server has taken over, for commands that wait until theirs counts.

import Glibc
import Tokens

/// The lock of a store, held until `release` or the end of the process, however it ends.
@safe final class StoreLock {
    private var descriptor: Int32

    /// One process at a time: SQLite itself would let two servers write in turns.
    init(_ path: String) throws(StoreFailure) {
        descriptor = unsafe open("\(path).lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreFailure(
                "cannot write beside the store \(path) (errno \(errno)); choose another path or "
                    + "allow this user to write to its folder")
        }
        // A command that looks whether a server is running has the lock for a moment.
        var attempts = 5
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0, attempts > 0 {
            usleep(20_000)
            attempts -= 1
        }
        guard attempts > 0 else {
            Glibc.close(descriptor)
            descriptor = -1
            throw StoreFailure(
                "the store \(path) is in use by another server; stop that one, or choose another "
                    + "path with --store")
        }
        // Else commands could find what the server before it has taken over.
        guard ftruncate(descriptor, 0) == 0 else {
            let cause = errno
            release()
            throw StoreFailure(
                "cannot write \(path).lock (errno \(cause)); make sure that the disk is well")
        }
    }

    func release() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// From now on every request sees this version of the registry.
    func announce(registryVersion: Int64) throws(StoreFailure) {
        let text = Array("\(registryVersion)\n".utf8)
        // Versions only get longer, so no old digit is left behind.
        guard unsafe pwrite(descriptor, text, text.count, 0) == text.count else {
            throw StoreFailure("cannot write beside the store (errno \(errno))")
        }
    }

    /// Waits until the server that uses the store, if there is one, has taken over a version of the
    /// registry. For commands.
    static func wait(
        registryVersion: Int64, store: String, milliseconds: Int
    ) throws(StoreFailure) -> RegistryTakeover {
        let path = "\(store).lock"
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno != ENOENT else { return .notRunning }
            throw StoreFailure(
                "cannot read \(path) (errno \(errno)), so nobody knows whether a running server has "
                    + "taken it over")
        }
        defer { Glibc.close(descriptor) }
        for _ in 0...(milliseconds / pauseMilliseconds) {
            if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return .notRunning }
            if let version = announced(descriptor), version >= registryVersion {
                return .hasTakenOver
            }
            usleep(UInt32(pauseMilliseconds) * 1000)
        }
        return .isLate
    }

    private static let pauseMilliseconds = 20

    private static func announced(_ descriptor: Int32) -> Int64? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        return Int64(
            String(decoding: bytes.prefix(max(0, count)).prefix { $0 != 0x0A }, as: UTF8.self))
    }
}
