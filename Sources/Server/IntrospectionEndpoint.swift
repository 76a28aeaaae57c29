// POST /oauth2/introspect (RFC 7662): is this token alive, and what is it good for?

import HTTP1
import Tokens

/// Answers gateways in their own protocol's words. One per event loop.
final class IntrospectionEndpoint {
    private let issuer: TokenIssuer
    private let now: () -> Milliseconds
    private let shared: SharedBytes

    init(issuer: TokenIssuer, shared: SharedBytes, now: @escaping () -> Milliseconds) {
        self.issuer = issuer
        self.shared = shared
        self.now = now
    }

    private static let tokenName = [UInt8]("token".utf8)
    private static let form = [UInt8]("application/x-www-form-urlencoded".utf8)

    func handle(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ session: inout Session,
        _ responder: any Responder
    ) {
        let headers = APIHeaders(head, bytes)
        if headers.authorization.isDoubled {
            return responder.respond(Self.invalidRequest("Authorization must be given once"))
        }
        guard
            session.authenticate(bytes, headers.authorization.value, issuer.registry, shared),
            let client = session.client
        else {
            return responder.respond(
                .oauthError(
                    "invalid_client", "Authorization must be Basic with a known client",
                    ErrorCode.authenticationError.status))
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
        issuer.introspect(SealedIdentifier(token: token.span), client: client, now: now()) {
            switch $0 {
            case .success(let grant): responder.respond(.introspection(grant))
            case .failure(let error): responder.respond(Response(error))
            }
        }
    }

    private static func invalidRequest(_ description: String) -> Response {
        .oauthError("invalid_request", description, ErrorCode.parameterInvalid.status)
    }
}
