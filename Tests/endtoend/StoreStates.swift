// The files of one production store at two moments, and of another store: what a table of troubles is
// made of.

import Foundation
import Glibc
import Testing

/// The bytes of a store's files, by what comes after the store's name.
typealias StoreFiles = [String: Data]

/// Made once, by servers and commands: `old`, then more was registered and issued, and the server ran
/// again: `new`.
struct StoreStates: Sendable {
    static let shared = Result { try StoreStates() }

    let old: StoreFiles
    let new: StoreFiles
    /// Of a store that was never seen by the other.
    let foreign: StoreFiles
    /// Of `new`: a token that is alive.
    let token: String
    /// The bank that it was issued for, without a server.
    let clientID: String
    let secret: String

    private init() throws {
        let server = try ProductionServer()
        _ = try server.bank.newToken()
        try #require(server.process.program.stop(SIGTERM) == 0)
        old = try StoreStates.files(server.store.folder)
        for number in 1...3 { try server.store.command("psp", "add", "PSDGB-FCA-30000\(number)") }
        let bank = try server.restart()
        token = try bank.newToken()
        (clientID, secret) = (bank.clientID, bank.secret)
        try #require(server.process.program.stop(SIGTERM) == 0)
        new = try StoreStates.files(server.store.folder)
        let other = try ProductionServer()
        _ = try other.bank.newToken()
        try #require(other.process.program.stop(SIGTERM) == 0)
        foreign = try StoreStates.files(other.store.folder)
    }

    /// The bank on a server of `new`.
    func bank(_ server: ServerProcess) -> Bank {
        Bank(
            server: server, clientID: clientID, secret: secret,
            institution: ProductionServer.first, provider: ProductionServer.provider,
            redirectURI: ProductionServer.redirectURI)
    }

    private static func files(_ folder: String) throws -> StoreFiles {
        var files: StoreFiles = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            files[String(name.dropFirst("store.db".count))] = try Data(
                contentsOf: URL(filePath: "\(folder)/\(name)"))
        }
        return files
    }
}

/// A store in a folder of its own, in the state that a test gives it.
final class TroubledStore {
    let store: ProductionStore
    var path: String { "\(store.folder)/store.db" }

    init(_ files: StoreFiles) throws {
        store = try ProductionStore()
        for (suffix, data) in files { try put(data, suffix) }
    }

    func put(_ data: Data?, _ suffix: String) throws {
        let url = URL(filePath: path + suffix)
        guard let data else { return try FileManager.default.removeItem(at: url) }
        try data.write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: url.path)
    }

    /// The bytes of all files; PATH.lock says nothing without a server.
    func contents() throws -> [String: [UInt8]] {
        var files = try store.files()
        if files["store.db.lock"] != nil { files["store.db.lock"] = [] }
        return files
    }

    /// A start that must not succeed.
    func failedStart(_ options: [String] = [], as user: Bool = false) throws -> Outcome {
        try run(
            [
                "serve", "--mode", "production", "--listen", "127.0.0.1:0", "--admin-listen",
                "127.0.0.1:0", "--log-format", "text",
            ] + options, as: user)
    }

    /// - Parameter user: whether to run as somebody who is not root.
    func run(_ arguments: [String], as user: Bool = false) throws -> Outcome {
        let words = [ChildProcess.binary.path] + arguments + store.option
        let prefix =
            user && geteuid() == 0
            ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []
        let ended = try ChildProcess.run("/usr/bin/env", prefix + words)
        return Outcome(
            arguments: arguments, status: ended.status, output: ended.output, errors: ended.errors)
    }

    /// Gives all to the user of `run(as: true)`.
    func giveAway() throws {
        guard geteuid() == 0 else { return }
        for path in [store.folder] + (try store.files().keys.map { "\(store.folder)/\($0)" }) {
            try FileManager.default.setAttributes(
                [.ownerAccountID: Self.user, .groupOwnerAccountID: Self.user], ofItemAtPath: path)
        }
    }

    /// Only root can give files away.
    func set(_ suffix: String, mode: Int, owner: Int) throws {
        let file = path + suffix
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
        guard geteuid() == 0 else { return }
        try FileManager.default.setAttributes(
            [.ownerAccountID: owner, .groupOwnerAccountID: owner], ofItemAtPath: file)
    }

    /// Somebody who is not root.
    static let user = 65534
}
