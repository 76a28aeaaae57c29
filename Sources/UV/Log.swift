// Lines on stderr.

import Glibc

public enum Log {
    /// Writes the line and its end with one system call, so that lines of several threads do not
    /// mix. Any thread.
    public static func line(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = unsafe write(STDERR_FILENO, bytes, bytes.count)
    }
}
