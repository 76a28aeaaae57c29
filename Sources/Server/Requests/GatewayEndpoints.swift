// POST /oauth2/introspect (RFC 7662): is this token alive, and what is it good for? And POST
// /oauth2/revoke (RFC 7009): it is to be so no more.

import HTTP1
import Tokens

/// Answers gateways in their own protocol's words. One per event loop.
final class GatewayEndpoints {
    enum Endpoint { case introspect, revoke }

    private let issuer: TokenIssuer
    private let authenticator: Authenticator
    private let now: () -> Milliseconds

    init(
        issuer: TokenIssuer, authenticator: Authenticator, now: @escaping () -> Milliseconds
    ) {
        self.issuer = issuer
        self.authenticator = authenticator
        self.now = now
    }

    private static let tokenName = [UInt8]("token".utf8)
    private static let form = [UInt8]("application/x-www-form-urlencoded".utf8)

    func handle(
        _ endpoint: Endpoint, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        _ session: inout Session, _ responder: any Responder
    ) {
        let headers = APIHeaders(head, bytes)
        if headers.authorization.isDoubled {
            return responder.respond(Self.invalidRequest("Authorization must be given once"))
        }
        let client: Client
        switch authenticator.authenticate(headers, bytes, &session, responder) {
        case .proven(let proven): client = proven
        case .failed:
            return responder.respond(
                .oauthError(
                    "invalid_client", "Authorization must be Basic with a known client",
                    ErrorCode.authenticationError.status))
        case .throttled(let seconds):
            return responder.respond(.rateLimited(retryAfterSeconds: seconds, because: nil))
        }
        guard headers.contentType.isMediaType(Self.form, bytes) else {
            return responder.respond(
                Self.invalidRequest(
                    "Content-Type must be application/x-www-form-urlencoded, given once"))
        }
        let token: [UInt8]
        switch FormReader.value(Self.tokenName, bytes.extracting(head.body)) {
        case .value(let value) where !value.isEmpty: token = value
        case .absent, .value: return responder.respond(Self.invalidRequest("token is required"))
        case .doubled:
            return responder.respond(Self.invalidRequest("token must be given once"))
        case .malformed:
            return responder.respond(Self.invalidRequest("the form has a broken percent escape"))
        }
        let sealed = SealedIdentifier(token: token.span)
        switch endpoint {
        case .introspect:
            issuer.introspect(sealed, client: client, now: now()) { result in
                switch result {
                case .success(let grant): responder.respond(.introspection(grant))
                case .failure(let error): responder.respond(.failure(error))
                }
            }
        case .revoke:
            issuer.revoke(sealed, client: client, now: now()) { result in
                switch result {
                case .success(let token): responder.respond(.revoked(token))
                case .failure(let error): responder.respond(.failure(error))
                }
            }
        }
    }

    private static func invalidRequest(_ description: String) -> Response {
        .oauthError("invalid_request", description, ErrorCode.parameterInvalid.status)
    }
}
