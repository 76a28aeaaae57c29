// Feeds bytes to a reader in any portions and writes down what comes out, so that two ways of
// feeding the same bytes can be compared.

import Testing

@testable import HTTP1

/// What a reader said, with the bytes it said it about.
enum Observation: Equatable, CustomStringConvertible {
    case request(method: Method, path: String, fields: [String], body: String, keepsAlive: Bool)
    case continueExpected
    case refused(ProtocolError)

    var description: String {
        switch self {
        case .request(let method, let path, let fields, let body, let keepsAlive):
            "\(method) \(path) \(fields) \(body.debugDescription) \(keepsAlive ? "stays" : "ends")"
        case .continueExpected: "100"
        case .refused(let error): "refused: \(error)"
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

    mutating func feed(_ bytes: [UInt8]) {
        let input = kept + bytes
        var offset = 0
        loop: while offset < input.count {
            let event = reader.read(input.span, from: &offset)
            switch event {
            case .incomplete: break loop
            case .continueExpected: observations.append(.continueExpected)
            case .request(.input(let range)): note(Array(input[range]))
            case .request(.assembled): note(reader.assembled)
            case .refused(let error):
                // Nothing behind a refusal is ever looked at again.
                if observations.last != .refused(error) { observations.append(.refused(error)) }
                break loop
            }
        }
        kept = Array(input[offset...])
    }

    private mutating func note(_ bytes: [UInt8]) {
        func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        observations.append(
            .request(
                method: reader.head.method, path: text(reader.head.path),
                fields: reader.head.fields.map { "\(text($0.name))=\(text($0.value))" },
                body: text(reader.head.body), keepsAlive: reader.head.keepsAlive))
    }

    /// What one feeding of `portions` observes.
    static func observe(_ portions: [[UInt8]], limits: Limits = Limits()) -> [Observation] {
        var feeder = Feeder(limits: limits)
        for portion in portions { feeder.feed(portion) }
        return feeder.observations
    }
}

/// A request and what must be said of it.
struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let input: String
    let expected: [Observation]

    var testDescription: String { name }
    var bytes: [UInt8] { Array(input.utf8) }

    init(_ name: String, _ input: String, _ expected: Observation...) {
        self.name = name
        self.input = input
        self.expected = expected
    }
}
