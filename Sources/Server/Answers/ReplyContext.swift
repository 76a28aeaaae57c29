// What of a request decides how its answer is written.

import Bytes
import Tokens

/// Kept until the answer is given, which may be later than the request's bytes are there. As it is
/// made, it fits a request whose head could not be read.
struct ReplyContext {
    /// For `X-Request-Id`, where the request has brought none: every answer has one.
    let drawnID: SealedIdentifier
    /// The request has brought one, which is kept elsewhere: so this stays trivial to copy.
    var hasGivenID = false
    var isHead = false
    var keepsAlive = false
    /// `x-fapi-interaction-id`, to be echoed as it was given.
    var interactionID: InteractionID?

    /// - Parameter drawn: for a request that brings no id of its own.
    init(drawn: SealedIdentifier) { drawnID = drawn }

    /// The connection stays, and there is content.
    var isUsual: Bool { keepsAlive && !isHead }
}

/// A UUID as it was written: 8-4-4-4-12 hexadecimal digits of either case (RFC 9562 §4).
struct InteractionID {
    static let length = 36

    // Eight bytes each, the first in the lowest place. The last four of `fourth` are the first of `last`.
    private let first, second, third, fourth, last: UInt64

    /// nil for anything else.
    init?(_ bytes: Span<UInt8>) {
        guard bytes.count == InteractionID.length else { return nil }
        (first, second, third) = (bytes.word(at: 0), bytes.word(at: 8), bytes.word(at: 16))
        (fourth, last) = (bytes.word(at: 24), bytes.word(at: 28))
        // The hyphens have their places.
        guard second & 0xFF00_0000_00FF == 0x2D00_0000_002D,
            third & 0xFF00_0000_00FF_0000 == 0x2D00_0000_002D_0000
        else { return nil }
        // A digit in each, so that all bytes can be asked at once.
        let toDigits: UInt64 = 0x1D00_0000_001D
        let beyond =
            TextWords.beyondHexadecimal(first) | TextWords.beyondHexadecimal(second ^ toDigits)
            | TextWords.beyondHexadecimal(third ^ toDigits << 16)
            | TextWords.beyondHexadecimal(fourth) | TextWords.beyondHexadecimal(last)
        guard beyond == 0 else { return nil }
    }

    func append(to output: inout [UInt8]) {
        output.append(count: InteractionID.length) { store(in: &$0, at: 0) }
    }

    /// Puts it from `start` on. Traps where there is no room.
    @inline(__always)
    func store(in output: inout MutableSpan<UInt8>, at start: Int) {
        output.store(first, at: start)
        output.store(second, at: start &+ 8)
        output.store(third, at: start &+ 16)
        output.store(fourth, at: start &+ 24)
        output.store(last, at: start &+ 28)
    }

    var string: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
