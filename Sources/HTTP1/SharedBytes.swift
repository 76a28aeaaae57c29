// Equal bytes in memory once: clients send the same heads on all of their connections.

/// A small pool of byte strings. One per event loop, on its thread.
public final class SharedBytes {
    /// Bounds what stays when nobody uses it any more.
    private static let countMax = 256

    private var strings = [[UInt8]](repeating: [], count: countMax)

    public init() {}

    /// The same bytes, in the memory of whoever was given them before.
    public func share(_ bytes: [UInt8]) -> [UInt8] {
        let slot = Int(bytes.hashValue.magnitude % UInt(SharedBytes.countMax))
        if strings[slot] != bytes { strings[slot] = bytes }
        return strings[slot]
    }
}
