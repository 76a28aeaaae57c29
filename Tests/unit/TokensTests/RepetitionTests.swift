// An exchange that is repeated under its idempotency key: who gets the token again, and who revokes it.

import CryptoForTests
import Testing

@testable import Tokens

@Suite struct RepetitionTests {
    private static let now: Milliseconds = 1_700_000_000_000
    private static let key = "8f14e45f-ceea-467f-ab6c-0242ac120002"
    private static let uri = "https://www.google.com"

    /// One issuer with a code that was exchanged under `key`.
    private struct Exchanged {
        let store = MemoryStore(codeLifetime: 60_000, tokenLifetime: 1_000_000)
        let issuer: TokenIssuer
        let code: SealedIdentifier
        let token: SealedIdentifier

        init(_ key: String? = RepetitionTests.key) throws {
            issuer = Self.issuer(store)
            code = try Self.makeCode(issuer)
            let first = try Self.exchange(issuer, code, key)
            guard case .issued(let issued) = first else {
                throw Unexpected(what: "\(first)")
            }
            token = issued.token
        }

        static func issuer(
            _ store: any TokenStore, _ keyring: Keyring = Keyring(testKey),
            content: RegistryContent = .sandbox
        ) -> TokenIssuer {
            var settings = IssuerSettings()
            settings.tokenLifetime = 1_000_000
            return TokenIssuer(
                registry: RegistryFeed(Registry(content, now: 0)), settings: settings, store: store,
                keyring: keyring, random: systemRandom())
        }

        static func makeCode(_ issuer: TokenIssuer) throws -> SealedIdentifier {
            var code: SealedIdentifier?
            let request = CodeRequest(
                institution: Institution.ID(1), provider: Provider.ID(1), authorisation: .full,
                redirectURI: Provider.RedirectURI.ID(1), scope: .accounts,
                consent: Consent(id: "c", accountID: "a"), state: "st")
            issuer.issueCode(request, now: now) { code = (try? $0.get())?.code }
            return try #require(code)
        }

        static func exchange(
            _ issuer: TokenIssuer, _ code: SealedIdentifier, _ key: String?, client: String = "me",
            institution: UInt32 = 1, provider: UInt32 = 1, redirectURI: UInt32? = 1,
            named uri: String = RepetitionTests.uri, authorisation: Authorisation = .full,
            after milliseconds: Milliseconds = 0
        ) throws -> ExchangeOutcome {
            let text = key.map {
                issuer.idempotencyKey(Array($0.utf8).span, redirectURI: Array(uri.utf8).span)
            }
            let request = ExchangeRequest(
                institution: Institution.ID(institution), provider: Provider.ID(provider),
                authorisation: authorisation, code: code,
                redirectURI: redirectURI.map { Provider.RedirectURI.ID($0) },
                idempotency: text.map { ($0, Client.Tag(of: client)) })
            let attempt = try #require(issuer.attempt(request, now: now + milliseconds))
            var outcome: ExchangeOutcome?
            issuer.redeem(attempt) { outcome = attempt.token.outcome($0) }
            return try #require(outcome)
        }

        func isAlive() -> Bool {
            issuer.openings(token).contains { id in
                var found: AccessToken?
                store.token(id, now: now) { found = try? $0.get() }
                return found != nil
            }
        }

        /// The attempt got the token again, and it is alive.
        func expectRepeated(_ outcome: ExchangeOutcome, by issuer: TokenIssuer? = nil) {
            guard case .repeated(let exchange) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            let again = (issuer ?? self.issuer).sealed(exchange)
            #expect(again.token == token && again.state == "st")
            #expect(again.lifetime == 1_000_000)
            #expect(isAlive())
        }

        /// The attempt was refused as a replay, and the token is gone.
        func expectReplayed(_ outcome: ExchangeOutcome) {
            guard case .failed(.codeRefused(.used, _, _)) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(!isAlive())
        }
    }

    private struct Unexpected: Error { let what: String }

    @Test(arguments: [Milliseconds(-5), 0, 1, 59_999])
    func repetitionGetsTheSameToken(age: Milliseconds) throws {
        let it = try Exchanged()
        for _ in 0..<3 {
            it.expectRepeated(
                try Exchanged.exchange(it.issuer, it.code, Self.key, after: age))
        }
    }

    @Test(arguments: [Milliseconds(60_000), 60_001, 600_000])
    func repetitionAfterTheWindowIsAReplay(age: Milliseconds) throws {
        let it = try Exchanged()
        it.expectReplayed(try Exchanged.exchange(it.issuer, it.code, Self.key, after: age))
        it.expectReplayed(try Exchanged.exchange(it.issuer, it.code, Self.key, after: 1))
    }

