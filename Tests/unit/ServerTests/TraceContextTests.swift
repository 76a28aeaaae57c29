// `traceparent`, row by row (W3C Trace Context §3.2).

import Testing

@testable import Server

@Suite struct TraceContextTests {
    static let trace = "0af7651916cd43dd8448eb211c80319c"
    static let parent = "b7ad6b7169203331"

    private static func parse(_ text: String) -> TraceContext? {
        let bytes = Array(text.utf8)
        return TraceContext(bytes.span, bytes.indices)
    }

    @Test(arguments: [
        "00-\(trace)-\(parent)-01", "00-\(trace)-\(parent)-00", "cc-\(trace)-\(parent)-01",
        "cc-\(trace)-\(parent)-01-what-the-future-brings",
    ])
    func traceIsTakenOver(text: String) throws {
        let context = try #require(Self.parse(text))
        #expect(context.traceID == Self.trace && context.parentID == Self.parent)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-\(parent)", "00-\(trace)-\(parent)-0", "00-\(trace)-\(parent)-0g",
        "00-\(trace)-\(parent)-01-more", "00-\(trace)-\(parent)-01x", "cc-\(trace)-\(parent)-01x",
        "ff-\(trace)-\(parent)-01", "00-\(trace.uppercased())-\(parent)-01",
        "00-\(String(repeating: "0", count: 32))-\(parent)-01",
        "00-\(trace)-\(String(repeating: "0", count: 16))-01", "00_\(trace)-\(parent)-01",
        "0-\(trace)-\(parent)-0001", " 00-\(trace)-\(parent)-01",
    ])
    func whatIsNoneIsAsGoodAsAbsent(text: String) {
        #expect(Self.parse(text) == nil)
    }
}
