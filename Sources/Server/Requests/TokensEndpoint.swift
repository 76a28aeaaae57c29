// POST /v1/obie/tokens: a code becomes an access token; or client credentials become a CCG token.

import HTTP1
import Tokens

/// One per event loop.
final class TokensEndpoint {
    private let issuer: TokenIssuer
    private let checks: RequestChecks
    private let limiter: FailureLimiter?
    private let clock: RequestClock
    /// nil: none is read.
    private let certificates: (any CertificateReader)?
    private let requiresHolder: Bool

    init(
        _ issuer: TokenIssuer, _ checks: RequestChecks, _ limiter: FailureLimiter?,
        _ clock: RequestClock, _ certificates: CertificatePolicy
    ) {
        self.issuer = issuer
        self.checks = checks
        self.limiter = limiter
        self.clock = clock
        self.certificates = certificates.reader
        requiresHolder = certificates.requiresHolder
    }

    func handle(_ request: borrowing Request, _ bytes: Span<UInt8>, _ responder: any Responder) {
        // 1 to 4.
        guard let caller = checks.caller(request, bytes, takesKey: true, responder) else { return }
        // 5. The body: 400, with all faults.
        let content = bytes.extracting(request.body)
        let claim = HolderClaim.of(
            request.fields.certificate, bytes, requiresHolder: requiresHolder, certificates)
        let body: TokenBody
        do throws(BodyFaults) {
            body = try TokenBody(
                content, mode: issuer.settings.mode,
                hasCCGToken: !request.fields.ccgToken.isMissing, claim: claim)
        } catch {
            return responder.respond(.faults(error.faults))
        }
        switch body {
        case .clientCredentials(let pspID): grant(pspID, caller, responder)
        case .authorizationCode(let code, let redirectURI, let place):
            let key = idempotencyKey(request, bytes, redirectURI)
            let holder = ExchangeHolder.of(place, content, claim)
            // 6. The CCG token: 401.
            let now = clock.now()
            switch checks.knownProvider(request, bytes, now: now, responder) {
            case .success(let provider)?:
                let uri = redirectURI.withContent(content) { provider.redirectURIID($0) }
                if let notes = responder.notes?.audited {
                    notes.redirectURI = PresentedURI(uri) { redirectURI.text(content) }
                }
                exchange(code, key, holder, uri, caller, provider, now, responder)
            case .failure(let error)?: responder.respond(.failure(error))
            case nil:
                let text = redirectURI.text(content)
                checks.lookUpProvider(request, bytes, caller, responder) { [self] provider in
                    let uri = provider.redirectURIID(Array(text.utf8).span)
                    responder.notes?.audited?.redirectURI = PresentedURI(uri) { text }
                    exchange(code, key, holder, uri, caller, provider, clock.now(), responder)
                }
            }
        }
    }

    /// Under which the exchange may be repeated; nil: it may not.
    @inline(__always)
    private func idempotencyKey(
        _ request: borrowing Request, _ bytes: Span<UInt8>, _ redirectURI: JSONString
    ) -> IdempotencyKey? {
        let field = request.fields.idempotencyKey
        guard field.isOnce else { return nil }
        let text = bytes.extracting(field.value)
        return redirectURI.withContent(bytes.extracting(request.body)) { [issuer] in
            issuer.idempotencyKey(text, redirectURI: $0)
        }
    }

    /// 7. The provider's certificate, and the code itself: 403.
    private func exchange(
        _ code: SealedIdentifier?, _ key: IdempotencyKey?, _ holder: ExchangeHolder?,
        _ redirectURI: Provider.RedirectURI.ID?,
        _ caller: Caller, _ provider: Provider, _ now: Milliseconds, _ responder: any Responder
    ) {
        if let notes = responder.notes?.audited {
            notes.provider = provider.reference
            notes.code = code
            notes.certificate = holder?.thumbprint
        }
        var authorisation = provider.authorisation
        if let given = holder?.given {
            if let refusal = given.refusal(for: provider, now: now, certificates) {
                return responder.respond(.failure(.certificateInvalid(refusal)))
            }
            authorisation = authorisation.certified(given.certificate.services)
        }
        let request = ExchangeRequest(
            institution: caller.institution, provider: provider.id, authorisation: authorisation,
            code: code, redirectURI: redirectURI,
            idempotency: key.map { ($0, caller.client) }, holder: holder?.thumbprint)
        let client = caller.client
        guard let attempt = issuer.attempt(request, now: now) else {
            return responder.respond(refusal(.codeRefused(.unknown), client))
        }
        if let result = issuer.redeemAtOnce(attempt) {
            return responder.respond(response(to: attempt.token.outcome(result), client))
        }
        issuer.redeem(attempt) { [self, token = attempt.token] result in
            responder.respond(response(to: token.outcome(result), client))
        }
    }

    @inline(__always)
    private func response(
        to outcome: ExchangeOutcome, _ client: Client.Tag
    ) -> Response {
        switch outcome {
        case .issued(let token): .token(token)
        case .repeated(let exchange): .repeatedToken(issuer.sealed(exchange))
        case .failed(let error): refusal(error, client)
        }
    }

    /// For a code that cannot be exchanged, a 429 once a client has brought too many of them.
    private func refusal(_ error: TokenError, _ client: Client.Tag) -> Response {
        guard case .codeRefused = error, let seconds = limiter?.refusedCode(of: client) else {
            return .failure(error)
        }
        return .rateLimited(retryAfterSeconds: seconds, because: error)
    }

    /// The sandbox's answer is fixed. In production a CCG token is bound to this institution and
    /// the provider that psp_id names.
    private func grant(_ pspID: String?, _ caller: Caller, _ responder: any Responder) {
        switch issuer.settings.mode {
        case .sandbox:
            let registry = issuer.registry
            let provider = registry.fixedTokenProvider.flatMap { registry.provider($0) }
            let warning = provider.flatMap { ProviderWords.warning(of: $0) }
            responder.respond(.fixedToken(warning: warning))
        case .production:
            guard let provider = pspID.flatMap({ issuer.registry.provider(reference: $0) }) else {
                if let pspID, let notes = responder.notes {
                    let standing = issuer.registry.standing(ofProvider: pspID)
                    notes.reason = AuditReason(provider: standing)
                    notes.provider = standing == .unknown ? nil : pspID
                }
                return responder.respond(
                    .fault(
                        .parameterInvalid, "psp_id must be the reference of a registered provider"))
            }
            responder.notes?.audited?.provider = provider.reference
            let request = CCGTokenRequest(institution: caller.institution, provider: provider.id)
            issuer.issueCCGToken(request, now: clock.now()) { [issuer] result in
                switch result {
                case .success(let token):
                    let seconds = issuer.settings.ccgTokenLifetime / 1000
                    let warning = ProviderWords.warning(of: provider)
                    responder.respond(.ccgToken(token, seconds: seconds, warning: warning))
                case .failure(let error): responder.respond(.failure(error))
                }
            }
        }
    }
}
