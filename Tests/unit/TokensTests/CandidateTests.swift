// Identifiers under many keys: whichever key has sealed one, it is found, and what nobody has sealed
// costs few look-ups.

import CryptoForTests
import Foundation
import StoreContract
import Testing

@testable import Tokens

/// A store and its keys, rotated again and again; nothing that it issues ever expires.
private struct RotatedKeys {
    static let count = 32
    static let now: Milliseconds = 1_795_000_000_000
    let store = HeldStore()
    /// By how many keys they know, less one.
    let issuers: [TokenIssuer]
    let sealers: [IdentifierSealer]
    let keys: [SealingKey]

    var memory: MemoryStore { store.store }
    var first: TokenIssuer { issuers[0] }
    var last: TokenIssuer { issuers[RotatedKeys.count - 1] }

    /// - Parameter lifetime: of codes and CCG tokens. Long, so that chance is often plausible.
    init(_ seed: UInt64, mode: IssuerSettings.Mode = .sandbox, lifetime: Milliseconds = now) throws
    {
        var content = RegistryContent(mode: mode)
        if mode == .sandbox {
            content = .sandbox
        } else {
            try content.addProvider("PSP", redirectURIs: [])
        }
        var settings = IssuerSettings()
        settings.mode = mode
        (settings.codeLifetime, settings.ccgTokenLifetime) = (lifetime, lifetime)
        settings.tokenLifetime = nil
        let registry = RegistryFeed(Registry(content, now: 0))
        var chance = Seed(state: seed)
        func fill(_ bytes: inout [UInt8]) {
            for index in bytes.indices { bytes[index] = UInt8(chance.next(256)) }
        }
        keys = (0..<RotatedKeys.count).map { _ in SealingKey(random: fill) }
        var rings: [Keyring] = []
        for key in keys { rings.append(rings.last?.adding(key) ?? Keyring(key)) }
        sealers = rings.map { IdentifierSealer($0) }
        issuers = rings.map { [store] ring in
            var pool = Seed(state: seed &+ UInt64(ring.keys.count))
            return TokenIssuer(
                registry: registry, settings: settings,
                store: mode == .sandbox ? store.store : store,
                keyring: ring,
                random: RandomPool { bytes in
                    for index in bytes.indices { bytes[index] = UInt8(pool.next(256)) }
                })
        }
    }
}

@Suite struct CandidateTests {
    private static let seed: UInt64 = {
        let seed = Seed.value
        print("CandidateTests: OBIE_SEED=\(seed)")
        return seed
    }()
    private static let now = RotatedKeys.now
    private static let count = 300

    /// OBIE_IDENTIFIERS=1000000 is the whole proof: some fifteen seconds with a debug build.
    @Test func everyIdentifierOpensWithTheKeyThatSealedIt() throws {
        let given = ProcessInfo.processInfo.environment["OBIE_IDENTIFIERS"].flatMap { Int($0) }
        let count = given ?? 100_000
        let rotated = try RotatedKeys(Self.seed)
        let single = rotated.keys.map { IdentifierSealer(Keyring($0)) }
        let sealers = rotated.sealers
        var chance = Seed(state: Self.seed)
        var (lost, inVain, wrongKeys) = (0, 0, 0)
        for number in 0..<count {
            let ring = number % sealers.count
            let key = Int(chance.next(UInt64(ring) + 1))
            let id = Identifier(
                issuedAt: Milliseconds(chance.next(UInt64(Self.now / 1000))) * 1000 + 1,
                randomHigh: UInt16(chance.next(65_536)), randomLow: chance.next(1 << 31) << 31)
            let sealed = single[key].seal(id)
            var candidate = sealers[ring].open(sealed) { $0.issuedAt <= Self.now }
            while let wrong = candidate, wrong.identifier != id {
                inVain += 1
                candidate = sealers[ring].open(sealed, from: wrong.nextKey) {
                    $0.issuedAt <= Self.now
                }
            }
            if candidate == nil { lost += 1 }
            // The newer ones were asked before.
            wrongKeys += ring - key
        }
        print("CandidateTests: \(count) identifiers, \(lost) lost, \(inVain) look-ups in vain")
        #expect(lost == 0)
        // 48 bits of time, of which so many are plausible: 0.64 %.
        let expected = Double(wrongKeys) * Double(Self.now) / 0x1p48
        #expect((expected * 0.8...expected * 1.2).contains(Double(inVain)), "\(expected)")
    }

    private func code(_ issuer: TokenIssuer, _ now: Milliseconds = now) -> SealedIdentifier? {
        var code: SealedIdentifier?
        let request = CodeRequest(
            institution: Institution.ID(1), provider: Provider.ID(1), authorisation: .full,
            redirectURI: Provider.RedirectURI.ID(1), scope: .accounts,
            consent: Consent(id: "c", accountID: "a"), state: nil)
        issuer.issueCode(request, now: now) { code = (try? $0.get())?.code }
        return code
    }

