// The name of one request. Its answer has it, and so have the lines about it in the logs.

/// By which a request is found again, whoever asks for it.
public enum RequestID: Sendable {
    /// Drawn here: unpredictable, and tells nothing.
    case drawn(SealedIdentifier)
    /// As the client gave it, or somebody between it and us: visible ASCII.
    case given([UInt8])

    /// How long a given one may be, in characters.
    public static let givenLengths = 1...128

    /// Appends it as the answer has it: a drawn one is 32 lower-case hexadecimal digits.
    public func append(to output: inout [UInt8]) {
        switch self {
        case .drawn(let number): number.appendCode(to: &output)
        case .given(let text): output.append(contentsOf: text)
        }
    }

    public var text: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
