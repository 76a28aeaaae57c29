// The rules of the domain, with time and chance injected.

import Testing

@testable import Tokens

private final class Receiver: ExchangeReceiver {
    private let body: (Result<IssuedToken, TokenError>) -> Void
    init(_ body: @escaping (Result<IssuedToken, TokenError>) -> Void) { self.body = body }
    func exchanged(_ result: Result<IssuedToken, TokenError>, _: Client.Tag) { body(result) }
}

/// A store that answers when told to.
private final class HeldStore: TokenStore {
    var held: [() -> Void] = []
    let store = MemoryStore(codeLifetime: 60_000, tokenLifetime: nil)
    var failure: StoreError?

    func insert(
        _ code: AuthorizationCode, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        held.append { [self] in
            if let failure { return completion(.failure(failure)) }
            store.insert(code, completion: completion)
        }
    }

    func redeem(
        _ attempt: Redemption, completion: @escaping (Result<RedemptionOutcome, StoreError>) -> Void
    ) {
        held.append { [self] in
            if let failure { return completion(.failure(failure)) }
            store.redeem(attempt, completion: completion)
        }
    }

    func token(
        _ id: Identifier, now: Milliseconds,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        store.token(id, now: now, completion: completion)
    }

    func revoke(_ id: Identifier, completion: @escaping (Result<Void, StoreError>) -> Void) {
        store.revoke(id, completion: completion)
    }

    func insert(_ token: CCGToken, completion: @escaping (Result<Void, StoreError>) -> Void) {
        store.insert(token, completion: completion)
    }

    func ccgToken(
        _ id: Identifier, completion: @escaping (Result<CCGToken?, StoreError>) -> Void
    ) {
        store.ccgToken(id, completion: completion)
    }

    var isAvailable: Bool { failure == nil }
    func close() {}

    func removeExpired(
        now: Milliseconds, completion: @escaping (Result<Milliseconds?, StoreError>) -> Void
    ) {
        store.removeExpired(now: now, completion: completion)
    }
}

private func countingRandom() -> RandomPool {
    var generator = SystemRandomNumberGenerator()
    return RandomPool { bytes in
        for index in bytes.indices { bytes[index] = UInt8.random(in: 0...255, using: &generator) }
    }
}

private let key = SealingKey { bytes in
    for index in bytes.indices { bytes[index] = UInt8(index) }
}

@Suite struct IssuerTests {
    private let institution = Institution.ID(1)
    private let provider = Provider.ID(1)
    private let redirectURI = Provider.RedirectURI.ID(1)

    private func issuer(_ store: any TokenStore, lifetime: Milliseconds = 60_000) -> TokenIssuer {
        var settings = IssuerSettings()
        settings.codeLifetime = lifetime
        return TokenIssuer(
            registry: RegistryFeed(.sandbox), settings: settings, store: store,
            keyring: Keyring(key),
            random: countingRandom())
    }

    private func memory() -> MemoryStore {
        MemoryStore(codeLifetime: 60_000, tokenLifetime: nil)
    }

    private func makeCode(_ issuer: TokenIssuer, at now: Milliseconds) -> SealedIdentifier? {
        var code: SealedIdentifier?
        let request = CodeRequest(
            institution: institution, provider: provider, redirectURI: redirectURI,
            scope: .accounts, consent: Consent(id: "c", accountID: "a"), state: "st")
        issuer.issueCode(request, now: now) { code = try? $0.get() }
        return code
    }

    private func exchange(
        _ issuer: TokenIssuer, _ code: SealedIdentifier?, at now: Milliseconds
    ) -> Result<IssuedToken, TokenError>? {
        var outcome: Result<IssuedToken, TokenError>?
        let request = ExchangeRequest(
            client: Client.Tag(of: ""), institution: institution, provider: provider, code: code,
            redirectURI: redirectURI)
        issuer.exchange(request, now: now, for: Receiver { outcome = $0 })
        return outcome
    }

    @Test(arguments: [
        (Milliseconds(59_900), true), (59_999, true), (60_000, false), (60_100, false),
    ])
    func codeLivesSixtySeconds(age: Milliseconds, isTaken: Bool) {
        let issuer = issuer(memory())
        let code = makeCode(issuer, at: 1_000_000)
        #expect(code != nil)
        switch exchange(issuer, code, at: 1_000_000 + age) {
        case .success(let token): #expect(isTaken && token.state == "st")
        case .failure(let error): #expect(!isTaken && error == .codeRefused(.expired))
        case nil: Issue.record("no answer")
        }
    }

