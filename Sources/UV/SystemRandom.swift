// Random bytes from the operating system.

import CLibUV

public enum SystemRandom {
    /// Fills the whole array with bytes from the kernel's generator (`getrandom(2)` through
    /// `uv_random`). Any thread. A system without a random source cannot issue tokens, so a
    /// failure traps.
    public static func fill(_ bytes: inout [UInt8]) {
        let code = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe uv_random(nil, nil, buffer.baseAddress, buffer.count, 0, nil)
        }
        precondition(code == 0, "the operating system gives no random bytes")
    }
}
