// The one verdict on a code that every store asks for.

import Testing
import Tokens

@Suite struct VerdictTests {
    private static let id = Identifier(issuedAt: 1000, randomHigh: 1, randomLow: 2)
    private static let token = Identifier(issuedAt: 1500, randomHigh: 7, randomLow: 7)
    private static let unused = StoredCode<Identifier>.unused(
        AuthorizationCode(
            id: id, institution: Institution.ID(1), provider: Provider.ID(2),
            redirectURI: Provider.RedirectURI.ID(3), scope: .accounts,
            consent: Consent(id: "c", accountID: "a"), state: nil, expiresAt: 2000))
    private static let used = StoredCode<Identifier>.used(
        UsedCode(id: id, institution: Institution.ID(1), token: token))

    private func attempt(
        institution: UInt32 = 1, provider: UInt32 = 2, redirectURI: UInt32? = 3,
        now: Milliseconds = 1999, authorisation: Authorisation = .full
    ) -> Redemption {
        Redemption(
            code: Self.id, institution: Institution.ID(institution),
            provider: Provider.ID(provider),
            redirectURI: redirectURI.map { Provider.RedirectURI.ID($0) }, now: now,
            token: Self.id, tokenExpiresAt: nil, authorisation: authorisation)
    }

    @Test func unusedCodeIsAdmittedWhereAllIsRight() {
        #expect(Self.unused.verdict(on: attempt(), consentRevokedUntil: nil) == .admitted)
    }

    @Test func unusedCodeIsRefusedForWhatIsWrong() {
        #expect(
            Self.unused.verdict(on: attempt(now: 2000), consentRevokedUntil: nil)
                == .refused(.expired))
        let other = Self.unused.verdict(
            on: attempt(institution: 9), consentRevokedUntil: nil)
        #expect(other == .refused(.otherInstitution))
        #expect(
            Self.unused.verdict(
                on: attempt(provider: 9), consentRevokedUntil: nil) == .refused(.otherProvider))
        for uri in [9, nil] as [UInt32?] {
            let verdict = Self.unused.verdict(
                on: attempt(redirectURI: uri), consentRevokedUntil: nil)
            #expect(verdict == .refused(.otherRedirectURI))
        }
    }

    @Test(arguments: [(Milliseconds(999), false), (1000, true), (1001, true)])
    func codeIsRefusedWhereItsConsentWasRevokedSince(until: Milliseconds, isRefused: Bool) {
        let verdict = Self.unused.verdict(on: attempt(), consentRevokedUntil: until)
        #expect(verdict == (isRefused ? .refused(.revoked) : .admitted))
    }

    @Test(arguments: [
        (Authorisation(status: .withdrawn), ProviderRefusal.withdrawn),
        (Authorisation(services: [.payments, .fundsConfirmations]), .service(.accounts)),
    ])
    func codeOfAProviderThatIsNotAuthorisedIsRefusedLast(
        authorisation: Authorisation, refusal: ProviderRefusal
    ) {
        func verdict(_ attempt: Redemption, until: Milliseconds? = nil) -> CodeVerdict<Identifier> {
            Self.unused.verdict(on: attempt, consentRevokedUntil: until)
        }
        let right = attempt(authorisation: authorisation)
        #expect(verdict(right) == .refused(.notAuthorised(refusal)))
        #expect(verdict(attempt(authorisation: Authorisation(services: .accounts))) == .admitted)
        // Whoever has not got the code right learns nothing of the provider.
        #expect(verdict(attempt(now: 2000, authorisation: authorisation)) == .refused(.expired))
        #expect(
            verdict(attempt(redirectURI: 9, authorisation: authorisation))
                == .refused(.otherRedirectURI))
        #expect(verdict(right, until: 1000) == .refused(.revoked))
        #expect(Self.used.verdict(on: right, consentRevokedUntil: nil) == .replayed(Self.token))
    }

    @Test func usedCodeIsReplayedByItsInstitutionWhateverElseItNames() {
        #expect(Self.used.verdict(on: attempt(), consentRevokedUntil: nil) == .replayed(Self.token))
        let wrong = attempt(provider: 9, redirectURI: nil, now: 1_000_000)
        #expect(Self.used.verdict(on: wrong, consentRevokedUntil: 5000) == .replayed(Self.token))
    }

    @Test func usedCodeIsRefusedForAnotherInstitution() {
        #expect(
            Self.used.verdict(
                on: attempt(institution: 9), consentRevokedUntil: nil)
                == .refused(.otherInstitution))
    }
}
