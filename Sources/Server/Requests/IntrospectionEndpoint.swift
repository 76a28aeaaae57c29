// POST /oauth2/introspect (RFC 7662): is this token alive, and what is it good for?

import HTTP1
import Tokens

/// One per event loop.
final class IntrospectionEndpoint {
    private let issuer: TokenIssuer
    private let checks: GatewayChecks
    private let clock: RequestClock

    init(_ issuer: TokenIssuer, _ checks: GatewayChecks, _ clock: RequestClock) {
        self.issuer = issuer
        self.checks = checks
        self.clock = clock
    }

    func handle(_ request: borrowing Request, _ bytes: Span<UInt8>, _ responder: any Responder) {
        guard let question = checks.question(request, bytes, responder) else { return }
        issuer.introspect(
            question.token, client: question.client, now: clock.now()
        ) { result in
            switch result {
            case .success(let grant): responder.respond(.introspection(grant))
            case .failure(let error): responder.respond(.failure(error))
            }
        }
    }
}
