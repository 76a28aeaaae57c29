// Lines on stderr, and other descriptors.

import Glibc

public enum Log {
    /// Writes the line and its end with one system call, so that lines of several threads do not
    /// mix. Any thread; blocks where nobody reads.
    public static func line(_ text: String) {
        write(Array((text + "\n").utf8), to: STDERR_FILENO)
    }

    /// Writes all of it, or as much as can be written at all. Blocks where nobody reads.
    public static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { raw in
                unsafe Glibc.write(descriptor, raw.baseAddress, raw.count)
            }
            if written < 0, errno == EINTR { continue }
            if written < 0, errno == EAGAIN {
                // Somebody else's descriptor that does not block: wait until it takes more.
                var waited = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&waited, 1, -1)
                continue
            }
            guard written > 0 else { return }
            rest = rest.dropFirst(written)
        }
    }
}
