// From answers to events for the audit log. What it writes nobody can make endless: refusals of
// those who have proven nothing are written up to an allowance for each address, then counted.

import Tokens

/// Tells the audit log what was answered. One per event loop.
final class Auditor {
    private let sink: any AuditSink
    /// What success waits for; nil: nobody waits.
    let gate: (any AuditGate)?
    private let issuer: TokenIssuer
    private let allowance: FailureThrottle
    private let clock: RequestClock
    private var suppressed = 0
    /// When the first of those was suppressed.
    private var suppressedSince: Milliseconds = 0

    /// How long the log is not told of refusals that were not written, in milliseconds.
    static let summaryMilliseconds: Milliseconds = 10_000

    /// - Parameter random: overwrites the whole array with unpredictable bytes.
    init(
        _ sink: any AuditSink, gate: (any AuditGate)? = nil, issuer: TokenIssuer,
        clock: RequestClock, random: (inout [UInt8]) -> Void
    ) {
        self.sink = sink
        self.gate = gate
        self.issuer = issuer
        self.clock = clock
        var limits = FailureThrottle.Limits()
        limits.buckets = Auditor.addressesMax
        allowance = FailureThrottle(limits: limits, random: random)
    }

    /// Addresses with an allowance of their own.
    private static let addressesMax = 1024

    /// - Parameters:
    ///   - ids: of the error objects in the answer.
    ///   - notes: nil where the request did not get as far as a path.
    ///   - origin: asked for only where it matters.
    func answered(
        _ response: Response, _ ids: [SealedIdentifier], _ notes: RequestNotes?,
        _ origin: () -> RequestOrigin
    ) {
        guard var event = event(response, ids) else { return }
        event.take(origin())
        var isSuspect = notes?.isAuthenticated != true
        if case .rateLimited = response { isSuspect = true }
        if isSuspect, !isAllowed(event, notes) { return suppress() }
        if let notes {
            event.take(notes, issuer)
            addRedirectURIs(response, notes, to: &event)
        }
        sink.record(event)
    }

    /// Whether there is room for one more line of this kind. What one network, or one client, uses up is
    /// nobody else's; and who only asks for the challenge hides nobody who guesses.
    private func isAllowed(_ event: AuditEvent, _ notes: RequestNotes?) -> Bool {
        let now = clock.now()
        if let notes, notes.isAuthenticated, let client = notes.clientID {
            return allowance.failed(.code, Array(client.utf8), now: now) == nil
        }
        let kind: FailureThrottle.Kind =
            notes?.reason == .credentialsMissing ? .client : .address
        return allowance.failed(from: event.peer, as: kind, now: now) == nil
    }

    /// The same for what was done, with an answer that waits until it is on disk.
    ///
    /// - Parameter completion: is told whether it is.
    func confirm(
        _ response: Response, _ notes: RequestNotes?, _ origin: RequestOrigin,
        completion: @escaping (Bool) -> Void
    ) {
        guard let gate, var event = event(response, []) else { return completion(true) }
        event.take(origin)
        if let notes { event.take(notes, issuer) }
        gate.record(event, completion: completion)
    }

    /// Where the refusal is about them: the redirect URI that was presented, and the one that the code
    /// was made with.
    private func addRedirectURIs(
        _ response: Response, _ notes: RequestNotes, to event: inout AuditEvent
    ) {
        let madeWith = response.codeRedirectURI
        guard madeWith != nil || notes.reason == .redirectURIUnregistered else { return }
        let provider = notes.provider.flatMap { issuer.registry.provider(reference: $0) }
        event.redirectURI = notes.redirectURI?.text(provider)
        event.codeRedirectURI = madeWith.flatMap { provider?.redirectURI($0)?.text }
    }

    private func suppress() {
        if suppressed == 0 { suppressedSince = clock.now() }
        suppressed += 1
    }

    /// Some time has passed: less than a second since the last time.
    func ticked() {
        guard suppressed > 0, clock.now() - suppressedSince >= Auditor.summaryMilliseconds
        else { return }
        summarise()
    }

    /// Nothing more will be answered.
    func ended() {
        if suppressed > 0 { summarise() }
    }

    private func summarise() {
        var event = AuditEvent(.refusalsSuppressed, at: clock.now())
        event.reason = "\(suppressed) refusals more, of clients that had failed too often"
        suppressed = 0
        sink.record(event)
    }

