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

    /// - Parameter interactionID: as the answer will echo it; may be empty.
    init(interactionID: [UInt8]) {
        self.interactionID =
            interactionID.isEmpty ? nil : String(decoding: interactionID, as: UTF8.self)
    }

    /// Takes what proxies and callers put into a head so that its way can be followed.
    func readTrace(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) {
        var (traces, ids) = (0, 0)
        for field in head.fields {
            if equalIgnoringCase(bytes, field.name, RequestNotes.traceName) {
                traces += 1
                trace = traces == 1 ? TraceContext(bytes, field.value) : nil
            } else if equalIgnoringCase(bytes, field.name, RequestNotes.requestIDName) {
                ids += 1
                requestID = ids == 1 ? RequestNotes.requestID(bytes, field.value) : nil
            }
        }
    }

    private static let traceName = [UInt8]("traceparent".utf8)
    private static let requestIDName = [UInt8]("x-request-id".utf8)

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
    func read(_ headers: APIHeaders, _ bytes: Span<UInt8>, _ registry: Registry) {
        institution = RequestNotes.text(bytes, headers.institution).flatMap {
            registry.institution(reference: $0)?.reference
        }
        transactionReference = RequestNotes.text(bytes, headers.transactionReference)
    }

    private static func text(_ bytes: Span<UInt8>, _ field: HeaderField) -> String? {
        guard field.count == 1, (1...128).contains(field.value.count) else { return nil }
        var text: [UInt8] = []
        text.append(bytes, field.value)
        return text.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            ? String(decoding: text, as: UTF8.self) : nil
    }
}