    @Test(arguments: [
        "https://www.google.com/", "https://www.google.com:443", "HTTPS://www.google.com",
        "https://WWW.google.com", "https://www.google.com?", "https://www.google.co", "",
    ])
    func redirectURIIsComparedByteForByte(other: String) {
        let registered = Registry.sandbox.provider(provider)
        #expect(registered?.redirectURI(Array(other.utf8).span) == nil)
        #expect(
            registered?.redirectURI(Array("https://www.google.com".utf8).span)?.id == redirectURI)
    }

    @Test func codeIsBoundToItsRedirectURI() {
        let issuer = issuer(memory())
        let code = makeCode(issuer, at: 0)
        for other in [nil, Provider.RedirectURI.ID(2)] {
            let request = ExchangeRequest(
                client: Client.Tag(of: ""), institution: institution, provider: provider,
                code: code, redirectURI: other)
            let receiver = Receiver { result in
                guard case .failure(.codeRefused(.otherRedirectURI, revoked: nil)) = result else {
                    return #expect(Bool(false), "\(result)")
                }
            }
            issuer.exchange(request, now: 1, for: receiver)
        }
        #expect((try? exchange(issuer, code, at: 2)?.get()) != nil)
    }

    @Test func forgedIdentifierNeverReachesTheStore() {
        let store = HeldStore()
        let issuer = issuer(store)
        for number in 0..<1000 {
            let forged = SealedIdentifier(high: UInt64(number), low: 7)
            guard
                case .failure(.codeRefused(.unknown, revoked: nil))? = exchange(
                    issuer, forged, at: 1_700_000_000_000)
            else { return #expect(Bool(false), "forgery \(number) got through") }
        }
        #expect(store.held.isEmpty)
    }

    @Test func answerWaitsForTheStoreAndAFaultLeavesTheCodeGood() throws {
        let store = HeldStore()
        let issuer = issuer(store)
        var code: SealedIdentifier?
        let request = CodeRequest(
            institution: institution, provider: provider, redirectURI: redirectURI,
            scope: .accounts, consent: Consent(id: "c", accountID: "a"), state: nil)
        issuer.issueCode(request, now: 0) { code = try? $0.get() }
        #expect(code == nil)
        store.held.removeFirst()()
        #expect(code != nil)

        var outcomes: [Result<IssuedToken, TokenError>] = []
        let exchange = ExchangeRequest(
            client: Client.Tag(of: ""), institution: institution, provider: provider, code: code,
            redirectURI: redirectURI)
        store.failure = .unavailable
        issuer.exchange(exchange, now: 1, for: Receiver { outcomes.append($0) })
        store.held.removeFirst()()
        guard case .failure(.store(.unavailable))? = outcomes.first else {
            return #expect(Bool(false), "a store fault became \(outcomes)")
        }
        store.failure = nil
        issuer.exchange(exchange, now: 2, for: Receiver { outcomes.append($0) })
        store.held.removeFirst()()
        #expect((try? outcomes[1].get()) != nil)
    }

    @Test(arguments: ["good-access-token", "good-access-tokem", "", "password"])
    func onlyTheRightCCGTokenSpeaksForTheProvider(token: String) {
        var result: Result<Provider, TokenError>?
        issuer(memory()).provider(
            ccgToken: Array(token.utf8), institution: institution, now: 0
        ) { result = $0 }
        #expect(((try? result?.get())?.id == provider) == (token == "good-access-token"))
    }

    @Test(arguments: [
        (UInt32(1), Milliseconds(0), true), (1, 3_599_999, true), (1, 3_600_000, false),
        (2, 0, false),
    ])
    func issuedCCGTokenSpeaksForItsInstitutionForAnHour(
        institution: UInt32, age: Milliseconds, isTaken: Bool
    ) throws {
        var content = RegistryContent(mode: .production)
        try content.addProvider("PSP", redirectURIs: [])
        let registry = RegistryFeed(Registry(content, now: 0))
        var settings = IssuerSettings()
        settings.mode = .production
        let issuer = TokenIssuer(
            registry: registry, settings: settings, store: memory(), keyring: Keyring(key),
            random: countingRandom())
        let made: Milliseconds = 1_700_000_000_000
        var token: [UInt8] = []
        let request = CCGTokenRequest(institution: self.institution, provider: provider)
        issuer.issueCCGToken(request, now: made) { (try? $0.get())?.appendToken(to: &token) }
        var result: Result<Provider, TokenError>?
        issuer.provider(
            ccgToken: token, institution: Institution.ID(institution), now: made + age
        ) {
            result = $0
        }
        #expect(((try? result?.get())?.id == provider) == isTaken)
        issuer.provider(
            ccgToken: Array("good-access-token".utf8), institution: self.institution, now: made
        ) {
            result = $0
        }
        #expect((try? result?.get()) == nil, "production knows no fixed token")
    }
}

