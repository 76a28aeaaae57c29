// Standard output for what must arrive: each write is checked.

import Glibc

public enum StandardOutput {
    public struct Failure: Error, CustomStringConvertible {
        /// The raw `errno`.
        public let code: Int32
        public var description: String {
            unsafe strerror(code).map { unsafe String(cString: $0) } ?? "errno \(code)"
        }
    }

    /// Makes sure that no file that is opened later passes for a standard stream that was closed: a
    /// write to standard output fails then. Call before anything is opened.
    public static func fillGaps() {
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
            guard fcntl(stream, F_GETFD) < 0 else { continue }
            // The lowest number that is free, so this one.
            _ = unsafe open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Writes all of it; where it goes to a file, onto the disk. Blocks.
    public static func write(_ text: String) throws(Failure) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(code: errno) }
            rest = rest.dropFirst(count)
        }
        // Some disks say only now that they are full. A pipe or a terminal cannot be synced.
        guard fsync(STDOUT_FILENO) != 0, [EIO, ENOSPC, EDQUOT].contains(errno) else { return }
        throw Failure(code: errno)
    }
}
