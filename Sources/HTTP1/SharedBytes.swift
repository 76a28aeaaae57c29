// Equal bytes in memory once: clients send the same credentials on all of their connections.

import Bytes

/// A small pool of byte strings. One per event loop, on its thread.
public final class SharedBytes {
    /// Bounds what stays when nobody uses it any more.
    private static let countMax = 256
    /// Strings of the same hash that stand beside each other. With one place for each, two strings in
    /// daily use would now and then drive each other out, and every connection had copies.
    private static let setSize = 4

    private var strings = [[UInt8]](repeating: [], count: countMax)
    private var nextPlace = 0

    public init() {}

    /// The same bytes, in the memory of whoever was given them before.
    public func share(_ bytes: [UInt8]) -> [UInt8] {
        share(bytes, hash: bytes.hashValue)
    }

    /// A copy of a part of borrowed bytes, or the one that somebody was given before.
    public func share(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        var copy: [UInt8] = []
        copy.append(bytes, range)
        return share(copy)
    }

    func share(_ bytes: [UInt8], hash: Int) -> [UInt8] {
        let sets = UInt(SharedBytes.countMax / SharedBytes.setSize)
        let first = Int(UInt(bitPattern: hash) % sets) * SharedBytes.setSize
        let places = first..<first + SharedBytes.setSize
        if let place = places.first(where: { strings[$0] == bytes }) { return strings[place] }
        // In turn: all are in use sooner or later, or none is.
        strings[first + nextPlace] = bytes
        nextPlace = (nextPlace + 1) % SharedBytes.setSize
        return bytes
    }
}
