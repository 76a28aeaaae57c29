// A string in a JSON text: where it stands, and what it says.

import Bytes

/// The place of a string's content in the text, between its quotes.
struct JSONString: Equatable, Sendable {
    // Small, since each member of an object has room for one.
    private let start: UInt32
    private let end: UInt32
    let hasEscapes: Bool

    /// - Parameter end: below 4 GiB.
    init(start: Int, end: Int, hasEscapes: Bool) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
        self.hasEscapes = hasEscapes
    }

    /// The same in a text that has so many bytes more in front.
    func behind(_ count: Int) -> JSONString {
        JSONString(start: Int(start) + count, end: Int(end) + count, hasEscapes: hasEscapes)
    }

    var range: Range<Int> { Int(start)..<Int(end) }
    var isEmpty: Bool { start == end }

    /// The string, with escapes resolved.
    func text(_ bytes: Span<UInt8>) -> String {
        // The reader lets nothing pass but UTF-8.
        if !hasEscapes, let text = String(validating: bytes.extracting(range)) { return text }
        return String(decoding: JSONEscapes.resolve(bytes, range), as: UTF8.self)
    }

    /// Lends the string's UTF-8, with escapes resolved; copies nothing where there are none.
    func withContent<Result>(_ bytes: Span<UInt8>, _ body: (Span<UInt8>) -> Result) -> Result {
        guard hasEscapes else { return body(bytes.extracting(range)) }
        return body(JSONEscapes.resolve(bytes, range).span)
    }
}
