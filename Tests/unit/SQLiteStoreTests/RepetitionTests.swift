// A repetition after the server was started anew, by whatever key it seals then.

import CryptoForTests
import Foundation
import StoreContract
import Testing

@testable import SQLiteStore
@testable import Tokens

@Suite struct RepetitionTests {
    private func attempt(
        _ rig: Rig, _ keyring: Keyring, _ code: AuthorizationCode, at age: Milliseconds
    ) -> Redemption {
        let now = code.id.issuedAt + age
        let text = [UInt8]("8f14e45f-ceea-467f-ab6c-0242ac120002".utf8)
        let binding = ExchangeBinding(
            institution: code.institution, provider: code.provider, holder: nil)
        let uri = [UInt8]("https://www.google.com".utf8)
        let proof = IdempotencyKey(text.span, uri.span, keyring.keys.map(\.exchangeHash)).proof(
            SealedIdentifier(high: 1, low: 2), Client.Tag(of: "client"), binding, attempt: 0,
            window: StoreContract.lifetime)
        return Redemption(
            code: code.id, institution: code.institution, provider: code.provider,
            redirectURI: code.redirectURI, now: now, token: proof.token(issuedAt: now),
            tokenExpiresAt: now + 77_000, authorisation: .full, isAudited: true, proof: proof)
    }

    @Test(arguments: [nil, "", "s", "\"\\\u{0}\u{1}é😀"])
    func repetitionSurvivesARestart(state: String?) throws {
        let rig = try Rig()
        let code = rig.code(1, state: state)
        try rig.insert(code).get()
        let first = attempt(rig, Rig.keyring, code, at: 5)
        #expect(
            try rig.answer { $0.redeem(first, completion: $1) }
                == .success(.redeemed(state: state, consent: code.consent)))
        rig.close()
        try rig.open()
        let rotated = Rig.keyring.adding(
            SealingKey { bytes in for index in bytes.indices { bytes[index] = 8 } })
        for (keyring, place) in [(Rig.keyring, 0), (rotated, 1)] {
            let again = attempt(rig, keyring, code, at: 59_000)
            let exchange = RepeatedExchange(
                token: ProvenToken(id: first.token, sealingKey: place), scope: code.scope,
                state: state,
                consent: code.consent, tokenExpiresAt: first.now + 77_000)
            #expect(
                try rig.answer { $0.redeem(again, completion: $1) } == .success(.repeated(exchange))
            )
        }
        // The key has gone: nobody can tell a repetition any more.
        let foreign = Keyring(
            SealingKey { bytes in for index in bytes.indices { bytes[index] = 9 } })
        let other = attempt(rig, foreign, code, at: 59_000)
        guard
            case .success(.refused(.used, .some, _)) = try rig.answer({
                $0.redeem(other, completion: $1)
            })
        else { return #expect(Bool(false), "another key was taken for the right one") }
        #expect(
            try rig.answer { $0.redeem(first, completion: $1) }
                != .success(.redeemed(state: state, consent: code.consent)))
    }

    /// What is left of a code that was exchanged without a key is as little as ever.
    @Test func stateStaysOnlyWhereItMayBeNeeded() throws {
        let rig = try Rig()
        let (plain, keyed) = (rig.code(1, state: "secret"), rig.code(2, state: "secret"))
        for code in [plain, keyed] { try rig.insert(code).get() }
        _ = try rig.redeem(plain).get()
        _ = try rig.answer {
            $0.redeem(attempt(rig, Rig.keyring, keyed, at: 5), completion: $1)
        }.get()
        rig.close()
        let database = try Database(path: rig.path, .readWrite)
        #expect(try database.integer("SELECT count(*) FROM codes WHERE state IS NOT NULL") == 1)
        #expect(try database.integer("SELECT count(*) FROM codes WHERE consent <> ''") == 0)
    }
}
