// Who sends this request? The same for all endpoints that ask, with what comes of failing too often.

import HTTP1
import Tokens

/// Proves clients. One per event loop.
final class Authenticator {
    enum Outcome {
        case proven(Client)
        case failed
        /// Too often, so that it is to wait so many seconds.
        case throttled(seconds: Int64)
    }

    private let shared: SharedBytes
    private let limiter: FailureLimiter?

    /// - Parameter limiter: nil never makes anybody wait.
    init(shared: SharedBytes, limiter: FailureLimiter?) {
        self.shared = shared
        self.limiter = limiter
    }

    /// Looks at `Authorization` (RFC 6749 §2.3.1), which must not be doubled.
    func authenticate(
        _ request: borrowing Request, _ bytes: Span<UInt8>, _ registry: Registry,
        _ responder: any Responder
    ) -> Outcome {
        let value = request.fields.authorization.value
        let session = responder.session
        guard session.authenticate(bytes, value, registry, shared), let client = session.client
        else { return fail(bytes, value, registry, responder) }
        if let notes = responder.notes {
            notes.clientID = client.id
            notes.isAuthenticated = true
        }
        return .proven(client)
    }

    /// An unknown client and a wrong secret take the same way.
    private func fail(
        _ bytes: Span<UInt8>, _ value: Range<Int>, _ registry: Registry,
        _ responder: any Responder
    ) -> Outcome {
        let claimed = BasicCredentials(bytes, value)?.id
        if let notes = responder.notes {
            notes.clientID = claimed.flatMap { registry.hasClient($0) ? $0 : nil }
            notes.reason =
                if claimed != nil { .credentialsWrong } else if value.isEmpty {
                    .credentialsMissing
                } else { .credentialsMalformed }
        }
        let wait = limiter?.failed(client: claimed, address: responder.peerAddress)
        return wait.map { .throttled(seconds: $0) } ?? .failed
    }
}
