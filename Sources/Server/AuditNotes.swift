// What is learnt of a request while it is worked on, for the line that the audit log gets with its
// answer. Where there is no audit log there are no notes.

import HTTP1
import Tokens

/// Of one request.
final class AuditNotes {
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
    /// More precisely than the answer says.
    var reason: AuditReason?

    /// - Parameter interactionID: as the answer will echo it; may be empty.
    init(interactionID: [UInt8]) {
        self.interactionID =
            interactionID.isEmpty ? nil : String(decoding: interactionID, as: UTF8.self)
    }

    /// Takes what the headers say, as far as it has the form that it must have.
    func read(_ headers: APIHeaders, _ bytes: Span<UInt8>, _ registry: Registry) {
        institution = AuditNotes.text(bytes, headers.institution).flatMap {
            registry.institution(reference: $0)?.reference
        }
        transactionReference = AuditNotes.text(bytes, headers.transactionReference)
    }

    private static func text(_ bytes: Span<UInt8>, _ field: HeaderField) -> String? {
        guard field.count == 1, (1...128).contains(field.value.count) else { return nil }
        var text: [UInt8] = []
        text.append(bytes, field.value)
        return text.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            ? String(decoding: text, as: UTF8.self) : nil
    }
}
