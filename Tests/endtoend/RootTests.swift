// What root's commands leave behind, and which settings they take. Only root can try it.

import Foundation
import Glibc
import Testing

@Suite(.enabled(if: geteuid() == 0, "only root can act as another user"))
struct RootTests {
    /// Nobody's on this machine.
    private static let (user, group): (uid_t, gid_t) = (54_321, 54_322)

    private let folder: String
    private var store: String { "\(folder)/store.db" }
    private var option: [String] { ["--store", "sqlite:\(store)"] }

    /// A folder that only its user may enter, inside of one that only root may.
    init() throws {
        let outer = NSTemporaryDirectory() + "obie-root-\(UUID().uuidString)"
        folder = outer + "/private"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for made in [outer, folder] { #expect(unsafe chmod(made, 0o700) == 0) }
    }

    private func remove() throws {
        try FileManager.default.removeItem(
            atPath: (folder as NSString).deletingLastPathComponent)
    }

    /// Everything in the folder, and the folder, is this user's from now on.
    private func give(to user: uid_t, _ group: gid_t) throws {
        for name in try names() { #expect(unsafe chown("\(folder)/\(name)", user, group) == 0) }
        #expect(unsafe chown(folder, user, group) == 0)
    }

    private func names(in folder: String? = nil) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder ?? self.folder)
    }

    private func expectOwner(
        _ user: uid_t, in folder: String? = nil, after command: [String]
    ) throws {
        for name in try names(in: folder) {
            var status = stat()
            #expect(unsafe lstat("\(folder ?? self.folder)/\(name)", &status) == 0)
            #expect(status.st_uid == user, "\(name) after \(command)")
        }
    }

    private func run(
        _ arguments: [String]
    ) throws -> (status: Int32?, output: String, errors: String) {
        try ChildProcess.run(ChildProcess.binary.path, arguments)
    }

    /// A store that a server has used and a user owns.
    private func makeStore(user: uid_t = user, group: gid_t = group) throws {
        #expect(try run(["fi", "add", "bank-0"] + option).status == 0)
        let server = try ServerProcess(["--mode", "production"] + option)
        server.program.stop(SIGTERM)
        try give(to: user, group)
    }

