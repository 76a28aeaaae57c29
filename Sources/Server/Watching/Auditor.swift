// From answers to events for the audit log. What it writes nobody can make endless: refusals of
// those who have proven nothing are written up to an allowance for each address, then counted.

import Tokens

/// Tells the audit log what was answered. One per event loop.
final class Auditor {
    private let sink: any AuditSink
    private let issuer: TokenIssuer
    private let allowance: FailureThrottle
    private let now: () -> Milliseconds
    private var suppressed = 0
    private var summarisedAt: Milliseconds = 0

    /// How often the log is told of refusals that were not written, in milliseconds.
    private static let summaryMilliseconds: Milliseconds = 1000

    /// - Parameter random: overwrites the whole array with unpredictable bytes.
    init(
        _ sink: any AuditSink, issuer: TokenIssuer, now: @escaping () -> Milliseconds,
        random: (inout [UInt8]) -> Void
    ) {
        self.sink = sink
        self.issuer = issuer
        self.now = now
        var limits = FailureThrottle.Limits()
        limits.buckets = Auditor.addressesMax
        allowance = FailureThrottle(limits: limits, random: random)
    }

    /// Addresses with an allowance of their own.
    private static let addressesMax = 1024

    /// - Parameters:
    ///   - ids: of the error objects in the answer.
    ///   - notes: nil where the request did not get as far as a path.
    ///   - address: asked for only where it matters.
    func answered(
        _ response: Response, _ ids: [SealedIdentifier], _ notes: RequestNotes?,
        address: () -> [UInt8]
    ) {
        guard var event = event(response, ids) else { return }
        var isSuspect = notes?.isAuthenticated != true
        if case .rateLimited = response { isSuspect = true }
        if isSuspect {
            let network = Authenticator.network(address())
            guard allowance.failed(.address, network, now: event.at) == nil else {
                return suppress(event.at)
            }
        }
        if let notes { event.take(notes, issuer) }
        summarise(event.at)
        sink.record(event)
    }

    /// nil for an answer that nobody will ask about.
    private func event(_ response: Response, _ ids: [SealedIdentifier]) -> AuditEvent? {
        switch response {
        case .token(let issued): issuance(.tokenIssued, token: issued.token, issued.consent)
        case .fixedToken: issuance(.ccgTokenIssued, token: nil)
        case .ccgToken(let token, _): issuance(.ccgTokenIssued, token: token)
        // The code stands in the notes.
        case .code: issuance(.codeIssued, token: nil)
        case .revoked(let token): token.map(revocation)
        case .faults, .methodNotAllowed: refusal(response, ids)
        case .failure(let error), .rateLimited(_, let error?): refusal(response, ids, error)
        case .rateLimited(_, nil): refusal(response, ids, .tooManyFailures)
        case .oauthError(let code, let description, _):
            refusal(isAuthentication: code == "invalid_client", description)
        case .introspection, .options, .content: nil
        }
    }

    private func issuance(
        _ kind: AuditEvent.Kind, token: SealedIdentifier?, _ consent: Consent? = nil
    ) -> AuditEvent {
        let at = now()
        var event = AuditEvent(kind, at: at)
        event.token = token.flatMap { issuer.identifier($0, now: at) }.map { .identifier($0) }
        event.consentID = consent?.id
        return event
    }

    private func revocation(_ token: AccessToken) -> AuditEvent {
        var event = AuditEvent(.tokenRevoked, at: now())
        event.token = .identifier(token.id)
        event.consentID = token.consent.id
        event.scope = token.scope
        event.institution = issuer.registry.institution(token.institution)?.reference
        event.provider = issuer.registry.provider(token.provider)?.reference
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
        if case .codeRefused(.used, let revoked) = error {
            event.kind = .codeReplayed
            event.token = revoked
        }
        return event
    }

    private func refusal(isAuthentication: Bool, _ reason: String) -> AuditEvent {
        var event = AuditEvent(
            isAuthentication ? .authenticationFailed : .refused, at: now())
        event.reason = reason
        return event
    }

    private func suppress(_ now: Milliseconds) {
        suppressed += 1
        summarise(now)
    }

    private func summarise(_ now: Milliseconds) {
        guard suppressed > 0, now - summarisedAt >= Auditor.summaryMilliseconds else { return }
        var event = AuditEvent(.refusalsSuppressed, at: now)
        event.reason = "\(suppressed) refusals more, of clients that had failed too often"
        suppressed = 0
        summarisedAt = now
        sink.record(event)
    }
}

extension AuditEvent {
    fileprivate mutating func take(_ notes: RequestNotes, _ issuer: TokenIssuer) {
        clientID = notes.clientID
        institution = institution ?? notes.institution
        provider = provider ?? notes.provider
        consentID = consentID ?? notes.consentID
        scope = scope ?? notes.scope
        code = notes.code.flatMap { [at] in issuer.identifier($0, now: at) }
        transactionReference = notes.transactionReference
        interactionID = notes.interactionID
        requestID = notes.requestID
        traceID = notes.trace?.traceID
        if let precise = notes.reason { reason = precise.rawValue }
    }
}
