// What every store does when something is revoked.

import CryptoForTests
import Tokens

extension StoreContract {
    static var revocationRules: [(name: String, run: (StoreContract) throws -> Void)] {
        [
            ("revokedTokenIsNotFound", { try $0.revokedTokenIsNotFound() }),
            ("revocationAsksForNoTime", { try $0.revocationAsksForNoTime() }),
            ("othersTokenIsNotRevoked", { try $0.othersTokenIsNotRevoked() }),
            ("oneOfSeveralCandidatesIsRevoked", { try $0.oneOfSeveralCandidatesIsRevoked() }),
            ("tokenRemembersWhenItsCodeWasMade", { try $0.tokenRemembersItsCode() }),
            ("killSwitchesCoverCodes", { try $0.killSwitchesCoverCodes() }),
        ] + consentRules
    }

    private func revoke(
        _ store: any TokenStore, _ candidates: [Identifier], of institutions: [UInt32] = [1]
    ) throws -> AccessToken? {
        let institutions = Set(institutions.map { Institution.ID($0) })
        return try answer { store.revoke(candidates, of: institutions, completion: $0) }
    }

    private func revokedTokenIsNotFound() throws {
        let (store, code) = try stored()
        _ = try redeem(store, attempt(code, at: start))
        for (number, isThere, isRevoked) in [
            (1001, true, false), (1000, false, true), (1000, false, false),
        ] as [(UInt64, Bool, Bool)] {
            let id = identifier(number, at: start)
            let revoked = try revoke(store, [id])
            try check(
                revoked?.id == (isRevoked ? id : nil), "revoking \(number) gave \(revoked as Any)")
            try check(
                try (token(store, 1000, at: start) != nil) == isThere,
                "revoking \(number) was the wrong token")
        }
        let replay = try redeem(store, attempt(code, at: start, token: 1002))
        try check(replay == .refused(.used), "after its token's revocation a code said \(replay)")
    }

    /// An expired token lives again where the clock is set back, or the lifetime was set lower for a
    /// while. Once revoked it does not.
    private func revocationAsksForNoTime() throws {
        let (store, code) = try stored()
        _ = try redeem(store, attempt(code, at: start))
        let late = start + 2 * StoreContract.tokenLifetime
        try check(try token(store, 1000, at: start, now: late) == nil, "it outlived its time")
        try check(try token(store, 1000, at: start) != nil, "time stood still for it")
        let revoked = try revoke(store, [identifier(1000, at: start)])
        try check(revoked != nil, "what has expired for some was not revoked")
        try check(try token(store, 1000, at: start) == nil, "it was revoked for a while only")
    }

    private func othersTokenIsNotRevoked() throws {
        let (store, code) = try stored()
        _ = try redeem(store, attempt(code, at: start))
        for institutions in [[], [2], [2, 3]] as [[UInt32]] {
            let revoked = try revoke(store, [identifier(1000, at: start)], of: institutions)
            try check(revoked == nil, "another's token was given away")
            try check(try token(store, 1000, at: start) != nil, "another's token was revoked")
        }
        let revoked = try revoke(store, [identifier(1000, at: start)], of: [2, 1])
        try check(revoked?.consent == code.consent, "one's own token was not revoked")
        try check(try token(store, 1000, at: start) == nil, "one's own token is still there")
    }

    private func oneOfSeveralCandidatesIsRevoked() throws {
        let (store, code) = try stored()
        _ = try redeem(store, attempt(code, at: start))
        let candidates = [
            identifier(1000, at: start + 1), identifier(1001, at: start),
            identifier(1000, at: 1 << 47), identifier(1000, at: 0),
        ]
        try check(try revoke(store, candidates) == nil, "a candidate that is nobody was revoked")
        try check(try revoke(store, []) == nil, "nobody was revoked")
        try check(try token(store, 1000, at: start) != nil, "a stranger's token was revoked")
        let id = identifier(1000, at: start)
        try check(
            try revoke(store, candidates + [id])?.id == id, "the last candidate was not looked at")
        try check(try token(store, 1000, at: start) == nil, "it is still there")
    }

    private func tokenRemembersItsCode() throws {
        let (store, code) = try stored()
        let later = start + StoreContract.lifetime - 1
        _ = try redeem(store, attempt(code, at: later))
        let token = try token(store, 1000, at: later)
        try check(token?.codeIssuedAt == start, "it says \(token?.codeIssuedAt as Any)")
    }

    /// A code issued at the moment of the switch, or before, is refused; one issued later is not.
    private func killSwitchesCoverCodes() throws {
        let switches: [(inout RegistryContent, Milliseconds) throws -> Void] = [
            { try $0.revokeAll(ofInstitution: "bank-1", now: $1) },
            { try $0.revokeAll(ofProvider: "psp-1", now: $1) },
        ]
        for (index, flip) in switches.enumerated() {
            var content = RegistryContent(mode: .production)
            _ = try content.addInstitution(
                "bank-1", clientID: "c", secret: SecretDigest(of: [1]))
            content.nextNumber = 1
            try content.addProvider("psp-1", redirectURIs: [])
            // The last is that of a command whose clock is slow: a moment only rises.
            for (at, isRefused) in [(start - 1, false), (start, true), (start - 1, true)] {
                try flip(&content, at)
                let revocations = Registry(content, now: 0).revocations
                let (store, code) = try stored()
                let outcome = try redeem(
                    store, attempt(code, at: start, revocations: revocations))
                let expected =
                    isRefused ? RedemptionOutcome.refused(.revoked) : .redeemed(state: "s")
                try check(outcome == expected, "switch \(index) at \(at) said \(outcome)")
            }
        }
    }
}