    private func token(
        _ issuer: TokenIssuer, for code: SealedIdentifier?
    ) throws -> Result<SealedIdentifier, TokenError> {
        let request = ExchangeRequest(
            institution: Institution.ID(1), provider: Provider.ID(1), authorisation: .full,
            code: code,
            redirectURI: Provider.RedirectURI.ID(1))
        guard let attempt = issuer.attempt(request, now: Self.now) else {
            return .failure(.codeRefused(.unknown))
        }
        var answer: Result<RedemptionOutcome, StoreError>?
        // Both ways to ask find it, whichever key has sealed it.
        if attempt.redemption.code.low & 1 == 0 {
            answer = issuer.redeemAtOnce(attempt)
        } else {
            issuer.redeem(attempt) { answer = $0 }
        }
        return try #require(answer.flatMap { attempt.token.outcome($0).first?.map(\.token) })
    }

    private func isActive(_ token: SealedIdentifier, _ issuer: TokenIssuer) throws -> Bool {
        var found: ActiveToken?
        let client = try #require(
            Registry.sandbox.client(id: "api-consumer-id", secret: Array("password".utf8)))
        issuer.introspect(token, client: client, now: Self.now) { found = (try? $0.get()) ?? nil }
        return found != nil
    }

    @Test func codesAndTokensOfTheFirstKeyLiveOnUnderThirtyTwo() throws {
        let keys = try RotatedKeys(Self.seed)
        let client = try #require(
            Registry.sandbox.client(id: "api-consumer-id", secret: Array("password".utf8)))
        let codes = (0..<Self.count).map { _ in code(keys.first) }
        let tokens = try codes.map { try token(keys.last, for: $0).get() }
        let oldTokens = try (0..<Self.count).map { _ in
            try token(keys.first, for: code(keys.first)).get()
        }
        for one in tokens + oldTokens { #expect(try isActive(one, keys.last)) }
        for (code, one) in zip(codes, tokens) {
            guard case .failure(.codeRefused(.used, _, _)) = try token(keys.last, for: code) else {
                return #expect(Bool(false), "a replay was not recognised")
            }
            #expect(try !isActive(one, keys.last), "the replay revoked it")
        }
        for one in oldTokens {
            var revoked: AccessToken?
            keys.last.revoke(one, client: client) {
                revoked = (try? $0.get()) ?? nil
            }
            #expect(revoked != nil)
            #expect(try !isActive(one, keys.last))
        }
    }

    @Test func ccgTokensOfTheFirstKeyAreFoundUnderThirtyTwo() throws {
        let keys = try RotatedKeys(Self.seed, mode: .production)
        let request = CCGTokenRequest(institution: Institution.ID(1), provider: Provider.ID(1))
        for _ in 0..<Self.count {
            var (text, grant): ([UInt8], CCGGrant?) = ([], nil)
            keys.first.issueCCGToken(request, now: Self.now) {
                (try? $0.get())?.appendToken(to: &text)
            }
            keys.last.lookUp(ccgToken: text, now: Self.now) { grant = try? $0.get() }
            #expect(grant != nil)
        }
    }

    /// The audit log asks no store, and must not name another code by chance.
    @Test(arguments: [Milliseconds(0), 60_000, 86_400_000])
    func theYoungestIsWhatTheAuditLogNames(age: Milliseconds) throws {
        let keys = try RotatedKeys(Self.seed, lifetime: 60_000)
        let first = IdentifierSealer(Keyring(keys.keys[0]))
        var chance = Seed(state: Self.seed)
        for _ in 0..<Self.count {
            let id = Identifier(
                issuedAt: Self.now - age, randomHigh: UInt16(chance.next(65_536)),
                randomLow: chance.next(1 << 31))
            #expect(keys.last.identifier(first.seal(id), now: Self.now) == id)
        }
    }

    /// 32 keys make chance plausible 32 times as often, and so a fifth of a look-up on the average. The
    /// rare ones that several keys open are few: seven look-ups in a row come once in a billion.
    @Test func whatNobodySealedCostsFewLookUps() throws {
        let keys = try RotatedKeys(Self.seed, mode: .production)
        let client = try #require(
            Registry.sandbox.client(id: "api-consumer-id", secret: Array("password".utf8)))
        var chance = Seed(state: Self.seed)
        let count = 5000
        var most = 0
        for _ in 0..<count {
            let forged = SealedIdentifier(high: chance.next(1 << 31), low: chance.next(1 << 31))
            let before = keys.store.lookUps
            keys.last.introspect(forged, client: client, now: Self.now) { result in
                guard case .success(nil) = result else {
                    return #expect(Bool(false), "a forgery became \(result)")
                }
            }
            most = max(most, keys.store.lookUps - before)
        }
        let expected = Double(count * RotatedKeys.count) * Double(Self.now) / 0x1p48
        #expect((expected * 0.8...expected * 1.2).contains(Double(keys.store.lookUps)))
        #expect(most < 7)
    }
}
