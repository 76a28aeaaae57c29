// What is learnt of a request while it is worked on, for the lines that the audit log and the access
// log get with its answer. Where there is neither there are no notes.

import Bytes
import HTTP1
import Tokens

/// Of one request.
final class RequestNotes {
    /// As the client named itself, where there is one of that name: what is sent in a wrong place
    /// may be a secret.
    var clientID: String?
    /// The credentials were right.
    var isAuthenticated = false
    /// As the client named it, where there is one of that name.
    var institution: String?
    var provider: String?
    var consentID: String?
    var scope: Scope?
    /// The code that was presented.
    var code: SealedIdentifier?
    var transactionReference: String?
    var interactionID: String?
    /// `X-Request-Id`, where it has a harmless form.
    var requestID: String?
    var trace: TraceContext?
    /// More precisely than the answer says.
    var reason: AuditReason?

    /// Takes what proxies and callers put into a head so that its way can be followed.
    ///
    /// - Parameter interactionID: as the answer will echo it.
    init(
        _ request: borrowing Request, _ bytes: Span<UInt8>, _ interactionID: InteractionID?
    ) {
        self.interactionID = interactionID?.string
        let fields = request.fields
        if fields.traceParent.count == 1 { trace = TraceContext(bytes, fields.traceParent.value) }
        if fields.requestID.count == 1 {
            requestID = RequestNotes.requestID(bytes, fields.requestID.value)
        }
    }

    /// 1 to 64 letters, digits, dots, underscores and hyphens; nil for anything else.
    static func requestID(_ bytes: Span<UInt8>, _ value: Range<Int>) -> String? {
        guard (1...64).contains(value.count) else { return nil }
        var text: [UInt8] = []
        text.append(bytes, value)
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                continue
            default: return nil
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Takes what the headers say, as far as it has the form that it must have.
    func read(
        _ fields: borrowing RequestFields, _ bytes: Span<UInt8>, _ registry: Registry
    ) {
        institution = RequestNotes.text(bytes, fields.institution).flatMap {
            registry.institution(reference: $0)?.reference
        }
        transactionReference = RequestNotes.text(bytes, fields.transactionReference)
    }

    private static func text(_ bytes: Span<UInt8>, _ field: HeaderField) -> String? {
        guard field.count == 1, HeaderRules.isVisible(bytes, field.value, 1...128) else {
            return nil
        }
        var text: [UInt8] = []
        text.append(bytes, field.value)
        return String(decoding: text, as: UTF8.self)
    }
}
