// `restore` and `reset`: what was there is moved aside, and nothing lives again that was revoked or spent.

import Foundation
import Glibc
import Testing

@Suite struct RestoreTests {
    /// A store, its backup, and what has happened since: a token revoked, a code spent, a token and a
    /// provider more, a PSP disabled; and then the server was killed, with its log beside the store.
    private struct Story {
        let server: ProductionServer
        let kept: String
        let revoked: String
        let spent: String
        let since: String
        var store: ProductionStore { server.store }
        var path: String { "\(store.folder)/store.db" }
        var copy: String { "\(store.folder)/monday.db" }

        init() throws {
            server = try ProductionServer("--code-lifetime", "3600")
            kept = try server.bank.newToken()
            revoked = try server.bank.newToken()
            spent = try server.bank.newCode()
            try server.store.command("psp", "add", ProductionServer.otherProvider)
            try server.store.command("backup", "\(server.store.folder)/monday.db")
            #expect(try server.bank.answer(server.bank.revoke(revoked)).status == 200)
            since = try server.bank.token(for: spent)
            try server.store.command("psp", "disable", ProductionServer.otherProvider)
        }

        func kill() { server.process.program.stop(SIGKILL) }

        func restart() throws -> Bank {
            var bank = server.bank
            bank.server = try server.store.serve("--code-lifetime", "3600")
            try bank.renewCCGToken()
            return bank
        }

        func isDisabled(_ provider: String) throws -> Bool {
            let shown = try store.command("psp", "show", provider, "--json").json()
            return try #require(shown["enabled"] as? Bool) == false
        }
    }

