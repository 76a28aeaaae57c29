// What one connection has proven: a client that sends the same header again is not checked again.

import Bytes
import HTTP1
import Tokens

/// Who asks, and for which institution.
struct Caller: Equatable {
    let client: Client.Tag
    let institution: Institution.ID
}

/// Remembers the last good credentials of a connection, by their bytes.
struct Session {
    /// What proved the rest; another one proves it anew.
    private var registry: Registry?
    private var authorization: [UInt8] = []
    private(set) var client: Client?
    private var institutionReference: [UInt8] = []
    private var institution: Institution.ID?
    /// The last head had no fault, and `institution` is the one that it names.
    private var isHeadGood = false
    /// `provider` is the one that the last head's CCG token speaks for.
    private var isProviderOfHead = false
    /// The sandbox's fixed token; others expire, so they are looked up each time.
    private var ccgToken: [UInt8] = []
    private var provider: Provider?

    /// A head that is not the last one's repetition says everything anew.
    mutating func beginHead() {
        isHeadGood = false
        isProviderOfHead = false
    }

    /// Nothing is wrong with the head, so that one like it need not be looked at.
    mutating func acceptHead() {
        isHeadGood = true
    }

    /// The caller of a head that repeats the last one; nil: look at it.
    func repeatedCaller(_ registry: Registry) -> Caller? {
        isHeadGood && self.registry === registry ? caller : nil
    }

    private var caller: Caller? {
        guard let client, let institution else { return nil }
        return Caller(client: client.tag, institution: institution)
    }

    /// The provider of a head that repeats the last one; nil: look at its CCG token.
    var repeatedProvider: Provider? {
        isProviderOfHead ? provider : nil
    }

    /// True where `Authorization` proves a client, which is then `client` (RFC 6749 §2.3.1).
    mutating func authenticate(
        _ bytes: Span<UInt8>, _ value: Range<Int>, _ registry: Registry, _ shared: SharedBytes
    ) -> Bool {
        if client != nil, self.registry === registry, bytesEqual(bytes, value, authorization) {
            return true
        }
        guard let credentials = BasicCredentials(bytes, value),
            let found = registry.client(id: credentials.id, secret: credentials.secret)
        else { return false }
        // Another client may act for other institutions.
        self = Session()
        self.registry = registry
        authorization.append(bytes, value)
        authorization = shared.share(authorization)
        client = found
        return true
    }

    /// The client with the institution that `fi_reference_id` names, where it may act for that.
    mutating func caller(
        _ bytes: Span<UInt8>, _ value: Range<Int>, _ registry: Registry, _ shared: SharedBytes
    ) -> Caller? {
        if bytesEqual(bytes, value, institutionReference) { return caller }
        var reference: [UInt8] = []
        reference.append(bytes, value)
        guard
            let found = registry.institution(reference: String(decoding: reference, as: UTF8.self)),
            client?.mayAct(for: found.id) == true
        else { return nil }
        institutionReference = shared.share(reference)
        institution = found.id
        // A CCG token belongs to one institution.
        (ccgToken, provider) = ([], nil)
        return caller
    }

    /// The provider that a CCG token was found to speak for, if it may be remembered.
    mutating func provider(_ bytes: Span<UInt8>, _ value: Range<Int>) -> Provider? {
        guard let provider, bytesEqual(bytes, value, ccgToken) else { return nil }
        isProviderOfHead = true
        return provider
    }

    mutating func remember(_ provider: Provider, ccgToken: [UInt8], _ shared: SharedBytes) {
        (self.ccgToken, self.provider) = (shared.share(ccgToken), provider)
    }
}
