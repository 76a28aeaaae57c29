// POST /v1/obie/authorization_codes: the customer has agreed, and the institution gets a code.

import HTTP1
import Tokens

/// One per event loop.
final class CodesEndpoint {
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
        guard let caller = checks.caller(request, bytes, needsCCGToken: true, responder) else {
            return
        }
        // 5. The body: 400, with all faults.
        let body: CodeBody
        do throws(BodyFaults) {
            body = try CodeBody(bytes.extracting(request.body))
        } catch {
            return responder.respond(.faults(error.faults))
        }
        // 6. The CCG token: 401.
        switch checks.knownProvider(request, bytes, now: clock.now(), responder) {
        case .success(let provider)?: issue(body, caller, provider, responder)
        case .failure(let error)?: responder.respond(.failure(error))
        case nil:
            checks.lookUpProvider(request, bytes, caller, responder) { [self] provider in
                issue(body, caller, provider, responder)
            }
        }
    }

    /// 7. The redirect URI, and the provider's authorisation: 403.
    private func issue(
        _ body: CodeBody, _ caller: Caller, _ provider: Provider, _ responder: any Responder
    ) {
        if let notes = responder.notes?.audited {
            notes.provider = provider.reference
            notes.consentID = body.consent.id
            notes.scope = body.scope
        }
        guard let redirectURI = provider.redirectURI(body.redirectURI.utf8Span.span) else {
            responder.notes?.reason = .redirectURIUnregistered
            responder.notes?.redirectURI = .unregistered(body.redirectURI)
            return responder.respond(
                .fault(
                    .redirectURIUnregistered,
                    "the redirect_uri is none of those registered for the provider"))
        }
        let request = CodeRequest(
            institution: caller.institution, provider: provider.id,
            authorisation: provider.authorisation, redirectURI: redirectURI.id, scope: body.scope,
            consent: body.consent, state: body.state)
        issuer.issueCode(request, now: clock.now()) { result in
            switch result {
            case .success(let code):
                responder.notes?.audited?.code = code.code
                responder.respond(.code(code, redirectURI: redirectURI.text, state: body.state))
            case .failure(let error): responder.respond(.failure(error))
            }
        }
    }
}
