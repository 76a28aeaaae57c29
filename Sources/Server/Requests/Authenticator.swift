// Who sends this request? The same for all endpoints that ask, with what comes of failing too often.

import HTTP1
import Tokens

/// Proves clients. One per event loop; the throttle is shared by all.
final class Authenticator {
    enum Outcome {
        case proven(Client)
        case failed
        /// Too often, so that it is to wait so many seconds.
        case throttled(seconds: Int64)
    }

    private let issuer: TokenIssuer
    private let shared: SharedBytes
    private let throttle: FailureThrottle?
    private let now: () -> Milliseconds

    /// - Parameter throttle: nil never makes anybody wait.
    init(
        issuer: TokenIssuer, shared: SharedBytes, throttle: FailureThrottle?,
        now: @escaping () -> Milliseconds
    ) {
        self.issuer = issuer
        self.shared = shared
        self.throttle = throttle
        self.now = now
    }

    /// Looks at `Authorization` (RFC 6749 §2.3.1), which must not be doubled.
    func authenticate(
        _ headers: APIHeaders, _ bytes: Span<UInt8>, _ session: inout Session,
        _ responder: any Responder
    ) -> Outcome {
        let value = headers.authorization.value
        guard session.authenticate(bytes, value, issuer.registry, shared),
            let client = session.client
        else { return fail(headers, bytes, responder) }
        if let notes = responder.notes {
            notes.clientID = client.id
            notes.isAuthenticated = true
        }
        return .proven(client)
    }

    /// An unknown client and a wrong secret take the same way.
    private func fail(
        _ headers: APIHeaders, _ bytes: Span<UInt8>, _ responder: any Responder
    ) -> Outcome {
        let value = headers.authorization.value
        let claimed = BasicCredentials(bytes, value)?.id
        if let notes = responder.notes {
            notes.clientID = claimed.flatMap { issuer.registry.hasClient($0) ? $0 : nil }
            notes.reason =
                if claimed != nil { .credentialsWrong } else if value.isEmpty {
                    .credentialsMissing
                } else { .credentialsMalformed }
        }
        guard let throttle else { return .failed }
        let now = now()
        let waits = [
            claimed.flatMap { throttle.failed(.client, Array($0.utf8), now: now) },
            throttle.failed(.address, Authenticator.network(responder.peerAddress), now: now),
        ]
        let wait = waits.compactMap { $0 }.max()
        return wait.map { .throttled(seconds: FailureThrottle.retryAfterSeconds($0)) } ?? .failed
    }

    /// The answer to an exchange that failed: for a code that cannot be exchanged, a 429 once a
    /// client has brought too many of them.
    func response(to error: TokenError, _ client: Client.Tag) -> Response {
        guard case .codeRefused = error, let throttle,
            let wait = throttle.failed(.code, client.bytes, now: now())
        else { return .failure(error) }
        return .rateLimited(
            retryAfterSeconds: FailureThrottle.retryAfterSeconds(wait), because: error)
    }

    /// An IPv6 client has a whole network to choose addresses from (RFC 6177): it counts as one.
    static func network(_ address: [UInt8]) -> [UInt8] {
        address.count == 16 ? Array(address.prefix(8)) : address
    }
}
