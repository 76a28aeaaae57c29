// When a server was last alive, though it was killed: PATH.lock was last written then. To write that down
// in the store each second would cost a sync to disk each second; a time of a file costs none.

import Glibc
import Tokens

/// The time of a lock file. Any thread.
struct StoreHeartbeat: Sendable {
    private let path: String
    /// When the server before was last seen, in milliseconds since 1970; nil: there was none.
    let seenAt: Milliseconds?

    /// - Parameter path: of the lock file. What it says now is remembered: to be asked before the file is
    ///   written.
    init(lock path: String) {
        self.path = path
        seenAt = FileStatus.at(path).map { Milliseconds($0.writtenAt / 1_000_000) }
    }

    /// A process that is no server has written the file: the time is that of the last server again.
    func restore() {
        if let seenAt { beat(at: seenAt) }
    }

    /// A failure costs precision only: the store itself knows it to the minute.
    func beat(at now: Milliseconds) {
        let time = timespec(tv_sec: Int(now / 1000), tv_nsec: Int(now % 1000) * 1_000_000)
        unsafe utimensat(AT_FDCWD, path, [time, time], AT_SYMLINK_NOFOLLOW)
    }
}