    @Test func filesOfNewRegistryAreTheFoldersOwners() throws {
        defer { try? remove() }
        try give(to: Self.user, Self.group)
        let command = ["fi", "add", "bank-1"] + option
        let outcome = try run(command)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("acting as user 54321, who owns \(folder)\n"))
        #expect(try names().contains("store.db.registry"))
        try expectOwner(Self.user, after: command)
    }

    @Test func everyCommandLeavesTheStoreToItsOwner() throws {
        defer { try? remove() }
        try makeStore()
        let backups = (folder as NSString).deletingLastPathComponent + "/backups"
        #expect(unsafe mkdir(backups, 0o700) == 0)
        let commands = [
            ["fi", "add", "bank-1"], ["fi", "list"], ["fi", "rotate-secret", "bank-1"],
            ["psp", "add", "psp-1", "--redirect-uri", "https://psp.example/a"],
            ["psp", "disable", "psp-1"], ["tokens", "revoke", "--consent", "c", "--yes"],
            ["keys", "rotate"], ["keys", "list"], ["backup", "\(backups)/monday.db"],
            ["fi", "remove", "bank-1", "--yes"], ["check"], ["compact"],
            ["restore", "\(backups)/monday.db"], ["reset", "--yes"],
        ]
        for command in commands {
            let outcome = try run(command + option)
            #expect(outcome.status == 0, "\(command): \(outcome.errors)")
            let said = outcome.errors.components(separatedBy: "acting as user 54321, who owns")
            #expect(said.count == 2, "\(command): \(outcome.errors)")
            try expectOwner(Self.user, after: command)
        }
        #expect(try names(in: backups).count >= 3)
        // Who it was is written down all the same.
        let log = try String(contentsOfFile: "\(store).audit", encoding: .utf8)
        #expect(log.contains("as uid 54321"), "\(log)")
        try expectOwner(Self.user, in: backups, after: ["backup"])
    }

    /// As with a credential: the keys lie in root's folder, and are root's.
    @Test func rootsKeysStayRoots() throws {
        defer { try? remove() }
        let outer = (folder as NSString).deletingLastPathComponent
        let keys = ["--keys-file", "\(outer)/keys"]
        #expect(try run(["keys", "create", "\(outer)/keys"]).status == 0)
        #expect(try run(["fi", "add", "bank-0"] + option).status == 0)
        let server = try ServerProcess(["--mode", "production"] + option + keys)
        server.program.stop(SIGTERM)
        try give(to: Self.user, Self.group)
        let backups = outer + "/backups"
        try FileManager.default.createDirectory(
            atPath: backups, withIntermediateDirectories: false)
        for command in [
            ["keys", "list"], ["keys", "rotate"], ["backup", "\(backups)/monday.db"],
            ["restore", "\(backups)/monday.db"],
        ] {
            let outcome = try run(command + option + keys)
            #expect(outcome.status == 0, "\(command): \(outcome.errors)")
            try expectOwner(Self.user, after: command)
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(outer)/keys")
            #expect((attributes[.ownerAccountID] as? NSNumber)?.uint32Value == 0, "\(command)")
            #expect((attributes[.posixPermissions] as? NSNumber)?.uint32Value == 0o600)
        }
    }

    /// The service's user has put a link in the place of the audit log: root does not write through it.
    @Test func whoOwnsTheFolderLeadsRootNowhere() throws {
        defer { try? remove() }
        try makeStore()
        let victim = (folder as NSString).deletingLastPathComponent + "/victim"
        #expect(unsafe unlink("\(store).audit") == 0)
        #expect(unsafe symlink(victim, "\(store).audit") == 0)
        #expect(try run(["fi", "add", "bank-1"] + option).status != 0)
        #expect(unsafe access(victim, F_OK) != 0)
    }

    @Test func rootsOwnStoreStaysRoots() throws {
        defer { try? remove() }
        try makeStore(user: 0, group: 0)
        let outcome = try run(["fi", "add", "bank-1"] + option)
        #expect(outcome.status == 0)
        #expect(!outcome.errors.contains("acting as"))
        try expectOwner(0, after: ["fi", "add"])
    }

    /// In a file system of its own, so that the machine's /etc stays as it is.
    private func withServiceFile(
        _ arguments: [String], _ environment: [String] = []
    ) throws -> (status: Int32?, output: String, errors: String) {
        let script = """
            mount -t tmpfs none /etc && mkdir /etc/obie-tokens &&
            echo "store = sqlite:\(store)" > /etc/obie-tokens/obie-tokens.conf && exec "$@"
            """
        return try ChildProcess.run(
            "/usr/bin/unshare",
            ["--mount", "sh", "-c", script, "sh", "env"] + environment
                + [ChildProcess.binary.path] + arguments)
    }

    @Test func commandsTakeTheSettingsOfTheServiceAndSaySo() throws {
        defer { try? remove() }
        try makeStore()
        let outcome = try withServiceFile(["fi", "list", "--json"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("bank-0"))
        let said = "obie-tokens: these are the settings of /etc/obie-tokens/obie-tokens.conf; "
        #expect(outcome.errors.hasPrefix(said), "\(outcome.errors)")
        let settings = try withServiceFile(["config", "show", "--json"])
        #expect(settings.errors.hasPrefix(said) && settings.output.contains(store))
        try expectOwner(Self.user, after: ["fi", "list"])
    }

    @Test(arguments: ["--config", "--store", "OBIE_TOKENS_CONFIG", "OBIE_TOKENS_STORE", "serve"])
    func whatElseIsNamedCountsInstead(name: String) throws {
        defer { try? remove() }
        let (config, other) = ("\(folder)/other.conf", "sqlite:\(folder)/other.db")
        try "store = \(other)\n".write(toFile: config, atomically: true, encoding: .utf8)
        let value = name.uppercased().hasSuffix("CONFIG") ? config : other
        let outcome =
            switch name {
            // It reads its file before it looks at what is wrong.
            case "serve": try withServiceFile(["serve", "--loops", "0"])
            case _ where name.hasPrefix("--"): try withServiceFile(["fi", "list", name, value])
            default: try withServiceFile(["fi", "list"], ["\(name)=\(value)"])
            }
        #expect(!outcome.errors.contains("these are the settings"))
        #expect(!(outcome.output + outcome.errors).contains(store))
    }
}
