// The last time that a file has seen, as a server and as a command read it.

import Foundation
import StoreContract
import Testing
import Tokens

@testable import SQLiteStore

@Suite struct NewestTimeTests {
    enum Kind: CaseIterable { case code, token, ccgToken }

    /// One row more than a second before, and one that counts.
    @Test(arguments: Kind.allCases)
    func latestRowOfAnyKindCounts(kind: Kind) throws {
        let rig = try Rig()
        #expect(rig.file?.newestTime == nil)
        let code = rig.code(1, at: 1_000_000)
        try rig.insert(code).get()
        switch kind {
        case .code: try rig.insert(rig.code(2, at: 3_000_000)).get()
        case .token: _ = try rig.redeem(code).get()
        case .ccgToken:
            let token = CCGToken(
                id: Identifier(issuedAt: 4_000_000, randomHigh: 1, randomLow: 1),
                institution: code.institution, provider: code.provider, expiresAt: 9_000_000)
            try rig.answer { $0.insert(token, completion: $1) }.get()
        }
        let latest: Milliseconds =
            switch kind {
            case .code: 3_000_000
            case .token: 2_000_000
            case .ccgToken: 4_000_000
            }
        #expect(try IssueTimes(store: rig.path)?.newest == latest, "while a server has it")
        rig.close()
        #expect(try IssueTimes(store: rig.path)?.newest == latest)
        try rig.open()
        #expect(rig.file?.newestTime == latest)
    }

    @Test func absentStoreHasSeenNothing() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/store.db"
        #expect(try IssueTimes(store: path) == nil)
        try Data("this is no database at all, but a text".utf8).write(to: URL(filePath: path))
        #expect(throws: StoreFailure.self) { try IssueTimes(store: path) }
    }
}
