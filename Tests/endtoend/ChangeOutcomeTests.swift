// Every command that changes the registry or revokes × every outcome: in force on the running server,
// written where none is running, and not taken over. In words, for programs, and as an exit status.

import Foundation
import Glibc
import Synchronization
import Testing

/// Commands that do not get in each other's way: each is about an entry of its own.
enum ChangingCommand: String, CaseIterable, Sendable {
    case addInstitution, addSecondInstitution, disableInstitution, enableInstitution, rotateSecret
    case removeInstitution, addProvider, disableProvider, enableProvider, addRedirectURI
    case removeRedirectURI, removeProvider, revokeInstitution, revokeProvider, revokeConsent
    case revokeConsentAtInstitution

    static let uri = "https://psp.example/callback"

    /// Its own.
    private var institution: String { "PSDGB-FCA-\(rawValue)" }
    private var provider: String { "psp-\(rawValue)" }

    /// What must be there before.
    var preparation: [[String]] {
        let disabled = rawValue.hasPrefix("enable")
        switch self {
        case .addInstitution, .addProvider, .revokeConsent: return []
        case .addSecondInstitution:
            return [["fi", "add", institution, "--client", "client-\(rawValue)"]]
        case .disableInstitution, .enableInstitution, .rotateSecret, .removeInstitution,
            .revokeInstitution, .revokeConsentAtInstitution:
            return [["fi", "add", institution]]
                + (disabled ? [["fi", "disable", institution]] : [])
        case .disableProvider, .enableProvider, .addRedirectURI, .removeProvider, .revokeProvider,
            .removeRedirectURI:
            return [["psp", "add", provider, "--redirect-uri", Self.uri]]
                + (disabled ? [["psp", "disable", provider]] : [])
        }
    }

    var arguments: [String] {
        switch self {
        case .addInstitution: ["fi", "add", institution]
        case .addSecondInstitution:
            ["fi", "add", "\(institution)-2", "--client", "client-\(rawValue)"]
        case .disableInstitution: ["fi", "disable", institution]
        case .enableInstitution: ["fi", "enable", institution]
        case .rotateSecret: ["fi", "rotate-secret", institution]
        case .removeInstitution: ["fi", "remove", institution, "--yes"]
        case .addProvider: ["psp", "add", provider]
        case .disableProvider: ["psp", "disable", provider]
        case .enableProvider: ["psp", "enable", provider]
        case .addRedirectURI: ["psp", "add-redirect-uri", provider, "\(Self.uri)/2"]
        case .removeRedirectURI: ["psp", "remove-redirect-uri", provider, Self.uri]
        case .removeProvider: ["psp", "remove", provider, "--yes"]
        case .revokeInstitution: ["tokens", "revoke", "--fi", institution, "--yes"]
        case .revokeProvider: ["tokens", "revoke", "--psp", provider, "--yes"]
        case .revokeConsent: ["tokens", "revoke", "--consent", "c", "--yes"]
        case .revokeConsentAtInstitution:
            ["tokens", "revoke", "--consent", "c", "--fi", institution, "--yes"]
        }
    }

    var makesSecret: Bool { self == .addInstitution || self == .rotateSecret }

    /// A store on which a server has issued something, with all that the commands are about.
    static func store() throws -> ProductionStore {
        let server = try ProductionServer()
        server.process.program.stop(SIGTERM)
        let store = server.store
        for command in allCases {
            for arguments in command.preparation {
                #expect(try store.run(arguments).status == 0)
            }
        }
        return store
    }
}

@Suite struct ChangeOutcomeTests {
    /// One after the other, or all at once where each waits for a server.
    private func expect(
        _ outcome: String, _ status: Int32, words: String, _ store: ProductionStore, json: Bool,
        atOnce: Bool = false
    ) {
        let pending = Mutex(0)
        for command in ChangingCommand.allCases {
            let run: @Sendable () -> Void = {
                do {
                    let ended = try store.run(command.arguments + (json ? ["--json"] : []))
                    try check(ended, command)
                } catch {
                    Issue.record("\(command): \(error)")
                }
            }
            guard atOnce else {
                run()
                continue
            }
            pending.withLock { $0 += 1 }
            Thread.detachNewThread {
                run()
                pending.withLock { $0 -= 1 }
            }
        }
        while pending.withLock({ $0 }) > 0 { usleep(10_000) }

        @Sendable func check(_ ended: Outcome, _ command: ChangingCommand) throws {
            #expect(ended.status == status, "\(command): \(ended.errors)")
            #expect(ended.errorLines.count == 1, "\(command): \(ended.errors)")
            #expect(ended.errors.contains(words), "\(command): \(ended.errors)")
            #expect(ended.errors.contains("error: ") == (status != 0), "\(command)")
            guard json else { return }
            let object = try ended.json()
            #expect(object["outcome"] as? String == outcome, "\(command): \(ended.output)")
            #expect(object["store"] as? String == store.place)
        }
    }

