// A request as endpoints see it: places in its bytes, found in one pass over the header.

import Bytes
import HTTP1
import Tokens

/// A whole request. Trivial to copy; what it names is only there as long as its bytes are.
struct Request: Sendable {
    let method: Method
    /// Without the query.
    let path: Range<Int>
    let body: Range<Int>
    /// What the client asks for (RFC 9112 §9.3).
    let keepsAlive: Bool
    let fields: RequestFields

    /// - Parameter bytes: of the request, from its first.
    init(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) {
        method = head.method
        path = head.path
        body = head.body
        keepsAlive = head.keepsAlive
        fields = RequestFields(head.fields, bytes)
    }
}

extension ReplyContext {
    /// - Parameter drawn: its id where it brings none, or none that can be echoed.
    init(_ request: borrowing Request, _ bytes: Span<UInt8>, drawn: SealedIdentifier) {
        self.init(drawn: drawn)
        isHead = request.method == .head
        keepsAlive = request.keepsAlive
        let field = request.fields.interactionID
        // Two of them are none: nobody could say which was meant.
        if field.count == 1 { interactionID = InteractionID(bytes.extracting(field.value)) }
        let given = request.fields.requestID
        hasGivenID =
            given.count == 1
            && HeaderRules.isVisible(bytes, given.value, RequestID.givenLengths)
    }
}

/// Where one header field stands, and how often it occurs.
struct HeaderField: Sendable {
    private var start: UInt16 = 0
    private var end: UInt16 = 0
    private(set) var count: UInt16 = 0

    /// Of the last one, without the white space around it.
    var value: Range<Int> { Int(start)..<Int(end) }
    /// An empty field counts as missing.
    var isMissing: Bool { start == end && count <= 1 }
    var isDoubled: Bool { count > 1 }
    /// Neither of the two.
    var isOnce: Bool { start != end && count == 1 }

    @inline(__always)
    fileprivate mutating func found(_ field: Field) {
        let value = field.value
        (start, end) = (
            UInt16(truncatingIfNeeded: value.lowerBound),
            UInt16(truncatingIfNeeded: value.upperBound)
        )
        count += 1
    }
}

/// The header fields that anybody here looks at.
struct RequestFields: Sendable {
    private(set) var authorization = HeaderField()
    private(set) var institution = HeaderField()
    private(set) var version = HeaderField()
    private(set) var ccgToken = HeaderField()
    private(set) var contentType = HeaderField()
    private(set) var contentEncoding = HeaderField()
    private(set) var transactionReference = HeaderField()
    private(set) var interactionID = HeaderField()
    private(set) var requestID = HeaderField()
    private(set) var traceParent = HeaderField()
    private(set) var idempotencyKey = HeaderField()
    private(set) var certificate = HeaderField()

    init() {}

    init(_ fields: borrowing Fields, _ bytes: Span<UInt8>) {
        let names = RequestFields.names
        for index in 0..<fields.count {
            let field = fields[index]
            switch field.nameLength {
            case 5 where field.isNamed(names.certificate, bytes): certificate.found(field)
            case 7 where field.isNamed(names.version, bytes): version.found(field)
            case 9 where field.isNamed(names.ccgToken, bytes): ccgToken.found(field)
            case 9 where field.isNamed(names.hyphenatedCCGToken, bytes): ccgToken.found(field)
            case 11 where field.isNamed(names.traceParent, bytes): traceParent.found(field)
            case 12 where field.isNamed(names.contentType, bytes): contentType.found(field)
            case 12 where field.isNamed(names.requestID, bytes): requestID.found(field)
            case 13 where field.isNamed(names.authorization, bytes): authorization.found(field)
            case 15 where field.isNamed(names.institution, bytes): institution.found(field)
            case 15 where field.isNamed(names.hyphenatedInstitution, bytes):
                institution.found(field)
            case 16 where field.isNamed(names.contentEncoding, bytes): contentEncoding.found(field)
            case 17 where field.isNamed(names.idempotencyKey, bytes): idempotencyKey.found(field)
            case 21 where field.isNamed(names.transactionReference, bytes):
                transactionReference.found(field)
            case 21 where field.isNamed(names.hyphenatedTransactionReference, bytes):
                transactionReference.found(field)
            case 21 where field.isNamed(names.interactionID, bytes): interactionID.found(field)
            default: continue
            }
        }
    }

    private struct Names {
        let authorization = FieldName("authorization")
        let institution = FieldName("fi_reference_id")
        let version = FieldName("version")
        let ccgToken = FieldName("ccg_token")
        let contentType = FieldName("content-type")
        let transactionReference = FieldName("transaction_reference")
        let interactionID = FieldName("x-fapi-interaction-id")
        let requestID = FieldName("x-request-id")
        let traceParent = FieldName("traceparent")
        let contentEncoding = FieldName("content-encoding")
        // Some proxies drop names with underscores, and cannot be told otherwise. These count as the same.
        let hyphenatedInstitution = FieldName("fi-reference-id")
        let hyphenatedCCGToken = FieldName("ccg-token")
        let hyphenatedTransactionReference = FieldName("transaction-reference")
        let idempotencyKey = FieldName("x-idempotency-key")
        let certificate = FieldName("eidas")
    }
    private static let names = Names()
    /// Of all of these.
    static let knownNames: Set<String> = [
        "authorization", "fi_reference_id", "fi-reference-id", "version", "ccg_token", "ccg-token",
        "content-type", "content-encoding", "transaction_reference", "transaction-reference",
        "x-fapi-interaction-id", "x-request-id", "traceparent", "x-idempotency-key", "eidas",
    ]
}
