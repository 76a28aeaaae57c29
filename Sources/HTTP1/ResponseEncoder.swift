// Status line, header section and content of an answer, as bytes (RFC 9112 §4). What they say is
// the caller's.

import Bytes

/// A status code with its reason phrase (RFC 9110 §15).
public struct Status: Equatable, Hashable, Sendable {
    public let code: Int
    public let reason: String

    public init(_ code: Int, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

public enum ResponseEncoder {
    /// `HTTP/1.1 100 Continue` (RFC 9110 §15.2.1).
    public static let continueResponse = [UInt8]("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// The status line and the given fields, without the empty line: the part worth keeping.
    public static func head(_ status: Status, _ fields: [(name: String, value: String)]) -> [UInt8]
    {
        var head = "HTTP/1.1 \(status.code) \(status.reason)\r\n"
        for field in fields { head += "\(field.name): \(field.value)\r\n" }
        return [UInt8](head.utf8)
    }

    /// Ends a head with the length of the content that follows.
    public static func endHead(contentLength: Int, into output: inout [UInt8]) {
        output.append(contentsOf: contentLengthField)
        output.append(decimal: Int64(contentLength))
        output.append(contentsOf: endOfHead)
    }

    /// Ends the head of an answer that has no content by definition, such as 204.
    public static func endHeadWithoutContent(into output: inout [UInt8]) {
        output.append(contentsOf: endOfLine)
    }

    private static let contentLengthField = [UInt8]("Content-Length: ".utf8)
    private static let endOfHead = [UInt8]("\r\n\r\n".utf8)
    private static let endOfLine = [UInt8]("\r\n".utf8)
}
