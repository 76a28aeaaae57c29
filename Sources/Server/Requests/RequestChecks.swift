// What every /v1/obie endpoint checks, in the order of the contract. The phases are numbered so that
// no endpoint can forget one: each hands its result to the next.

import Bytes
import HTTP1
import Tokens

/// The checks before an endpoint's own. One per event loop.
final class RequestChecks {
    private let issuer: TokenIssuer
    private let authenticator: Authenticator
    private let shared: SharedBytes
    private let clock: RequestClock

    init(
        _ issuer: TokenIssuer, _ authenticator: Authenticator, _ shared: SharedBytes,
        _ clock: RequestClock
    ) {
        self.issuer = issuer
        self.authenticator = authenticator
        self.shared = shared
        self.clock = clock
    }

    /// Phases 1 to 4: the head. Answers where one of them fails, and returns nil.
    ///
    /// - Parameters:
    ///   - needsCCGToken: whatever the body says.
    ///   - takesKey: an exchange may bring an idempotency key here. No other request looks at one.
    func caller(
        _ request: borrowing Request, _ bytes: Span<UInt8>, needsCCGToken: Bool = false,
        takesKey: Bool = false, _ responder: any Responder
    ) -> Caller? {
        responder.notes?.read(request.fields, bytes, issuer, responder.session)
        // 1. Two Authorization fields: 400.
        if request.fields.authorization.isDoubled {
            responder.respond(
                .fault(.parameterInvalid, "the header Authorization must be given once"))
            return nil
        }
        if let title = responder.certificateFault {
            responder.respond(.fault(.parameterInvalid, title))
            return nil
        }
        // 2. Authorization, with the certificate of a client that must show one: 401, or 429.
        guard isAuthentic(request, bytes, responder) else { return nil }
        // 3. The other header fields: 400, with all faults.
        var faults = HeaderRules.faults(
            request.fields, bytes, needsCCGToken: needsCCGToken)
        if takesKey, let fault = HeaderRules.idempotencyKeyFault(request.fields, bytes),
            !TokenBody.asksForCredentials(bytes.extracting(request.body))
        {
            faults.append(fault)
        }
        let value = request.fields.institution.value
        guard faults.isEmpty else {
            if let caller = responder.session.caller(bytes, value, issuer, shared) {
                responder.asked(for: caller.institution)
            }
            responder.respond(.faults(faults))
            return nil
        }
        // 4. The client may act for the institution: 403.
        if let caller = responder.session.caller(bytes, value, issuer, shared) {
            responder.asked(for: caller.institution)
            return caller
        }
        if let notes = responder.notes {
            notes.reason =
                AuditReason(institution: notes.institutionStanding) ?? .institutionForbidden
        }
        responder.respond(
            .fault(.fiForbidden, "the client may not act for the institution in fi_reference_id"))
        return nil
    }

    /// A request that nobody may look into now: whom it names is noted all the same, for what is counted.
    func noteUnserved(
        _ request: borrowing Request, _ bytes: Span<UInt8>, _ responder: any Responder
    ) {
        responder.notes?.read(request.fields, bytes, issuer, responder.session)
        let field = request.fields.institution
        guard field.count == 1, HeaderRules.isVisible(bytes, field.value, 1...128) else { return }
        var reference: [UInt8] = []
        reference.append(bytes, field.value)
        let text = String(decoding: reference, as: UTF8.self)
        if let found = issuer.registry.institution(reference: text) {
            responder.asked(for: found.id)
        }
    }

    private func isAuthentic(
        _ request: borrowing Request, _ bytes: Span<UInt8>, _ responder: any Responder
    ) -> Bool {
        switch authenticator.refusal(of: request, bytes, issuer, responder) {
        case nil: return true
        case .failed?:
            responder.respond(
                .fault(
                    .authenticationError,
                    "the header Authorization must be Basic with a known client id and its secret, with "
                        + "the client's certificate where it has registered one"))
        case .throttled(let seconds)?:
            responder.respond(.rateLimited(retryAfterSeconds: seconds, because: nil))
        }
        return false
    }

    /// Phase 6, where the connection knows the CCG token: the provider that it speaks for, or why it
    /// speaks for none now. nil: it has to be looked up.
    func knownProvider(
        _ request: borrowing Request, _ bytes: Span<UInt8>, now: Milliseconds,
        _ responder: any Responder
    ) -> Result<Provider, TokenError>? {
        responder.session.provider(bytes, request.fields.ccgToken.value, now: now, issuer)
    }

    /// Phase 6, where it does not: looks the CCG token up, and answers 401 where it is not good.
    func lookUpProvider(
        _ request: borrowing Request, _ bytes: Span<UInt8>, _ caller: Caller,
        _ responder: any Responder, then: @escaping (Provider) -> Void
    ) {
        var ccgToken: [UInt8] = []
        ccgToken.append(bytes, request.fields.ccgToken.value)
        issuer.lookUp(ccgToken: ccgToken, now: clock.now()) { [self] result in
            let provider = result.flatMap { grant in
                issuer.provider(
                    of: grant, institution: caller.institution, now: clock.now()
                ).mapError(TokenError.ccgTokenInvalid).map { provider in
                    responder.session.remember(ccgToken, grant, shared)
                    return provider
                }
            }
            switch provider {
            case .success(let provider): then(provider)
            case .failure(let error): responder.respond(.failure(error))
            }
        }
    }
}
