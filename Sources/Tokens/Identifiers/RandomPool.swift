// Random bits by the block: a system call for every eight bytes costs more than the rest of a
// token.

import Bytes

/// Draws random bits from blocks of 4 KiB. One per event loop.
public struct RandomPool {
    private var block: [UInt8]
    private var position: Int
    private let fill: (inout [UInt8]) -> Void

    public static let blockBytes = 4096

    /// - Parameter fill: overwrites the whole array with unpredictable bytes.
    public init(fill: @escaping (inout [UInt8]) -> Void) {
        self.fill = fill
        block = [UInt8](repeating: 0, count: RandomPool.blockBytes)
        position = block.count
    }

    /// 128 unpredictable bits, used once: the pool forgets them.
    public mutating func next() -> (UInt64, UInt64) {
        if position == block.count {
            fill(&block)
            position = 0
        }
        let (first, second) = (position, position &+ 8)
        position &+= 16
        var bytes = block.mutableSpan
        let bits = (
            bytes.span.word(at: first).byteSwapped, bytes.span.word(at: second).byteSwapped
        )
        bytes.store(0, at: first)
        bytes.store(0, at: second)
        return bits
    }
}
