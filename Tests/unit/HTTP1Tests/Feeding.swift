// Feeds bytes to a reader in any portions and writes down what comes out, so that two ways of
// feeding the same bytes can be compared.

import Testing

@testable import HTTP1

/// What a reader said, with the bytes it said it about.
enum Observation: Equatable, CustomStringConvertible, Sendable {
    struct Request: Equatable, Sendable {
        var method: Method
        var path: [UInt8]
        /// Each as `name=value`.
        var fields: [[UInt8]] = []
        var body: [UInt8] = []
        var keepsAlive = true
    }

    case request(Request)
    case continueExpected
    case refused(ProtocolError)
    /// The bytes end inside a request.
    case waits

    static let methods: [String: Method] = [
        "GET": .get, "HEAD": .head, "POST": .post, "PUT": .put, "DELETE": .delete,
        "PATCH": .patch, "OPTIONS": .options, "TRACE": .trace,
    ]

    private static let malformations: [Malformation] = [
        .requestLine, .target, .bareCarriageReturn, .bareLineFeed, .fieldName, .fieldValue,
        .lineFolding, .host, .contentLength, .transferEncoding, .chunk, .trailer,
    ]

    private static let otherRules: [ProtocolError] = [
        .targetTooLong, .headTooLarge, .bodyTooLarge, .versionUnsupported, .methodUnknown,
        .codingUnknown, .expectationFailed,
    ]

    /// By the names that the corpus uses.
    static let rules: [String: ProtocolError] = Dictionary(
        uniqueKeysWithValues: malformations.map { ("malformed.\($0)", .malformed($0)) }
            + otherRules.map { ("\($0)", $0) })

    var description: String {
        func text(_ bytes: [UInt8]) -> String {
            let start = String(decoding: bytes.prefix(80), as: UTF8.self).debugDescription
            return bytes.count > 80 ? "\(start)… (\(bytes.count) bytes)" : start
        }
        switch self {
        case .request(let request):
            let fields = request.fields.prefix(10).map(text)
            return "\(request.method) \(text(request.path)) \(fields) \(text(request.body)) "
                + (request.keepsAlive ? "stays" : "ends")
        case .continueExpected: return "100"
        case .refused(let error): return "refused: \(error)"
        case .waits: return "waits"
        }
    }
}

/// Plays the connection's part: keeps what the reader has not done with.
struct Feeder {
    private var reader: RequestReader
    private var kept: [UInt8] = []
    private(set) var observations: [Observation] = []

    init(limits: Limits = Limits()) {
        reader = RequestReader(limits: limits)
    }

    mutating func feed(_ bytes: some Collection<UInt8>) {
        kept.append(contentsOf: bytes)
        let input = kept
        var offset = 0
        loop: while offset < input.count {
            let event = reader.read(input.span, from: &offset)
            switch event {
            case .incomplete: break loop
            case .continueExpected: observations.append(.continueExpected)
            case .request(.input(let range)): note(input[range])
            case .request(.assembled): note(reader.assembled[...])
            case .refused(let error):
                // Nothing behind a refusal is ever looked at again.
                if observations.last != .refused(error) { observations.append(.refused(error)) }
                break loop
            }
        }
        if offset > 0 { kept.removeFirst(offset) }
    }

    /// Says so where the bytes have ended inside a request.
    mutating func finish() {
        if case .refused = observations.last { return }
        if !reader.isBetweenRequests { observations.append(.waits) }
    }

    private mutating func note(_ bytes: ArraySlice<UInt8>) {
        func part(_ range: Range<Int>) -> [UInt8] {
            Array(bytes.dropFirst(range.lowerBound).prefix(range.count))
        }
        observations.append(
            .request(
                Observation.Request(
                    method: reader.head.method, path: part(reader.head.path),
                    fields: reader.head.fields.map {
                        part($0.name) + [UInt8(ascii: "=")] + part($0.value)
                    },
                    body: part(reader.head.body), keepsAlive: reader.head.keepsAlive)))
    }

    /// What one feeding of `portions` observes.
    static func observe(
        _ portions: [some Collection<UInt8>], limits: Limits = Limits()
    ) -> [Observation] {
        var feeder = Feeder(limits: limits)
        for portion in portions { feeder.feed(portion) }
        feeder.finish()
        return feeder.observations
    }

    /// What feeding `bytes` in two portions observes.
    static func observe(_ bytes: [UInt8], splitAt position: Int) -> [Observation] {
        observe([bytes[..<position], bytes[position...]])
    }

    /// What feeding single bytes observes.
    static func observe(byteByByte bytes: [UInt8]) -> [Observation] {
        observe(bytes.map { CollectionOfOne($0) })
    }
}
