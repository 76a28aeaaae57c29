// Random bytes from the operating system.

import CSystem
import Glibc

public enum SystemRandom {
    /// Fills the whole array with bytes from the kernel's generator (`getrandom(2)`; `uv_random`
    /// would make a system call for every 256 bytes). Any thread. A system without a random source
    /// cannot issue tokens, so a failure traps.
    public static func fill(_ bytes: inout [UInt8]) {
        var filled = 0
        while filled < bytes.count {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                return unsafe getrandom(rest.baseAddress, rest.count, 0)
            }
            precondition(
                count > 0 || errno == EINTR, "the operating system gives no random bytes")
            filled += max(0, count)
        }
    }
}
