// What is learnt of a request while it is worked on, for the lines that the audit log and the access
// log get with its answer. Where there is neither there are no notes.

import Bytes
import HTTP1
import Tokens

/// A redirect URI as a request names it.
enum PresentedURI {
    case registered(Provider.RedirectURI.ID)
    case unregistered(String)

    /// - Parameter text: asked for only where it matters.
    init(_ id: Provider.RedirectURI.ID?, text: () -> String) {
        self = id.map { .registered($0) } ?? .unregistered(text())
    }

    /// - Parameter provider: whose URI it is to be.
    func text(_ provider: Provider?) -> String? {
        switch self {
        case .registered(let id): provider?.redirectURI(id)?.text
        case .unregistered(let text): text
        }
    }
}

/// Of one request.
final class RequestNotes {
    /// As the client named itself, where there is one of that name: what is sent in a wrong place
    /// may be a secret.
    var clientID: String?
    /// The credentials were right.
    var isAuthenticated = false
    /// As the client named it, where there is one of that name: visible ASCII; else empty.
    var institutionName: [UInt8] = []
    private(set) var institutionStanding = Standing.unknown
    var provider: String?
    var consentID: String?
    var scope: Scope?
    /// The code that was presented.
    var code: SealedIdentifier?
    /// The redirect URI that was presented: which of the provider's, or the text of another.
    var redirectURI: PresentedURI?
    private let isAudited: Bool
    /// Of the certificate that the token is to be bound to.
    var certificate: Thumbprint?
    var transactionReference: String?
    /// As the answer will echo it.
    let interactionID: InteractionID?
    let trace: TraceContext?
    /// More precisely than the answer says.
    var reason: AuditReason?

    init(_ interactionID: InteractionID?, _ trace: TraceContext?, isAudited: Bool) {
        self.interactionID = interactionID
        self.trace = trace
        self.isAudited = isAudited
    }

    /// Takes what proxies and callers put into a head so that its way can be followed.
    convenience init(
        _ request: borrowing Request, _ bytes: Span<UInt8>, _ interactionID: InteractionID?,
        isAudited: Bool
    ) {
        let parent = request.fields.traceParent
        self.init(
            interactionID, parent.count == 1 ? TraceContext(bytes, parent.value) : nil,
            isAudited: isAudited)
    }

    /// For what only the audit log wants to know; nil where there is none.
    var audited: RequestNotes? { isAudited ? self : nil }

    var institution: String? {
        institutionName.isEmpty ? nil : String(decoding: institutionName, as: UTF8.self)
    }

    /// Takes what the headers say, as far as it has the form that it must have.
    ///
    /// - Parameter session: may know the institution.
    func read(
        _ fields: borrowing RequestFields, _ bytes: Span<UInt8>, _ issuer: TokenIssuer,
        _ session: Session
    ) {
        let field = fields.institution
        if field.isOnce, let known = session.institution(bytes, field.value, issuer) {
            (institutionName, institutionStanding) = (known, .enabled)
        } else if let reference = RequestNotes.text(bytes, field) {
            institutionStanding = issuer.registry.standing(ofInstitution: reference)
            if institutionStanding != .unknown { institutionName = Array(reference.utf8) }
        }
        if isAudited {
            transactionReference = RequestNotes.text(bytes, fields.transactionReference)
        }
    }

    private static func text(_ bytes: Span<UInt8>, _ field: HeaderField) -> String? {
        guard field.count == 1, HeaderRules.isVisible(bytes, field.value, 1...128) else {
            return nil
        }
        return String(validating: bytes.extracting(field.value))
    }
}