    /// It is the same answer for as long as it may be asked for, however soon its token has expired.
    @Test func expiredTokenIsStillRepeated() throws {
        let store = MemoryStore(codeLifetime: 60_000, tokenLifetime: 1_000)
        var settings = IssuerSettings()
        settings.tokenLifetime = 1_000
        #expect(settings.expiredTokenMemory == 59_000)
        let issuer = TokenIssuer(
            registry: RegistryFeed(.sandbox), settings: settings, store: store,
            keyring: Keyring(testKey), random: systemRandom())
        let code = try Exchanged.makeCode(issuer)
        guard case .issued(let first) = try Exchanged.exchange(issuer, code, Self.key) else {
            return #expect(Bool(false), "the code was not exchanged")
        }
        for age in [999, 1_000, 30_000, 59_999] as [Milliseconds] {
            for _ in 0..<100 { store.removeExpired(now: Self.now + age) { _ in } }
            guard
                case .repeated(let again) = try Exchanged.exchange(
                    issuer, code, Self.key, after: age)
            else { return #expect(Bool(false), "no token after \(age) ms") }
            #expect(issuer.sealed(again).token == first.token)
            #expect(issuer.sealed(again).lifetime == 1_000)
        }
        for _ in 0..<100 { store.removeExpired(now: Self.now + 70_000) { _ in } }
        #expect(store.counts.tokens == 0)
        settings.tokenLifetime = nil
        #expect(settings.expiredTokenMemory == 0)
        #expect(IssuerSettings().expiredTokenMemory == 0)
    }

    /// Each binding is changed alone.
    @Test(
        arguments: [
            ("8f14e45f-ceea-467f-ab6c-0242ac120003", "me", 1, uri), (nil, "me", 1, uri),
            ("8f14e45f-ceea-467f-ab6c-0242ac12000", "me", 1, uri),
            ("8f14e45f-ceea-467f-ab6c-0242ac1200020", "me", 1, uri),
            (key, "you", 1, uri), (key, "me", 2, uri), (key, "me", 1, uri + "/"),
            (key, "me", 1, "https://www.google.co"), (key, "me", 1, ""),
            // The same bytes, with another end of the key.
            (String(key.dropLast()), "me", 1, "2" + uri),
            (key + "h", "me", 1, String(uri.dropFirst())),
        ] as [(String?, String, UInt32, String)])
    func whateverElseIsAReplay(key: String?, client: String, provider: UInt32, uri: String) throws {
        for id in [1, 2, nil] as [UInt32?] {
            let it = try Exchanged()
            it.expectReplayed(
                try Exchanged.exchange(
                    it.issuer, it.code, key, client: client, provider: provider, redirectURI: id,
                    named: uri))
            it.expectReplayed(try Exchanged.exchange(it.issuer, it.code, Self.key))
        }
    }

    /// The URI was taken away since, or is registered anew: the repetition names the same one.
    @Test(arguments: [nil, 2] as [UInt32?])
    func repetitionIsComparedWithTheURIThatWasNamed(registered: UInt32?) throws {
        let it = try Exchanged()
        it.expectRepeated(
            try Exchanged.exchange(it.issuer, it.code, Self.key, redirectURI: registered))
        it.expectRepeated(try Exchanged.exchange(it.issuer, it.code, Self.key))
        // A code that is not spent still needs the URI that it was made with.
        let code = try Exchanged.makeCode(it.issuer)
        let refused = try Exchanged.exchange(it.issuer, code, Self.key, redirectURI: registered)
        guard case .failed(.codeRefused(.otherRedirectURI, _, _)) = refused else {
            return #expect(Bool(false), "\(refused)")
        }
    }

    @Test func anotherInstitutionIsRefusedAndRevokesNothing() throws {
        let it = try Exchanged()
        let foreign = try Exchanged.exchange(it.issuer, it.code, Self.key, institution: 2)
        guard case .failed(.codeRefused(.otherInstitution, _, _)) = foreign else {
            return #expect(Bool(false), "\(foreign)")
        }
        it.expectRepeated(try Exchanged.exchange(it.issuer, it.code, Self.key))
    }

    /// The token is inactive meanwhile, and good again afterwards.
    @Test(
        arguments: [
            (Authorisation(status: .withdrawn), ProviderRefusal.withdrawn),
            (Authorisation(services: .payments), .service(.accounts)),
        ])
    func providerThatIsNotAuthorisedGetsNothingAndLosesNothing(
        authorisation: Authorisation, refusal: ProviderRefusal
    ) throws {
        let it = try Exchanged()
        let outcome = try Exchanged.exchange(
            it.issuer, it.code, Self.key, authorisation: authorisation)
        guard case .failed(.providerNotAuthorised(refusal)) = outcome else {
            return #expect(Bool(false), "\(outcome)")
        }
        it.expectRepeated(try Exchanged.exchange(it.issuer, it.code, Self.key))
    }

    @Test func whatCameWithoutAKeyCannotBeRepeated() throws {
        let it = try Exchanged(nil)
        it.expectReplayed(try Exchanged.exchange(it.issuer, it.code, Self.key))
    }

    /// Two codes under one key have nothing in common.
    @Test func oneKeyForTwoCodesMakesTwoTokens() throws {
        let it = try Exchanged()
        let other = try Exchanged.makeCode(it.issuer)
        guard case .issued(let token) = try Exchanged.exchange(it.issuer, other, Self.key) else {
            return #expect(Bool(false), "the other code was not exchanged")
        }
        #expect(token.token != it.token)
        it.expectRepeated(try Exchanged.exchange(it.issuer, it.code, Self.key))
    }

    @Test func revokedTokenIsNotGivenAgain() throws {
        let it = try Exchanged()
        it.store.revoke(it.issuer.openings(it.token), of: [Institution.ID(1)]) { result in
            #expect((try? result.get()) != nil)
        }
        it.expectReplayed(try Exchanged.exchange(it.issuer, it.code, Self.key))
    }

    @Test func tokenOfAWithdrawnConsentIsNotGivenAgain() throws {
        let it = try Exchanged()
        let consent = ConsentRevocation(consentID: "c", institution: Institution.ID(1))
        it.store.revoke(consent, now: Self.now + 5) { _ in }
        it.expectReplayed(try Exchanged.exchange(it.issuer, it.code, Self.key))
    }

    @Test(arguments: [(Milliseconds(0), true), (-1, false)])
    func killSwitchEndsRepetitions(moment: Milliseconds, isCovered: Bool) throws {
        let it = try Exchanged()
        var content = RegistryContent.sandbox
        for reference in content.institutions.keys {
            content.institutions[reference]?.revokedUntil = Self.now + moment
        }
        let issuer = Exchanged.issuer(it.store, content: content)
        let outcome = try Exchanged.exchange(issuer, it.code, Self.key, after: 1)
        if isCovered { it.expectReplayed(outcome) } else { it.expectRepeated(outcome) }
    }

    /// The key that sealed the token stands anywhere in the keyring; a server that lacks it knows nothing.
    @Test func keysMayBeRotatedInBetween() throws {
        let it = try Exchanged()
        var ring = Keyring(testKey)
        for number in UInt8(1)...4 {
            ring = ring.adding(
                SealingKey { bytes in for index in bytes.indices { bytes[index] = number } })
            let issuer = Exchanged.issuer(it.store, ring)
            it.expectRepeated(
                try Exchanged.exchange(issuer, it.code, Self.key, after: 10), by: issuer)
            // And the other way round: what the newest key makes, every keyring with it knows.
            let code = try Exchanged.makeCode(issuer)
            guard case .issued(let token) = try Exchanged.exchange(issuer, code, Self.key),
                case .repeated(let again) = try Exchanged.exchange(issuer, code, Self.key, after: 7)
            else { return #expect(Bool(false), "no token by key \(number)") }
            #expect(issuer.sealed(again).token == token.token)
        }
    }

    /// A million keys that are near the right one, or were drawn: none of them proves anything.
    @Test func nobodyGuessesAKey() throws {
        let (it, seed) = (try Exchanged(), Seed.value)
        print("RepetitionTests: OBIE_SEED=\(seed)")
        var chance = Seed(state: seed)
        let id = try #require(it.issuer.identifier(it.token, now: Self.now))
        let (uri, right) = (Array(Self.uri.utf8), Array(Self.key.utf8))
        func proof(_ key: [UInt8]) -> ExchangeProof {
            it.issuer.idempotencyKey(key.span, redirectURI: uri.span).proof(
                it.code, Client.Tag(of: "me"),
                .init(institution: .init(1), provider: .init(1), holder: nil), attempt: 0,
                window: 60_000)
        }
        #expect(proof(right).repeats(id, now: Self.now)?.id == id)
        var guessed = 0
        for _ in 0..<1_000_000 {
            var key = right
            for _ in 0...chance.next(3) {
                let at = Int(chance.next(UInt64(key.count)))
                key[at] = 0x21 &+ UInt8(chance.next(94))
            }
            if key != right, proof(key).repeats(id, now: Self.now) != nil { guessed += 1 }
        }
        #expect(guessed == 0)
    }
}
