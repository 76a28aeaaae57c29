// What one connection has proven: a client that sends the same field again is not checked again.

import Bytes
import HTTP1
import Tokens

/// Who asks, and for which institution.
struct Caller: Equatable {
    let client: Client.Tag
    let institution: Institution.ID
}

/// Remembers the last good credentials of a connection, by their bytes. The loop's thread.
final class Session {
    /// What proved the rest; another one proves it anew.
    private var registry: Registry?
    private var authorization: [UInt8] = []
    private(set) var client: Client?
    private var institutionReference: [UInt8] = []
    private var caller: Caller?
    private var ccgToken: [UInt8] = []
    private var grant: CCGGrant?
    /// The one that `grant` speaks for, as long as it lasts.
    private var provider: Provider?

    /// The certificate that was last judged.
    var certificate: JudgedCertificate?

    /// True where `Authorization` proves a client, which is then `client`: as it is, or else with id and
    /// secret form-decoded (RFC 6749 §2.3.1).
    func authenticate(
        _ bytes: Span<UInt8>, _ value: Range<Int>, _ registry: Registry, _ shared: SharedBytes
    ) -> Bool {
        if self.registry === registry, client != nil, bytesEqual(bytes, value, authorization) {
            return true
        }
        guard let credentials = BasicCredentials(bytes, value),
            let found = registry.client(credentials)
                ?? credentials.formDecoded.flatMap({ registry.client($0) })
        else { return false }
        // Another client may act for other institutions, another registry may know others.
        (institutionReference, caller) = ([], nil)
        (ccgToken, grant, provider) = ([], nil, nil)
        self.registry = registry
        authorization = shared.share(bytes, value)
        client = found
        return true
    }

    /// The client with the institution that `fi_reference_id` names, where it may act for that.
    func caller(
        _ bytes: Span<UInt8>, _ value: Range<Int>, _ registry: Registry, _ shared: SharedBytes
    ) -> Caller? {
        if bytesEqual(bytes, value, institutionReference) { return caller }
        let reference = shared.share(bytes, value)
        guard
            let found = registry.institution(reference: String(decoding: reference, as: UTF8.self)),
            let client, client.mayAct(for: found.id)
        else { return nil }
        institutionReference = reference
        caller = Caller(client: client.tag, institution: found.id)
        // A CCG token belongs to one institution.
        (ccgToken, grant, provider) = ([], nil, nil)
        return caller
    }

    /// The provider that a known CCG token speaks for, judged again at `now`; nil where the token is
    /// another one than last time.
    func provider(
        _ bytes: Span<UInt8>, _ value: Range<Int>, now: Milliseconds, _ issuer: TokenIssuer
    ) -> Result<Provider, TokenError>? {
        guard let grant, let caller, bytesEqual(bytes, value, ccgToken) else { return nil }
        // Nothing that was judged has changed: the registry is the same object, and it is not time.
        if let provider, now < grant.expiresAt { return .success(provider) }
        let judged = issuer.provider(of: grant, institution: caller.institution, now: now)
        if case .success(let found) = judged { provider = found }
        return judged.mapError(TokenError.ccgTokenInvalid)
    }

    /// A CCG token was found good.
    func remember(_ ccgToken: [UInt8], _ grant: CCGGrant, _ shared: SharedBytes) {
        (self.ccgToken, self.grant) = (shared.share(ccgToken), grant)
        provider = nil
    }
}

extension Registry {
    /// Takes the same time whether or not there is such a client.
    func client(_ credentials: BasicCredentials) -> Client? {
        client(id: credentials.id, secret: credentials.secret)
    }
}
