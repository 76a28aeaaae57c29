// PATH.lock: held by the server that uses a store. It also says how much of the registry's changes
// that server has taken over, for commands that wait until theirs counts.

import Glibc
import Tokens

/// The lock of a store, held until `release` or the end of the process, however it ends.
@safe final class StoreLock {
    private var descriptor: Int32

    /// One process at a time: SQLite itself would let two servers write in turns.
    init(_ path: String) throws(SQLiteStoreFailure) {
        descriptor = unsafe open("\(path).lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SQLiteStoreFailure(
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
            throw SQLiteStoreFailure(
                "the store \(path) is in use by another server; stop that one, or choose another "
                    + "path with --store")
        }
        ftruncate(descriptor, 0)
    }

    func release() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// From now on every request sees this version of the registry.
    func announce(registryVersion: Int64) {
        let text = Array("\(registryVersion)\n".utf8)
        // Versions only get longer, so no old digit is left behind. A failure makes commands wait.
        _ = unsafe pwrite(descriptor, text, text.count, 0)
    }
}

/// The server that may be using a store, as seen by a command.
public enum RunningServer {
    public enum Answer: Equatable, Sendable {
        /// Nothing to wait for.
        case notRunning
        /// Its next request sees the change.
        case hasTakenOver
        /// It is still on an older version.
        case isLate
    }

    /// Waits until the server that uses the store has taken over a version of the registry. Blocks.
    public static func wait(
        registryVersion: Int64, store: String, milliseconds: Int
    ) -> Answer {
        let descriptor = unsafe open("\(store).lock", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .notRunning }
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