@Suite struct IdentifierTests {
    @Test func sealedIdentifierOpensToItself() {
        var sealer = IdentifierSealer(Keyring(key))
        var random = countingRandom()
        for _ in 0..<1000 {
            let id = Identifier(
                issuedAt: 1_700_000_000_123, randomHigh: UInt16(truncatingIfNeeded: random.next()),
                randomLow: random.next())
            let sealed = sealer.seal(id)
            #expect(sealer.open(sealed, where: { $0.issuedAt == id.issuedAt }) == id)
            #expect(sealed.high != id.high || sealed.low != id.low)
            #expect(id.issuedAt == 1_700_000_000_123)
            var text: [UInt8] = []
            sealed.appendCode(to: &text)
            #expect(SealedIdentifier(code: text.span) == sealed)
        }
    }

    /// FIPS 197, appendix C.1.
    @Test func sealIsAES128() {
        var sealer = IdentifierSealer(Keyring(key))
        let sealed = sealer.seal(
            Identifier(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF))
        #expect(sealed.high == 0x69C4_E0D8_6A7B_0430)
        #expect(sealed.low == 0xD8CD_B780_70B4_C55A)
    }

    @Test func identifierIsOrderedByTime() {
        let early = Identifier(issuedAt: 1000, randomHigh: .max, randomLow: .max)
        let late = Identifier(issuedAt: 1001, randomHigh: 0, randomLow: 0)
        #expect(early < late)
    }

    @Test func textsHaveTheirShape() {
        let sealed = SealedIdentifier(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        var (code, token): ([UInt8], [UInt8]) = ([], [])
        sealed.appendCode(to: &code)
        sealed.appendToken(to: &token)
        #expect(String(decoding: code, as: UTF8.self) == "0123456789abcdeffedcba9876543210")
        #expect(String(decoding: token, as: UTF8.self) == "01234567-89ab-cdef-fedc-ba9876543210")
    }

    @Test(arguments: [
        "", "0123456789abcdeffedcba987654321", "0123456789abcdeffedcba98765432100",
        "0123456789ABCDEFfedcba9876543210", "0123456789abcdeffedcba987654321g",
    ])
    func whatIsNoCodeIsNotRead(text: String) {
        let bytes = Array(text.utf8)
        #expect(SealedIdentifier(code: bytes.span) == nil)
    }

    @Test func secretsDoNotPrint() {
        let sealed = SealedIdentifier(high: 1, low: 2)
        for text in ["\(sealed)", "\(key)", "\(SecretDigest(of: [1]))"] {
            #expect(text.contains("redacted"))
        }
    }

    @Test func randomPoolNeverGivesTheSameBytesTwice() {
        var fills = 0
        var pool = RandomPool { bytes in
            fills += 1
            for index in bytes.indices {
                bytes[index] = UInt8(truncatingIfNeeded: index / 8 + fills)
            }
        }
        let perBlock = RandomPool.blockBytes / 8
        for _ in 0..<perBlock { _ = pool.next() }
        #expect(fills == 1)
        _ = pool.next()
        #expect(fills == 2)
    }
}

@Suite struct RegistryTests {
    @Test(arguments: [
        ("api-consumer-id", "password", true), ("api-consumer-id", "passwore", false),
        ("api-consumer-id", "", false), ("someone", "password", false),
        ("someone", "nobody", false),
    ])
    func clientNeedsItsSecret(id: String, secret: String, isRight: Bool) {
        #expect((Registry.sandbox.client(id: id, secret: Array(secret.utf8)) != nil) == isRight)
    }

    @Test func emptyRegistryKnowsNobody() {
        #expect(Registry.empty.client(id: "api-consumer-id", secret: Array("password".utf8)) == nil)
    }
}
