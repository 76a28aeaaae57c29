// What connections remember may share memory, and proves nothing to others.

import CryptoForTests
import HTTP1
import Testing
import Tokens

@testable import Server

@Suite struct SessionTests {
    private let shared = SharedBytes()
    private let clients = ProvenClients()
    private let good = Array("Basic YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk".utf8)
    private let bad = Array("Basic YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jl".utf8)
    private let reference = Array("PSDGB-FCA-111111".utf8)

    /// - Parameter feed: what it knows of.
    private func issuer(_ feed: RegistryFeed, mode: IssuerSettings.Mode = .sandbox) -> TokenIssuer {
        var settings = IssuerSettings()
        settings.mode = mode
        return TokenIssuer(
            registry: feed, settings: settings, store: HeldStore(isHeld: false),
            keyring: Keyring(SealingKey { _ in }),
            random: RandomPool { bytes in
                for index in bytes.indices { bytes[index] = .random(in: 0...255) }
            })
    }

    @Test func anotherConnectionMustProveItself() {
        let (first, second) = (Session(), Session())
        let issuer = issuer(RegistryFeed(.sandbox))
        let outcomes = [
            first.authenticate(good.span, good.indices, issuer, clients),
            second.authenticate(bad.span, bad.indices, issuer, clients),
            second.authenticate(good.span, good.indices, issuer, clients),
        ]
        #expect(outcomes == [true, false, true])
    }

    @Test func whatWasProvenIsGoodForItsRegistryOnly() {
        let session = Session()
        let feed = RegistryFeed(.empty)
        let issuer = issuer(feed)
        for (registry, isKnown) in [(Registry.sandbox, true), (.empty, false), (.sandbox, true)] {
            feed.publish(registry)
            issuer.beginRequest()
            let isProven = session.authenticate(good.span, good.indices, issuer, clients)
            #expect(isProven == isKnown)
            guard isProven else { continue }
            let caller = session.caller(reference.span, reference.indices, issuer, shared)
            #expect(caller != nil)
        }
    }

    /// So that an idle connection takes little memory.
    @Test func connectionsOfAClientHoldTheSame() throws {
        let credentials = BasicCredentials(good.span, good.indices)
        let client = try #require(credentials.flatMap { Registry.sandbox.client($0) })
        func share(_ bytes: [UInt8], _ generation: Int = 1) -> ProvenClient {
            clients.share(bytes.span, bytes.indices, client, generation)
        }
        let first = share(good)
        #expect(share(good) === first)
        #expect(share(good, 2) !== first, "another registry knows others")
        #expect(share(good) !== first, "the one before is not held")
        #expect(share(bad).authorization == bad)
    }

    /// The table begins anew for one that it does not know, and not for one that it has.
    @Test func fullTableKeepsThoseThatItKnows() {
        let all = (0..<257).map {
            Client(
                id: "client-\($0)", secret: SecretDigest(of: []), institutions: [],
                allInstitutions: [])
        }
        func share(_ index: Int) -> ProvenClient {
            clients.share(good.span, good.indices, all[index], 1)
        }
        let proven = (0..<256).map { share($0) }
        #expect((0..<256).allSatisfy { share($0) === proven[$0] })
        let last = share(256)
        #expect(share(256) === last)
        #expect(share(0) !== proven[0])
    }

    /// What the access log says without a look into the registry.
    @Test func institutionIsKnownOnceItsCallerIs() {
        let session = Session()
        let other = Array("PSDGB-FCA-111112".utf8)
        let feed = RegistryFeed(.sandbox)
        let issuer = issuer(feed)
        func known(_ name: [UInt8]) -> [UInt8]? {
            session.institution(name.span, name.indices, issuer)
        }
        #expect(known([]) == nil && known(reference) == nil)
        let isProven = session.authenticate(good.span, good.indices, issuer, clients)
        #expect(isProven && known([]) == nil && known(reference) == nil)
        let stranger = session.caller(other.span, other.indices, issuer, shared)
        #expect(stranger == nil && known(other) == nil)
        let caller = session.caller(reference.span, reference.indices, issuer, shared)
        #expect(caller != nil && known(reference) == reference)
        #expect(known(other) == nil && known([]) == nil)
        feed.publish(.empty)
        issuer.beginRequest()
        #expect(known(reference) == nil)
    }

    /// A CCG token is looked up once, and judged with every request: by time, registry, revocations.
    @Test func rememberedCCGTokenIsJudgedEachTime() throws {
        var content = RegistryContent.sandboxInProduction
        let feed = RegistryFeed(Registry(content, now: 0))
        let issuer = issuer(feed, mode: .production)
        let session = Session()
        let made: Milliseconds = 1_800_000_000_000
        let text = Array("the token".utf8)

        /// What a request at `now` gets, behind the checks that come before.
        func ask(_ now: Milliseconds, _ token: [UInt8]? = nil) -> Result<Provider, TokenError>? {
            issuer.beginRequest()
            let isProven = session.authenticate(good.span, good.indices, issuer, clients)
            #expect(isProven)
            let caller = session.caller(reference.span, reference.indices, issuer, shared)
            #expect(caller != nil)
            let token = token ?? text
            return session.provider(token.span, token.indices, now: now, issuer)
        }
        func remember() {
            let token = CCGToken(
                id: Identifier(issuedAt: made, randomHigh: 0, randomLow: 1),
                institution: Institution.ID(1), provider: Provider.ID(1), expiresAt: made + 1000)
            session.remember(text, .issued(token), shared)
        }
        #expect(ask(made) == nil, "nothing is known yet")
        remember()
        for now in [made, made + 999] { #expect((try? ask(now)?.get()) != nil) }
        #expect(ask(made, Array("another one".utf8)) == nil)
        guard case .failure(.ccgTokenInvalid(.expired))? = ask(made + 1000) else {
            return #expect(Bool(false), "a token outlives its time")
        }
        // What others of the same client have shown is not known to be this one's.
        let other = Session()
        let isProven = other.authenticate(good.span, good.indices, issuer, clients)
        let caller = other.caller(reference.span, reference.indices, issuer, shared)
        let provider = other.provider(text.span, text.indices, now: made, issuer)
        #expect(isProven && caller != nil && provider == nil)
        // A change of the registry forgets it; found again, it is judged by the new one.
        content.providers["PSDGB-FCA-222222"]?.revokedUntil = made
        feed.publish(Registry(content, now: 0))
        #expect(ask(made + 1) == nil)
        remember()
        guard case .failure(.ccgTokenInvalid(.revoked))? = ask(made + 1) else {
            return #expect(Bool(false), "a kill switch is not seen")
        }
    }
}

extension RegistryContent {
    /// Who is known in the sandbox, in production.
    fileprivate static var sandboxInProduction: RegistryContent {
        var content = RegistryContent(mode: .production)
        content.clients = sandbox.clients
        content.institutions = sandbox.institutions
        content.providers = sandbox.providers
        return content
    }
}
