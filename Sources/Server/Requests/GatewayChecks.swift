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

    private static let tokenName = [UInt8]("token".utf8)
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
        let client: Client
        switch authenticator.authenticate(request, bytes, issuer.registry, responder) {
        case .proven(let proven): client = proven
        case .failed:
            return refuse(
                .oauthError(.invalidClient, "Authorization must be Basic with a known client"))
        case .throttled(let seconds):
            return refuse(.rateLimited(retryAfterSeconds: seconds, because: nil))
        }
        guard HeaderRules.isMediaType(request.fields.contentType, Self.form, bytes) else {
            return refuse(
                Self.invalidRequest(
                    "Content-Type must be application/x-www-form-urlencoded, given once"))
        }
        switch FormReader.value(Self.tokenName, bytes.extracting(request.body)) {
        case .value(let value) where !value.isEmpty:
            return GatewayQuestion(client: client, token: SealedIdentifier(token: value.span))
        case .absent, .value: return refuse(Self.invalidRequest("token is required"))
        case .doubled: return refuse(Self.invalidRequest("token must be given once"))
        case .malformed:
            return refuse(Self.invalidRequest("the form has a broken percent escape"))
        }
    }

    private static func invalidRequest(_ description: String) -> Response {
        .oauthError(.invalidRequest, description)
    }
}
