// Sees to it that what is read from a store's log is what the disk has.

import Glibc
import Tokens

enum LogOnDisk {
    /// Lets the kernel forget the log, so that it is read from the disk. Where there is none, nothing is
    /// done. Blocks. Before SQLite opens the store.
    ///
    /// After a sync that failed, Linux goes on showing what was written, calls it clean, and never
    /// writes it. A start that believed it would append to a log with a hole, and at a power cut
    /// everything behind the hole would be gone. The store's file needs no such care: what its sync
    /// has lost still stands in the log, and is moved into the file once more.
    ///
    /// - Throws: `StoreFailure` where the disk does not take what the kernel still has to write.
    static func readAgain(store: String) throws(StoreFailure) {
        let path = FileNames.log(store)
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw failure(path, errno) }
            return
        }
        defer { close(descriptor) }
        // Only what is written can be forgotten.
        guard fdatasync(descriptor) == 0 else { throw failure(path, errno) }
        let code = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        guard code == 0 else { throw failure(path, code) }
    }

    private static func failure(_ path: String, _ code: Int32) -> StoreFailure {
        StoreFailure(
            "the store's log \(path) cannot be read from the disk (errno \(code)); look after the "
                + "disk, then start again")
    }
}
