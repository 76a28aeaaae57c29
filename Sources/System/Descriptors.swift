// File descriptors as the kernel hands them out.

import CSystem
import Glibc

public enum Descriptors {
    /// Takes the next connection of a listening socket; it does not block, and no child inherits it.
    ///
    /// - Returns: its descriptor, or `-errno` (`accept(2)`).
    public static func accept(_ listener: Int32) -> Int32 {
        let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = obie_accept4(listener, nil, nil, flags)
        return descriptor >= 0 ? descriptor : -errno
    }

    /// Whether so many pipes could be opened now: opens them, and closes them again.
    ///
    /// - Returns: 0, or `-errno` of the one that could not (`pipe(2)`).
    public static func tryPipes(_ count: Int) -> Int32 {
        var opened: [Int32] = []
        defer { for descriptor in opened { close(descriptor) } }
        for _ in 0..<count {
            var ends: [Int32] = [-1, -1]
            guard unsafe obie_pipe2(&ends, O_CLOEXEC) == 0 else { return -errno }
            opened += ends
        }
        return 0
    }
}