    /// nil for an answer that nobody will ask about.
    private func event(
        _ response: Response, _ ids: [SealedIdentifier]
    ) -> AuditEvent? {
        switch response {
        case .token(let issued): issuance(.tokenIssued, token: issued.token, issued.consent)
        case .repeatedToken(let token):
            issuance(.exchangeRepeated, token: token.token, token.consent)
        case .fixedToken: issuance(.ccgTokenIssued, token: nil)
        case .ccgToken(let token, _, _): issuance(.ccgTokenIssued, token: token)
        // The code stands in the notes.
        case .code: issuance(.codeIssued, token: nil)
        case .revoked(let token): token.map(revocation)
        // The consent and its institution stand in the notes.
        case .consentRevoked: issuance(.consentRevoked, token: nil)
        case .faults, .methodNotAllowed: refusal(response, ids)
        case .failure(let error), .rateLimited(_, let error?): refusal(response, ids, error)
        case .rateLimited(_, nil): refusal(response, ids, .tooManyFailures)
        case .oauthError(let error, let description):
            refusal(isAuthentication: error == .invalidClient, description)
        case .introspection, .options, .page, .content: nil
        }
    }

    private func issuance(
        _ kind: AuditEvent.Kind, token: SealedIdentifier?, _ consent: Consent? = nil
    ) -> AuditEvent {
        let at = clock.now()
        var event = AuditEvent(kind, at: at)
        event.token = token.flatMap { issuer.identifier($0, now: at) }.map { .identifier($0) }
        event.consentID = consent?.id
        return event
    }

    private func revocation(_ token: AccessToken) -> AuditEvent {
        var event = AuditEvent(.tokenRevoked, at: clock.now())
        event.token = .identifier(token.id)
        event.consentID = token.consent.id
        event.scope = token.scope
        event.institution = issuer.registry.reference(of: token.institution)
        event.provider = issuer.registry.reference(of: token.provider)
        return event
    }

    /// - Parameter ids: of the error objects in the answer.
    private func refusal(
        _ response: Response, _ ids: [SealedIdentifier], _ reason: AuditReason? = nil
    ) -> AuditEvent {
        let faults = response.errorObjects
        var event = refusal(
            isAuthentication: faults.first?.code == .authenticationError,
            reason?.rawValue ?? faults.map(\.title).joined(separator: "; "))
        event.errors = zip(ids, faults).map { (id: $0, code: $1.code.rawValue) }
        return event
    }

    private func refusal(
        _ response: Response, _ ids: [SealedIdentifier], _ error: TokenError
    ) -> AuditEvent {
        var event = refusal(response, ids, AuditReason(error))
        switch error {
        case .codeRefused(.used, let revoked, _):
            event.kind = .codeReplayed
            event.token = revoked?.reference
            event.consentID = revoked?.consentID
        case .providerNotAuthorised(.service(let scope)),
            .providerNotAuthorised(.certificate(let scope)):
            event.scope = scope
        case .codeRefused, .ccgTokenInvalid, .providerNotAuthorised(.withdrawn),
            .certificateInvalid,
            .store:
            break
        }
        return event
    }

    private func refusal(isAuthentication: Bool, _ reason: String) -> AuditEvent {
        var event = AuditEvent(
            isAuthentication ? .authenticationFailed : .refused, at: clock.now())
        event.reason = reason
        return event
    }
}

extension Response {
    /// The redirect URI of a code that came with another one.
    fileprivate var codeRedirectURI: Provider.RedirectURI.ID? {
        switch self {
        case .failure(.codeRefused(_, _, let madeWith)),
            .rateLimited(_, .codeRefused(_, _, let madeWith)?):
            madeWith
        case .token, .repeatedToken, .fixedToken, .ccgToken, .code, .introspection, .revoked,
            .consentRevoked, .oauthError, .failure, .rateLimited, .faults, .methodNotAllowed,
            .options, .page, .content:
            nil
        }
    }
}

extension AuditEvent {
    fileprivate mutating func take(_ origin: RequestOrigin) {
        requestID = origin.id
        peer = origin.peer
    }

    fileprivate mutating func take(_ notes: RequestNotes, _ issuer: TokenIssuer) {
        clientID = notes.clientID
        institution = institution ?? notes.institution
        provider = provider ?? notes.provider
        consentID = consentID ?? notes.consentID
        scope = scope ?? notes.scope
        code = notes.code.flatMap { [at] in issuer.identifier($0, now: at) }
        certificate = notes.certificate
        transactionReference = notes.transactionReference
        interactionID = notes.interactionID?.string
        traceID = notes.trace?.traceID
        if let precise = notes.reason { reason = precise.rawValue }
    }
}
