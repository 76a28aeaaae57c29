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
    public func share(_ bytes: [UInt8]) -> [UInt8] { share(bytes.span, 0..<bytes.count) }

    /// A copy of a part of borrowed bytes, or the one that somebody was given before.
    public func share(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        share(bytes, range, hash: SharedBytes.hash(bytes, range))
    }

    func share(_ bytes: Span<UInt8>, _ range: Range<Int>, hash: UInt64) -> [UInt8] {
        let sets = UInt64(SharedBytes.countMax / SharedBytes.setSize)
        let first = Int(hash % sets) * SharedBytes.setSize
        for place in first..<first + SharedBytes.setSize
        where bytesEqual(bytes, range, strings[place]) {
            return strings[place]
        }
        var copy: [UInt8] = []
        copy.append(bytes, range)
        // In turn: all are in use sooner or later, or none is.
        strings[first + nextPlace] = copy
        nextPlace = (nextPlace + 1) % SharedBytes.setSize
        return copy
    }

    /// FNV-1a. Whoever finds strings of one set makes them drive each other out, and gains nothing.
    private static func hash(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in range { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
        return hash >> 32 ^ hash
    }
}
