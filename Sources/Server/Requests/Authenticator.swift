// Who sends this request? The same for all endpoints that ask, with what comes of failing too often.

import HTTP1
import Tokens

/// Proves clients. One per event loop.
final class Authenticator {
    enum Refusal: Error {
        case failed
        /// Too often, so that it is to wait so many seconds.
        case throttled(seconds: Int64)
    }

    private let clients = ProvenClients()
    private let limiter: FailureLimiter?
    private let prover: CertificateProver

    /// - Parameter limiter: nil never makes anybody wait.
    init(limiter: FailureLimiter?, prover: CertificateProver) {
        self.limiter = limiter
        self.prover = prover
    }

    /// Looks at `Authorization` (RFC 6749 §2.3.1), which must not be doubled.
    ///
    /// - Returns: nil where it proves a client, which is the session's then.
    func refusal(
        of request: borrowing Request, _ bytes: Span<UInt8>, _ issuer: TokenIssuer,
        _ responder: any Responder
    ) -> Refusal? {
        let value = request.fields.authorization.value
        let session = responder.session
        guard session.authenticate(bytes, value, issuer, clients) else {
            if value.isEmpty { return asked(responder) }
            return failed(BasicCredentials(bytes, value), issuer.registry, responder)
        }
        guard session.needsCertificate || responder.notes != nil, let client = session.client
        else { return nil }
        return refusal(ofProven: client, responder)
    }

    /// Looks at what a form says: `client_id` and `client_secret` (RFC 6749 §2.3.1).
    func client(
        _ credentials: BasicCredentials?, _ registry: Registry, _ responder: any Responder
    ) throws(Refusal) -> Client {
        guard let client = credentials.flatMap({ registry.client($0) }) else {
            throw failed(credentials, registry, responder)
        }
        if let refusal = refusal(ofProven: client, responder) { throw refusal }
        return client
    }

    private func refusal(ofProven client: Client, _ responder: any Responder) -> Refusal? {
        if client.needsCertificate, let rule = client.certificate,
            let refusal = prover.refusal(of: rule, responder)
        {
            return failed(client, refusal, responder)
        }
        if let notes = responder.notes {
            notes.clientID = client.id
            notes.isAuthenticated = true
        }
        return nil
    }

    /// The secret was right, and its client shows another certificate than its own, or none. It counts like a
    /// wrong secret: whoever has stolen one tries for the other.
    private func failed(
        _ client: Client, _ reason: AuditReason, _ responder: any Responder
    ) -> Refusal {
        if let notes = responder.notes { (notes.clientID, notes.reason) = (client.id, reason) }
        let wait = limiter?.failed(client: client.id, address: responder.peerAddress)
        return wait.map { .throttled(seconds: $0) } ?? .failed
    }

    /// No credentials at all: many clients wait for the challenge before they send any. That guesses
    /// nothing, so it never counts.
    private func asked(_ responder: any Responder) -> Refusal {
        responder.notes?.reason = .credentialsMissing
        return .failed
    }

    /// An unknown client and a wrong secret take the same way. However often something was tried for it,
    /// a request counts once.
    ///
    /// - Parameter claimed: nil where it could not be read.
    private func failed(
        _ claimed: BasicCredentials?, _ registry: Registry, _ responder: any Responder
    ) -> Refusal {
        let decodedID = claimed?.formDecoded?.id
        if let notes = responder.notes {
            let ids = [claimed?.id, decodedID].compactMap { $0 }
            notes.clientID = ids.first { registry.hasClient($0) }
            notes.reason = claimed == nil ? .credentialsMalformed : .credentialsWrong
        }
        // By the decoded one: each letter can be encoded or not, and each spelling would have an allowance
        // of its own.
        let wait = limiter?.failed(
            client: decodedID ?? claimed?.id, address: responder.peerAddress)
        return wait.map { .throttled(seconds: $0) } ?? .failed
    }
}
