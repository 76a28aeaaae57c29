// Random bits by the block: a system call for every eight bytes costs more than the rest of a
// token.

import Bytes

/// Draws random numbers from blocks of 4 KiB. One per event loop.
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

    /// 64 unpredictable bits, used once: the pool forgets them.
    public mutating func next() -> UInt64 {
        let start = take(8)
        let number = block.span.word(at: start).byteSwapped
        var bytes = block.mutableSpan
        bytes.store(0, at: start)
        return number
    }

    /// The same twice.
    mutating func nextTwo() -> (UInt64, UInt64) {
        let start = take(16)
        let numbers = (
            block.span.word(at: start).byteSwapped, block.span.word(at: start + 8).byteSwapped
        )
        var bytes = block.mutableSpan
        bytes.store(0, at: start)
        bytes.store(0, at: start + 8)
        return numbers
    }

    /// Where so many bytes are that nobody has had.
    @inline(__always)
    private mutating func take(_ count: Int) -> Int {
        if position + count > block.count {
            fill(&block)
            position = 0
        }
        defer { position += count }
        return position
    }
}
