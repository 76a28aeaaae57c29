// What lets an exchange be repeated whose answer was lost. The random part of its token is a keyed hash of
// everything that a repetition must have in common with it. So whoever finds the token by that hash has
// proven the repetition, and nothing needs to be stored for it.

/// An idempotency key as a client gave it, hashed under each key of the keyring.
public struct IdempotencyKey: Sendable {
    private var newest: KeyedHash
    /// nil where there is one key: to copy nothing takes no time.
    private var older: [KeyedHash]?

    /// How long one may be, in characters.
    public static let lengths = 16...128

    /// - Parameters:
    ///   - text: of one of those lengths.
    ///   - redirectURI: as the exchange names it. By its text: a registered one may be taken away and come
    ///     back between an exchange and its repetition, and both still name the same.
    ///   - keys: of the keyring, the newest first.
    init(_ text: Span<UInt8>, _ redirectURI: Span<UInt8>, _ keys: [KeyedHash]) {
        newest = keys[0]
        newest.take(text)
        newest.take(redirectURI)
        if keys.count > 1 {
            older = keys.dropFirst().map { key in
                var hash = key
                hash.take(text)
                hash.take(redirectURI)
                return hash
            }
        }
    }

    /// Binds it to one exchange.
    ///
    /// - Parameters:
    ///   - attempt: drawn for this attempt alone.
    ///   - window: how long after the first exchange it may be repeated.
    consuming func proof(
        _ code: SealedIdentifier, _ client: Client.Tag, _ request: ExchangeBinding,
        attempt: UInt64, window: Milliseconds
    ) -> ExchangeProof {
        newest.take(code, client, request)
        older = older?.map { $0.taking(code, client, request) }
        return ExchangeProof(newest, older, attempt: attempt, window: window)
    }
}

/// What a code is bound to beside the redirect URI, and so the repetition of its exchange.
struct ExchangeBinding {
    let institution: Institution.ID
    let provider: Provider.ID
    /// The certificate that the token is bound to: with another one it is another exchange.
    let holder: Thumbprint?
}

extension KeyedHash {
    /// The code as it came, since that stays the same whatever keys there are.
    fileprivate mutating func take(
        _ code: SealedIdentifier, _ client: Client.Tag, _ binding: ExchangeBinding
    ) {
        take(code.high)
        take(code.low)
        take(client.number)
        take(UInt64(binding.institution.number) << 32 | UInt64(binding.provider.number))
        // Whether there is a certificate comes last, so none can be taken for other words before it.
        if let words = binding.holder?.words {
            for word in [words.0, words.1, words.2, words.3] { take(word) }
        }
        take(binding.holder == nil ? 0 : 1)
    }

    fileprivate func taking(
        _ code: SealedIdentifier, _ client: Client.Tag, _ binding: ExchangeBinding
    ) -> KeyedHash {
        var hash = self
        hash.take(code, client, binding)
        return hash
    }
}

/// Proves that an attempt repeats an exchange. Asked by stores, on their threads.
///
public struct ExchangeProof: Sendable {
    /// Drawn for this attempt alone, for stores that must tell it from others with the same token.
    public let attempt: UInt64
    private let newest: KeyedHash
    private let older: [KeyedHash]?
    private let window: Milliseconds

    fileprivate init(
        _ newest: KeyedHash, _ older: [KeyedHash]?, attempt: UInt64, window: Milliseconds
    ) {
        (self.newest, self.older) = (newest, older)
        (self.attempt, self.window) = (attempt, window)
    }

    /// The token of an exchange at this moment, by the newest key.
    func token(issuedAt: Milliseconds) -> Identifier {
        ExchangeProof.token(newest, issuedAt: issuedAt)
    }

    private static func token(_ hash: KeyedHash, issuedAt: Milliseconds) -> Identifier {
        var hash = hash
        hash.take(UInt64(bitPattern: issuedAt))
        let (low, high) = hash.finished()
        return Identifier(
            issuedAt: issuedAt, randomHigh: UInt16(truncatingIfNeeded: high), randomLow: low)
    }

    /// Which token the attempt would get once more; nil where it repeats no exchange of that token.
    ///
    /// - Parameter now: within the window after the token was issued.
    func repeats(_ token: some StoredTokenKey, now: Milliseconds) -> ProvenToken? {
        guard now - token.issuedAt < window else { return nil }
        let id = self.token(issuedAt: token.issuedAt)
        if token.isKey(of: id) { return ProvenToken(id: id, sealingKey: 0) }
        for (index, hash) in (older ?? []).enumerated() {
            let id = ExchangeProof.token(hash, issuedAt: token.issuedAt)
            if token.isKey(of: id) { return ProvenToken(id: id, sealingKey: index + 1) }
        }
        return nil
    }
}

/// A token that a repetition has proven to be its own.
public struct ProvenToken: Equatable, Sendable {
    public let id: Identifier
    /// Which key of the keyring it was sealed with, by its place.
    let sealingKey: Int
}

/// What a store finds a token by.
public protocol StoredTokenKey {
    var issuedAt: Milliseconds { get }
    func isKey(of id: Identifier) -> Bool
}

extension Identifier: StoredTokenKey {
    public func isKey(of id: Identifier) -> Bool { self == id }
}
