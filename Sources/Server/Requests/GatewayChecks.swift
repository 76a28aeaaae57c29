// What the endpoints for gateways check before their own: who asks, and about which token. Their
// errors have the words of RFC 6749 §5.2.

import HTTP1
import Tokens

/// A client and the token that it names.
struct GatewayQuestion {
    let client: Client
    /// nil where the text cannot be a token of ours.
    let token: SealedIdentifier?
}

/// One per event loop.
final class GatewayChecks {
    private let issuer: TokenIssuer
    private let authenticator: Authenticator

    init(_ issuer: TokenIssuer, _ authenticator: Authenticator) {
        self.issuer = issuer
        self.authenticator = authenticator
    }

    private static let form = [UInt8]("application/x-www-form-urlencoded".utf8)

    /// Answers where something is wrong, and returns nil.
    func question(
        _ request: borrowing Request, _ bytes: Span<UInt8>, _ responder: any Responder
    ) -> GatewayQuestion? {
        func refuse(_ response: Response) -> GatewayQuestion? {
            responder.respond(response)
            return nil
        }
        if request.fields.authorization.isDoubled {
            return refuse(Self.invalidRequest("Authorization must be given once"))
        }
        if let fault = responder.certificateFault { return refuse(Self.invalidRequest(fault)) }
        let isForm = HeaderRules.isMediaType(request.fields.contentType, Self.form, bytes)
        // Whoever sends no Authorization may have proven who it is in a body that nobody reads. Without a
        // body it only asks for the challenge.
        if !isForm, request.fields.authorization.isMissing, !request.body.isEmpty {
            return refuse(Self.noForm)
        }
        let form = isForm ? GatewayForm(bytes.extracting(request.body)) : GatewayForm()
        // Before anybody is believed: two proofs may be of two clients (RFC 6749 §2.3).
        if let fault = form.fault(beside: request.fields.authorization) {
            return refuse(Self.invalidRequest(fault))
        }
        let client: Client
        do throws(Authenticator.Refusal) {
            client = try authenticated(request, bytes, form, responder)
        } catch {
            return refuse(Self.response(error))
        }
        // A gateway names none; where its client acts for one only, it is that.
        if client.institutions.count == 1, let only = client.institutions.first {
            responder.asked(for: only)
        }
        guard isForm else { return refuse(Self.noForm) }
        switch form.token {
        case .value(let value) where !value.isEmpty:
            return GatewayQuestion(client: client, token: SealedIdentifier(token: value.span))
        case .absent, .value: return refuse(Self.invalidRequest("token is required"))
        case .doubled: return refuse(Self.invalidRequest("token must be given once"))
        case .malformed: return refuse(Self.invalidRequest(GatewayForm.brokenEscape))
        }
    }

    private func authenticated(
        _ request: borrowing Request, _ bytes: Span<UInt8>, _ form: GatewayForm,
        _ responder: any Responder
    ) throws(Authenticator.Refusal) -> Client {
        if request.fields.authorization.isMissing, let id = form.clientID.content,
            let secret = form.clientSecret.content
        {
            let credentials = BasicCredentials(id: id[...], secret: secret[...])
            return try authenticator.client(credentials, issuer.registry, responder)
        }
        if let refusal = authenticator.refusal(of: request, bytes, issuer, responder) {
            throw refusal
        }
        guard let client = responder.session.client else { throw .failed }
        return client
    }

    private static func response(_ refusal: Authenticator.Refusal) -> Response {
        switch refusal {
        case .failed:
            .oauthError(
                .invalidClient,
                "a known client and its secret are required: Authorization with Basic, or "
                    + "client_id and client_secret in the form; with the client's certificate where it "
                    + "has registered one")
        case .throttled(let seconds): .rateLimited(retryAfterSeconds: seconds, because: nil)
        }
    }

    private static var noForm: Response {
        invalidRequest("Content-Type must be application/x-www-form-urlencoded, given once")
    }

    private static func invalidRequest(_ description: String) -> Response {
        .oauthError(.invalidRequest, description)
    }
}

/// What a gateway's form says.
private struct GatewayForm {
    let token, clientID, clientSecret: FormValue

    static let brokenEscape = "the form has a broken percent escape"
    private static let names = ["token", "client_id", "client_secret"].map { Array($0.utf8) }

    /// There is none.
    init() { (token, clientID, clientSecret) = (.absent, .absent, .absent) }

    init(_ bytes: Span<UInt8>) {
        let values = FormReader.values(GatewayForm.names, bytes)
        (token, clientID, clientSecret) = (values[0], values[1], values[2])
    }

    /// What makes it unclear who asks. A client_id alone proves nothing, and may stand beside Basic.
    func fault(beside authorization: HeaderField) -> String? {
        if clientID == .doubled { return "client_id must be given once" }
        if clientSecret == .doubled { return "client_secret must be given once" }
        if authorization.isMissing {
            return clientSecret == .malformed ? GatewayForm.brokenEscape : nil
        }
        return clientSecret.content == nil
            ? nil : "send Authorization, or client_id and client_secret in the form, and not both"
    }
}
