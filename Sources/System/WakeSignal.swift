// A descriptor that one thread raises and another waits for (`eventfd(2)`). Knows no loop.

import CSystem
import Glibc

/// Raised by any thread; lowered by the one that waits. Its descriptor is closed with its last reference.
public final class WakeSignal: Sendable {
    /// Readable while it is raised.
    public let descriptor: Int32

    /// nil where there are no descriptors left: `errno` says why.
    public init?() {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard descriptor >= 0 else { return nil }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Never blocks: it would take 2⁶⁴ of them that nobody has lowered.
    public func raise() {
        var one: UInt64 = 1
        _ = unsafe write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// Does nothing where it is not raised.
    public func lower() {
        var count: UInt64 = 0
        _ = unsafe read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
}
