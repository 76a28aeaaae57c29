// POST /v1/obie/consents/revoke: the customer has withdrawn a consent, and nothing of it is to live on.

import HTTP1
import Tokens

/// One per event loop.
final class ConsentEndpoint {
    private let issuer: TokenIssuer
    private let checks: RequestChecks
    private let clock: RequestClock

    init(_ issuer: TokenIssuer, _ checks: RequestChecks, _ clock: RequestClock) {
        self.issuer = issuer
        self.checks = checks
        self.clock = clock
    }

    func handle(_ request: borrowing Request, _ bytes: Span<UInt8>, _ responder: any Responder) {
        // 1 to 4.
        guard let caller = checks.caller(request, bytes, responder) else { return }
        // 5. The body: 400, with all faults. It is about no provider, so there is no CCG token.
        let body: ConsentBody
        do throws(BodyFaults) {
            body = try ConsentBody(bytes.extracting(request.body))
        } catch {
            return responder.respond(.faults(error.faults))
        }
        responder.notes?.consentID = body.consentID
        issuer.revoke(
            consent: body.consentID, institution: caller.institution, now: clock.now()
        ) { result in
            switch result {
            case .success: responder.respond(.consentRevoked(body.consentID))
            case .failure(let error): responder.respond(.failure(error))
            }
        }
    }
}