    @Test(arguments: [false, true])
    func changeIsInForceOnARunningServer(json: Bool) throws {
        let store = try ChangingCommand.store()
        let server = try store.serve()
        defer { server.program.stop(SIGTERM) }
        expect("in_force", 0, words: StoreUnderTest.inForce, store, json: json)
    }

    @Test(arguments: [false, true])
    func changeIsWrittenWhereNoServerRuns(json: Bool) throws {
        let store = try ChangingCommand.store()
        expect(
            "written", 0, words: "\(store.place), on which no server is running",
            store, json: json)
    }

    /// Stops it where it is not writing its audit log just then: commands need that, too.
    private func freeze(_ server: ServerProcess, _ store: ProductionStore) throws {
        let log = unsafe open("\(store.folder)/store.db.audit", O_RDWR)
        try #require(log >= 0)
        defer { close(log) }
        for _ in 0..<1000 {
            server.program.send(SIGSTOP)
            usleep(5_000)
            if flock(log, LOCK_EX | LOCK_NB) == 0 { return }
            server.program.send(SIGCONT)
            usleep(5_000)
        }
        Issue.record("the server writes all the time")
    }

    /// A server that is stopped takes nothing over.
    @Test(arguments: [false, true])
    func changeIsLateWhereTheServerDoesNotTakeItOver(json: Bool) throws {
        let store = try ChangingCommand.store()
        let server = try store.serve()
        defer { server.program.stop(SIGTERM) }
        try freeze(server, store)
        expect(
            "late", 75, words: "has not taken it over within 5 s", store, json: json, atOnce: true)
        server.program.send(SIGCONT)
    }

    /// The same content in another file: the server opens it again.
    @Test func registryThatIsReplacedByItsCopyGoesOn() throws {
        let server = try ProductionServer()
        let registry = "\(server.store.folder)/store.db.registry"
        let manager = FileManager.default
        try manager.copyItem(atPath: registry, toPath: registry + ".copy")
        #expect(unsafe rename(registry + ".copy", registry) == 0)
        let token = try server.bank.newToken()
        let outcome = try server.store.run(
            "psp", "disable", ProductionServer.provider, "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try outcome.json()["outcome"] as? String == "in_force")
        #expect(try !server.bank.isActive(token))
    }

    /// What is older than the server, or another's, must not look as if it had been taken over.
    @Test(arguments: [false, true])
    func registryThatIsReplacedByAnotherIsFoundOut(isForeign: Bool) throws {
        let server = try ProductionServer()
        let registry = "\(server.store.folder)/store.db.registry"
        let manager = FileManager.default
        let other = isForeign ? try ProductionServer() : server
        try manager.copyItem(
            atPath: "\(other.store.folder)/store.db.registry", toPath: registry + ".copy")
        try server.store.command("psp", "add", "younger")
        #expect(unsafe rename(registry + ".copy", registry) == 0)
        let token = try server.bank.newToken()
        for arguments in [
            ["psp", "disable", ProductionServer.provider],
            ["tokens", "revoke", "--psp", ProductionServer.provider, "--yes"],
        ] {
            let outcome = try server.store.run(arguments)
            #expect(outcome.status == 78 || outcome.status == 75, "\(outcome.errors)")
            #expect(outcome.errors.contains("error: "))
        }
        #expect(try server.bank.isActive(token), "the server serves as before")
    }

    /// Nothing was ever issued there, so nothing can have been revoked.
    @Test func folderWithoutAStoreIsNotSaidToBeRevoked() throws {
        let store = try ProductionStore()
        _ = try store.addInstitution(ProductionServer.first)
        for subject in [["--fi", ProductionServer.first], ["--consent", "c"]] {
            let outcome = try store.run(["tokens", "revoke", "--yes"] + subject)
            #expect(outcome.status == 66, "\(outcome.errors)")
            #expect(outcome.errors.contains("no server has used \(store.place) yet"))
        }
        func expectNothingRevoked() throws {
            let shown = try store.command("fi", "show", ProductionServer.first, "--json").json()
            #expect(shown["revoked_until"] is NSNull)
        }
        try expectNothingRevoked()
        // The right one, where nothing was issued either.
        try store.serve().program.stop(SIGTERM)
        let outcome = try store.run(
            "tokens", "revoke", "--yes", "--json", "--fi", ProductionServer.first)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("nothing has been issued yet"), "\(outcome.errors)")
        #expect(try outcome.json()["revoked_until"] is NSNull)
        try expectNothingRevoked()
    }

    @Test(arguments: ["fi", "psp", "tokens revoke"])
    func helpExplainsTheOutcomes(command: String) throws {
        let arguments = command.split(separator: " ").map(String.init)
        let help = try ChildProcess.run(ChildProcess.binary.path, arguments + ["--help"]).output
            .split(separator: /\s+/).joined(separator: " ")
        for text in ["in_force", "written", "late", "(75)"] {
            #expect(help.contains(text), "\(help)")
        }
    }
}
