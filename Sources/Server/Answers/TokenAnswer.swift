// A 201 with a token, laid out once for all that look alike.

import Bytes
import HTTP1
import Tokens

/// Whole answers that differ in their ids, tokens and states only: each is one copy, with its own put in.
final class TokenAnswer {
    /// What makes two look alike.
    struct Shape: Equatable {
        let hasInteractionID: Bool
        /// In bytes; nil: there is none. Nothing in a state must be escaped.
        let stateLength: Int?
    }

    let shape: Shape
    private let bytes: [UInt8]
    // Where in the bytes.
    private let requestIDAt: Int
    private let interactionIDAt: Int
    private let tokenAt: Int
    private let stateAt: Int

    static let requestIDField = [UInt8]("X-Request-Id: ".utf8)
    /// It stands behind another field.
    static let interactionIDField = [UInt8]("\r\nx-fapi-interaction-id: ".utf8)
    static let opening = [UInt8](#"{"data":{"access_token":""#.utf8)

    /// - Parameters:
    ///   - head: with Date, and without what this adds.
    ///   - keptFields: that the connection stays.
    ///   - tail: of the content, from behind the token up to the state or to the end.
    init(_ shape: Shape, head: [UInt8], keptFields: [UInt8], tail: [UInt8]) {
        self.shape = shape
        var content = TokenAnswer.opening
        let tokenInContent = content.count
        TokenAnswer.append(SealedIdentifier.tokenLength, to: &content)
        content.append(contentsOf: tail)
        let stateInContent = content.count + 1
        if let length = shape.stateLength {
            content.append(UInt8(ascii: "\""))
            TokenAnswer.append(length, to: &content)
            content.append(contentsOf: #""}}"#.utf8)
        }
        var bytes = head + TokenAnswer.requestIDField
        requestIDAt = bytes.count
        TokenAnswer.append(SealedIdentifier.codeLength, to: &bytes)
        bytes += keptFields
        interactionIDAt = bytes.count + TokenAnswer.interactionIDField.count
        if shape.hasInteractionID {
            bytes.append(contentsOf: TokenAnswer.interactionIDField)
            TokenAnswer.append(InteractionID.length, to: &bytes)
        }
        bytes.append(contentsOf: "\r\n".utf8)
        ResponseEncoder.endHead(contentLength: content.count, into: &bytes)
        tokenAt = bytes.count + tokenInContent
        stateAt = bytes.count + stateInContent
        self.bytes = bytes + content
    }

    /// Room for something.
    private static func append(_ count: Int, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: count))
    }

    /// Appends one of this shape.
    @inline(__always)
    func append(
        _ token: SealedIdentifier, _ state: String?, _ requestID: SealedIdentifier,
        _ interactionID: InteractionID?, to output: inout [UInt8]
    ) {
        let start = output.count
        output.append(contentsOf: bytes)
        var text = output.mutableSpan
        requestID.storeCode(in: &text, at: start &+ requestIDAt)
        if let interactionID { interactionID.store(in: &text, at: start &+ interactionIDAt) }
        token.storeToken(in: &text, at: start &+ tokenAt)
        if let state { text.store(state.utf8Span.span, at: start &+ stateAt) }
    }
}
