// Tokens that are bound to a certificate, in files: of versions before, and damaged.

import Testing
import Tokens

@testable import SQLiteStore

@Suite struct HolderTests {
    private let holder = Thumbprint([UInt8](repeating: 7, count: 32))

    private func attempt(_ rig: Rig, _ code: AuthorizationCode, _ token: UInt64) -> Redemption {
        Redemption(
            code: code.id, institution: code.institution, provider: code.provider,
            redirectURI: code.redirectURI, now: code.id.issuedAt,
            token: Identifier(issuedAt: 2_000_000, randomHigh: 2, randomLow: token),
            tokenExpiresAt: nil, authorisation: .full, holder: holder)
    }

    @Test func tokensOfVersion3AreNobodys() throws {
        let rig = try Rig()
        let (old, new) = (rig.code(1), rig.code(2))
        for code in [old, new] { try rig.insert(code).get() }
        #expect(try rig.redeem(old) == .success(.redeemed(state: "s")))
        rig.close()
        try Database(path: rig.path, .readWrite).execute(
            """
            ALTER TABLE tokens DROP COLUMN holder;
            \(ReportTests.backToVersion4) PRAGMA user_version = 3;
            """)
        try rig.open()
        #expect(try rig.token(9).get()?.holder == nil)
        #expect(try rig.token(9).get() != nil)
        let attempt = attempt(rig, new, 10)
        #expect(
            try rig.answer { $0.redeem(attempt, completion: $1) }
                == .success(.redeemed(state: "s")))
        rig.close()
        try rig.open()
        #expect(try rig.token(10).get()?.holder == holder)
    }

    /// It must not pass for a token that anybody may use.
    @Test func holderThatCannotBeReadLeavesNoToken() throws {
        let rig = try Rig()
        let code = rig.code(1)
        try rig.insert(code).get()
        #expect(try rig.redeem(code) == .success(.redeemed(state: "s")))
        try Database(path: rig.path, .readWrite).execute("UPDATE tokens SET holder = x'0102'")
        guard case .failure(.unavailable) = try rig.token(9) else {
            return #expect(Bool(false), "a damaged row is a token")
        }
    }
}
