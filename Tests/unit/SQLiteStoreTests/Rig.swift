// A store in a folder of its own, with faces on loops that a test turns.

import CryptoForTests
import FailingDisk
import Foundation
import StoreContract
import Synchronization
import Testing
import Tokens
import UV

@testable import SQLiteStore

/// Opened at once; its folder goes with it.
final class Rig {
    let path: String
    private let loops: [EventLoop]
    private let folder: TemporaryFolder
    private(set) var file: SQLiteFile?
    private(set) var faces: [SQLiteStore] = []
    let lines = Lines()
    /// One for each time that the process was told to end.
    let losses = Lines()

    final class Lines: Sendable {
        private let all = Mutex<[String]>([])
        func add(_ line: String) { all.withLock { $0.append(line) } }
        var texts: [String] { all.withLock { $0 } }
    }

    static let keyring = Keyring(
        SealingKey { bytes in for index in bytes.indices { bytes[index] = 7 } })

    var store: SQLiteStore? { faces.first }

    init(faces: Int = 1) throws {
        loops = try (0..<faces).map { _ in try EventLoop() }
        folder = try TemporaryFolder()
        path = "\(folder.path)/store.db"
        try open()
    }

    static func file(
        _ path: String, keyring: Keyring = keyring, _ report: @escaping @Sendable (String) -> Void,
        onLoss: @escaping @Sendable () -> Void = {}
    ) throws -> SQLiteFile {
        var settings = IssuerSettings()
        settings.codeLifetime = StoreContract.lifetime
        settings.tokenLifetime = StoreContract.tokenLifetime
        return try SQLiteFile(
            path: path, keyring: keyring, settings: settings, report: report, onLoss: onLoss)
    }

    func open() throws {
        let opened = try Rig.file(path, { [lines] in lines.add($0) }) { [losses] in
            losses.add("lost")
        }
        file = opened
        faces = try loops.map { try SQLiteStore(opened, loop: $0) }
    }

    func close() {
        for face in faces { face.close() }
        faces = []
        for loop in loops { loop.run() }
        file?.close()
        file = nil
    }

    func wait() {
        for loop in loops { loop.runOnce() }
        usleep(50)
    }

    deinit { close() }

    func answer<Value>(
        _ ask: (SQLiteStore, @escaping (Result<Value, StoreError>) -> Void) -> Void
    ) throws -> Result<Value, StoreError> {
        var result: Result<Value, StoreError>?
        ask(try #require(store)) { result = $0 }
        for _ in 0..<100_000 where result == nil { wait() }
        return try #require(result, "no answer")
    }

    func code(_ number: UInt64, at time: Milliseconds = 1_000_000, state: String? = "s")
        -> AuthorizationCode
    {
        AuthorizationCode(
            id: Identifier(issuedAt: time, randomHigh: 1, randomLow: number),
            institution: Institution.ID(1), provider: Provider.ID(1),
            redirectURI: Provider.RedirectURI.ID(1), scope: .accounts,
            consent: Consent(id: "c\(number)", accountID: ""), state: state,
            expiresAt: time + StoreContract.lifetime)
    }

    func attempt(_ code: AuthorizationCode, token: UInt64) -> Redemption {
        Redemption(
            code: code.id, institution: code.institution, provider: code.provider,
            redirectURI: code.redirectURI, now: code.id.issuedAt,
            token: Identifier(issuedAt: 2_000_000, randomHigh: 2, randomLow: token),
            tokenExpiresAt: nil, authorisation: .full)
    }

    func redeem(_ code: AuthorizationCode) throws -> Result<RedemptionOutcome, StoreError> {
        try answer { $0.redeem(attempt(code, token: 9), completion: $1) }
    }

    /// In one turn of the loop, and so in one batch.
    func redeemAtOnce(
        _ codes: [AuthorizationCode]
    ) throws -> [Result<RedemptionOutcome, StoreError>] {
        var results: [Result<RedemptionOutcome, StoreError>] = []
        for (number, code) in codes.enumerated() {
            try #require(store).redeem(attempt(code, token: UInt64(number))) { results.append($0) }
        }
        for _ in 0..<100_000 where results.count < codes.count { wait() }
        return results
    }

    func insert(_ code: AuthorizationCode) throws -> Result<Void, StoreError> {
        try answer { $0.insert(code, completion: $1) }
    }

    func token(_ number: UInt64) throws -> Result<AccessToken?, StoreError> {
        let id = Identifier(issuedAt: 2_000_000, randomHigh: 2, randomLow: number)
        return try answer { $0.token(id, now: 2_000_000, completion: $1) }
    }

    func expire() throws -> Result<Milliseconds?, StoreError> {
        try answer { $0.removeExpired(now: 5, completion: $1) }
    }

    /// The disk under one of the store's files fails from now on. nil: no more.
    func fail(_ what: failing_disk?, file suffix: String = "") {
        unsafe failing_disk_set(path + suffix, what ?? FAILING_DISK_NONE)
    }
}
