// What one connection has proven: a client that sends the same field again is not checked again.

import Bytes
import HTTP1
import Tokens

/// Remembers the last good credentials of a connection, by their bytes. The loop's thread.
final class Session {
    private var proven: ProvenClient?
    private var acting: ProvenCaller?
    private var grant: ProvenGrant?
    /// The certificate that was last judged.
    var certificate: JudgedCertificate?

    var client: Client? { proven?.client }
    /// Whether it must show one beside its secret.
    var needsCertificate: Bool { proven?.needsCertificate ?? false }

    /// True where `Authorization` proves a client, which is then `client`: as it is, or else with id and
    /// secret form-decoded (RFC 6749 §2.3.1).
    func authenticate(
        _ bytes: Span<UInt8>, _ value: Range<Int>, _ issuer: TokenIssuer, _ clients: ProvenClients
    ) -> Bool {
        if let proven, proven.generation == issuer.generation,
            bytesEqual(bytes, value, proven.authorization)
        {
            return true
        }
        let registry = issuer.registry
        guard let credentials = BasicCredentials(bytes, value),
            let found = registry.client(credentials)
                ?? credentials.formDecoded.flatMap({ registry.client($0) })
        else { return false }
        // Another client may act for other institutions, another registry may know others.
        (acting, grant) = (nil, nil)
        proven = clients.share(bytes, value, found, issuer.generation)
        return true
    }

    /// The client with the institution that `fi_reference_id` names, where it may act for that.
    func caller(
        _ bytes: Span<UInt8>, _ value: Range<Int>, _ issuer: TokenIssuer, _ shared: SharedBytes
    ) -> Caller? {
        if let acting, bytesEqual(bytes, value, acting.reference) { return acting.caller }
        guard let proven else { return nil }
        // The same client may act for the same institution, and its name is no secret.
        if let last = proven.lastCaller, bytesEqual(bytes, value, last.reference) {
            (acting, grant) = (last, nil)
            return last.caller
        }
        let reference = shared.share(bytes, value)
        guard
            let found = issuer.registry.institution(
                reference: String(decoding: reference, as: UTF8.self)),
            proven.client.mayAct(for: found.id)
        else { return nil }
        let caller = Caller(client: proven.client.tag, institution: found.id)
        let acting = ProvenCaller(reference, caller)
        proven.lastCaller = acting
        (self.acting, grant) = (acting, nil)
        return caller
    }

    /// The bytes, where they name the caller's institution as it is registered now: nobody has to be looked up.
    func institution(
        _ bytes: Span<UInt8>, _ value: Range<Int>, _ issuer: TokenIssuer
    ) -> [UInt8]? {
        guard let acting, proven?.generation == issuer.generation,
            bytesEqual(bytes, value, acting.reference)
        else { return nil }
        return acting.reference
    }

    /// The provider that a known CCG token speaks for, judged again at `now`; nil where the token is
    /// another one than last time.
    func provider(
        _ bytes: Span<UInt8>, _ value: Range<Int>, now: Milliseconds, _ issuer: TokenIssuer
    ) -> Result<Provider, TokenError>? {
        guard let grant, let acting, bytesEqual(bytes, value, grant.ccgToken) else { return nil }
        // Nothing that was judged has changed: the registry is the same object, and it is not time.
        if let provider = grant.provider, now < grant.grant.expiresAt { return .success(provider) }
        let judged = issuer.provider(
            of: grant.grant, institution: acting.caller.institution, now: now)
        if case .success(let found) = judged { grant.provider = found.copy() }
        return judged.mapError(TokenError.ccgTokenInvalid)
    }

    /// A CCG token was found good.
    func remember(_ ccgToken: [UInt8], _ grant: CCGGrant, _ shared: SharedBytes) {
        // A token is worth the same to whoever has shown it, and it was looked up just now.
        if let last = acting?.lastGrant, last.ccgToken == ccgToken {
            self.grant = last
            return
        }
        let proven = ProvenGrant(shared.share(ccgToken), grant)
        acting?.lastGrant = proven
        self.grant = proven
    }
}

extension Registry {
    /// Takes the same time whether or not there is such a client.
    func client(_ credentials: BasicCredentials) -> Client? {
        client(id: credentials.id, secret: credentials.secret)
    }
}
