// The rules of codes and tokens, with time and chance injected.

import CryptoForTests
import StoreContract
import Testing

@testable import Tokens

extension TokenIssuer {
    /// Exchanges a code, as an endpoint does.
    fileprivate func exchange(
        _ request: ExchangeRequest, now: Milliseconds,
        completion: @escaping (Result<IssuedToken, TokenError>) -> Void
    ) {
        guard let attempt = attempt(request, now: now) else {
            return completion(.failure(.codeRefused(.unknown)))
        }
        redeem(attempt) { result in
            guard let outcome = attempt.token.outcome(result).first else {
                Issue.record("there was no idempotency key")
                return
            }
            completion(outcome)
        }
    }

    /// Looks a CCG token up and judges it, as an endpoint does.
    fileprivate func provider(
        ccgToken: [UInt8], institution: Institution.ID, now: Milliseconds
    ) -> Result<Provider, TokenError>? {
        var result: Result<Provider, TokenError>?
        lookUp(ccgToken: ccgToken, now: now) { [self] found in
            result = found.flatMap { grant in
                provider(of: grant, institution: institution, now: now)
                    .mapError(TokenError.ccgTokenInvalid)
            }
        }
        return result
    }
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
            keyring: Keyring(testKey),
            random: systemRandom())
    }

    private func memory() -> MemoryStore {
        MemoryStore(codeLifetime: 60_000, tokenLifetime: nil)
    }

    private func makeCode(_ issuer: TokenIssuer, at now: Milliseconds) -> SealedIdentifier? {
        var code: SealedIdentifier?
        let request = CodeRequest(
            institution: institution, provider: provider, authorisation: .full,
            redirectURI: redirectURI, scope: .accounts, consent: Consent(id: "c", accountID: "a"),
            state: "st")
        issuer.issueCode(request, now: now) { code = (try? $0.get())?.code }
        return code
    }

    private func exchange(
        _ issuer: TokenIssuer, _ code: SealedIdentifier?, at now: Milliseconds
    ) -> Result<IssuedToken, TokenError>? {
        var outcome: Result<IssuedToken, TokenError>?
        let request = ExchangeRequest(
            institution: institution, provider: provider, authorisation: .full, code: code,
            redirectURI: redirectURI)
        issuer.exchange(request, now: now, completion: { outcome = $0 })
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
                institution: institution, provider: provider, authorisation: .full,
                code: code, redirectURI: other)
            issuer.exchange(request, now: 1) { result in
                guard
                    case .failure(.codeRefused(.otherRedirectURI, revoked: nil, madeWith: nil)) =
                        result
                else {
                    return #expect(Bool(false), "\(result)")
                }
            }
        }
        #expect((try? exchange(issuer, code, at: 2)?.get()) != nil)
    }

    @Test func forgedIdentifierNeverReachesTheStore() {
        let store = HeldStore()
        let issuer = issuer(store)
        for number in 0..<1000 {
            let forged = SealedIdentifier(high: UInt64(number), low: 7)
            guard
                case .failure(.codeRefused(.unknown, revoked: nil, madeWith: nil))? = exchange(
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
            institution: institution, provider: provider, authorisation: .full,
            redirectURI: redirectURI, scope: .accounts, consent: Consent(id: "c", accountID: "a"),
            state: nil)
        issuer.issueCode(request, now: 0) { code = (try? $0.get())?.code }
        #expect(code == nil)
        store.held.removeFirst()()
        #expect(code != nil)

        var outcomes: [Result<IssuedToken, TokenError>] = []
        let exchange = ExchangeRequest(
            institution: institution, provider: provider, authorisation: .full, code: code,
            redirectURI: redirectURI)
        store.failure = .unavailable
        issuer.exchange(exchange, now: 1, completion: { outcomes.append($0) })
        store.held.removeFirst()()
        guard case .failure(.store(.unavailable))? = outcomes.first else {
            return #expect(Bool(false), "a store fault became \(outcomes)")
        }
        store.failure = nil
        issuer.exchange(exchange, now: 2, completion: { outcomes.append($0) })
        store.held.removeFirst()()
        #expect((try? outcomes[1].get()) != nil)
    }

    @Test(arguments: ["good-access-token", "good-access-tokem", "", "password"])
    func onlyTheRightCCGTokenSpeaksForTheProvider(token: String) {
        let result = issuer(memory()).provider(
            ccgToken: Array(token.utf8), institution: institution, now: 0)
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
            registry: registry, settings: settings, store: memory(), keyring: Keyring(testKey),
            random: systemRandom())
        let made: Milliseconds = 1_700_000_000_000
        var token: [UInt8] = []
        let request = CCGTokenRequest(institution: self.institution, provider: provider)
        issuer.issueCCGToken(request, now: made) { (try? $0.get())?.appendToken(to: &token) }
        let result = issuer.provider(
            ccgToken: token, institution: Institution.ID(institution), now: made + age)
        #expect(((try? result?.get())?.id == provider) == isTaken)
        let fixed = issuer.provider(
            ccgToken: Array("good-access-token".utf8), institution: self.institution, now: made)
        #expect((try? fixed?.get()) == nil, "production knows no fixed token")
    }
}
