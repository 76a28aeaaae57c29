// POST /oauth2/revoke (RFC 7009): this token is to be alive no more.

import HTTP1
import Tokens

/// One per event loop.
final class RevocationEndpoint {
    private let issuer: TokenIssuer
    private let checks: GatewayChecks

    init(_ issuer: TokenIssuer, _ checks: GatewayChecks) {
        self.issuer = issuer
        self.checks = checks
    }

    func handle(_ request: borrowing Request, _ bytes: Span<UInt8>, _ responder: any Responder) {
        guard let question = checks.question(request, bytes, responder) else { return }
        issuer.revoke(question.token, client: question.client) { result in
            switch result {
            case .success(let token): responder.respond(.revoked(token))
            case .failure(let error): responder.respond(.failure(error))
            }
        }
    }
}