    @Test func nothingLivesAgainThatWasRevokedOrSpent() throws {
        let story = try Story()
        story.kill()
        let log = try #require(try story.store.files()["store.db-wal"])
        #expect(!log.isEmpty)
        let outcome = try story.store.command("restore", story.copy)
        #expect(outcome.errors.contains("the registry stayed"), "\(outcome.errors)")
        #expect(outcome.errors.contains("2 access tokens and 1 code"), "\(outcome.errors)")
        let files = try story.store.files()
        #expect(files["store.db-wal"] == nil, "an old log never meets a restored file")
        let aside = files.keys.filter { $0.contains(".before-") }
        #expect(aside.count == 3, "the store, its log and its memory: \(aside)")
        #expect(outcome.errors.contains("the keys stayed"), "\(outcome.errors)")
        #expect(aside.contains { $0.hasSuffix("-wal") && files[$0] == log })
        for name in aside { #expect(outcome.errors.contains(name), "\(name) is named") }
        let bank = try story.restart()
        defer { bank.server.program.stop(SIGTERM) }
        for token in [story.kept, story.revoked, story.since] {
            #expect(try !bank.isActive(token))
        }
        #expect(try bank.answer(bank.exchange(story.spent)).status == 403)
        #expect(try story.isDisabled(ProductionServer.otherProvider), "the newer registry stayed")
        #expect(try bank.isActive(try bank.newToken()))
    }

    @Test func whoeverKnowsThatNothingChangedKeepsTheTokens() throws {
        let story = try Story()
        story.kill()
        let outcome = try story.store.run("restore", "--keep-issued", story.copy)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("2 access tokens"), "\(outcome.errors)")
        let bank = try story.restart()
        defer { bank.server.program.stop(SIGTERM) }
        #expect(try bank.isActive(story.kept))
        #expect(try bank.isActive(story.revoked), "as it was told")
        #expect(try !bank.isActive(story.since))
        #expect(
            try bank.answer(bank.exchange(story.spent)).status == 403, "codes are void in any case")
    }

    @Test func registryOfTheBackupIsTakenWhereItIsAskedForOrTheOnlyOne() throws {
        for isLost in [false, true] {
            let story = try Story()
            story.kill()
            if isLost { try FileManager.default.removeItem(atPath: "\(story.path).registry") }
            let options = isLost ? [] : ["--old-registry"]
            let outcome = try story.store.run(["restore", story.copy] + options)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("the registry is the backup's"), "\(outcome.errors)")
            #expect(try !story.isDisabled(ProductionServer.otherProvider))
            let bank = try story.restart()
            #expect(try bank.isActive(try bank.newToken()))
            bank.server.program.stop(SIGTERM)
        }
    }

    /// - Parameter keys: since the backup: rotated, or another store's in their place.
    @Test(arguments: ["rotated", "foreign", "lost"])
    func keysStayWhereTheyOpenTheBackup(keys: String) throws {
        let states = try StoreStates.shared.get()
        let (backup, place) = (try TroubledStore(states.new), try TroubledStore(states.new))
        switch keys {
        case "rotated": try place.store.command("keys", "rotate")
        case "foreign": try place.put(states.foreign[".keys"], ".keys")
        default: try place.put(nil, ".keys")
        }
        let before = try place.store.files()["store.db.keys"]
        let outcome = try place.store.run("restore", "--keep-issued", backup.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let after = try place.store.files()
        let old = try #require(states.new[".keys"])
        #expect(after["store.db.keys"] == (keys == "rotated" ? before : Array(old)))
        #expect(
            after.keys.contains { $0.hasPrefix("store.db.keys.before-") } == (keys == "foreign"))
        try ServerProcess.with("--mode", "production", "--store", "sqlite:\(place.path)") {
            (server) throws in
            #expect(try states.bank(server).isActive(states.token))
        }
    }

    /// A key that was compromised since the backup must not seal again.
    @Test func keyThatWasGivenUpSealsNoMore() throws {
        let story = try Story()
        story.kill()
        func keys() throws -> [[String: Any]] {
            try story.store.command("keys", "list", "--json").jsonList()
        }
        let old = try #require(try keys().first?["fingerprint"] as? String)
        try story.store.command("keys", "rotate")
        try story.restart().server.program.stop(SIGTERM)
        try story.store.command("keys", "retire", old, "--force")
        let outcome = try story.store.command("restore", story.copy)
        #expect(
            outcome.errors.contains("the keys that were there go on sealing"), "\(outcome.errors)")
        let after = try keys()
        #expect(after.first?["fingerprint"] as? String != old, "\(after)")
        let bank = try story.restart()
        defer { bank.server.program.stop(SIGTERM) }
        #expect(try bank.isActive(try bank.newToken()))
    }

    /// A registry that cannot be read all through does not stay, and `reset` does not begin with it.
    @Test func damagedRegistryIsReplacedAndNamed() throws {
        let story = try Story()
        story.kill()
        let registry = "\(story.path).registry"
        let file = try #require(FileHandle(forUpdatingAtPath: registry))
        try file.seek(toOffset: 2 * 4096)
        try file.write(contentsOf: Data(repeating: 0xA5, count: 3 * 4096))
        try file.close()
        let reset = try story.store.run("reset", "--yes")
        #expect(reset.status == 78 && reset.errors.contains("damaged"), "\(reset.errors)")
        let outcome = try story.store.command("restore", story.copy)
        #expect(
            outcome.errors.contains("the registry that was there is damaged"), "\(outcome.errors)")
        let bank = try story.restart()
        defer { bank.server.program.stop(SIGTERM) }
        #expect(try bank.isActive(try bank.newToken()))
    }

    /// What root restores, the service's user can use.
    @Test func restoredFilesBelongToWhomTheStoreBelonged() throws {
        guard geteuid() == 0 else { return }
        let states = try StoreStates.shared.get()
        let (backup, place) = (try TroubledStore(states.new), try TroubledStore(states.new))
        try place.giveAway()
        for suffix in [".keys", ".registry"] { try place.put(nil, suffix) }
        try place.store.command("restore", backup.path)
        for suffix in ["", ".keys", ".registry"] {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: place.path + suffix)
            #expect(attributes[.ownerAccountID] as? Int == TroubledStore.user, "\(suffix)")
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(suffix)")
        }
    }

    @Test func storeThatIsInUseIsNotReplaced() throws {
        let story = try Story()
        let before = try story.store.files().keys.sorted()
        for lock in ["there", "removed"] {
            if lock == "removed" {
                try FileManager.default.removeItem(atPath: "\(story.path).lock")
            }
            for words in [["restore", story.copy], ["reset", "--yes"], ["compact"]] {
                let outcome = try story.store.run(words)
                #expect(outcome.status == 71, "\(outcome.errors)")
                #expect(outcome.errors.contains("in use by a server"))
                #expect(outcome.errors.contains("stop the server, give this command again"))
            }
        }
        usleep(300_000)
        #expect(try story.store.files().keys.sorted() == before)
        #expect(try story.server.bank.isActive(story.kept))
    }

    @Test(arguments: BackupTests.Fault.allCases.filter { $0 != .diskFull })
    func backupThatIsNotWholeIsRefusedAndNothingIsMoved(fault: BackupTests.Fault) throws {
        let states = try StoreStates.shared.get()
        let backup = try TroubledStore(states.new)
        try fault.make(backup, states)
        let place = try TroubledStore(states.new)
        let before = try place.contents()
        let outcome = try place.store.run("restore", backup.path)
        #expect(outcome.status == fault.status, "\(outcome.errors)")
        #expect(outcome.errors.contains(backup.path), "\(outcome.errors)")
        #expect(try place.contents() == before)
    }

    @Test func everythingIsRestoredWhereEverythingIsLost() throws {
        let states = try StoreStates.shared.get()
        let backup = try TroubledStore(states.new)
        let place = try TroubledStore([:])
        let outcome = try place.store.run("restore", "--keep-issued", backup.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            try place.store.files().keys.filter { !$0.contains(".audit") }.sorted()
                == ["store.db", "store.db.keys", "store.db.registry"])
        try ServerProcess.with("--mode", "production", "--store", "sqlite:\(place.path)") {
            (server) throws in
            #expect(try states.bank(server).isActive(states.token))
        }
    }

    @Test(arguments: ["", ".registry", ".keys"])
    func resetBeginsAnewWithTheRegistryThatIsThere(lost: String) throws {
        let states = try StoreStates.shared.get()
        let troubled = try TroubledStore(states.new)
        try troubled.put(nil, lost)
        try #require(try troubled.failedStart().status != 0)
        try troubled.store.command("reset", "--yes")
        try ServerProcess.with("--mode", "production", "--store", "sqlite:\(troubled.path)") {
            (server) throws in
            var bank = states.bank(server)
            if lost == ".registry" {
                #expect(try bank.answer(bank.introspect(states.token)).status == 401, "nobody")
                return
            }
            #expect(try !bank.isActive(states.token))
            try bank.renewCCGToken()
            #expect(try bank.isActive(try bank.newToken()), "its secret is good, and nothing else")
        }
    }
}
