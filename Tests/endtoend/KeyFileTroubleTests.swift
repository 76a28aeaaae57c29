// Every command that opens keys × everything that can be wrong with the file: what it says, and that it
// changes nothing.

import Foundation
import Glibc
import Testing

@Suite struct KeyFileTroubleTests {
    enum Trouble: CaseIterable {
        case missing, foreign, noise, forbidden, groupReadable, readableForAll, link
    }

    /// The last is the key that is there no more, or would be.
    static let commands = [
        ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"], ["keys", "list"],
        ["keys", "rotate"], ["keys", "retire", "KEY"], ["backup", "FOLDER/copy.db"],
    ]

    /// nil: it is done.
    private static func status(_ trouble: Trouble, _ command: [String]) -> Int32? {
        switch trouble {
        case .missing, .foreign, .noise, .groupReadable, .readableForAll: 78
        case .forbidden: 77
        // A link is read. To change it is to replace it by a file.
        case .link: command == ["keys", "rotate"] || command.contains("retire") ? 78 : nil
        }
    }

    private static func says(_ trouble: Trouble) -> String {
        switch trouble {
        case .missing: "is missing"
        case .foreign: "does not belong"
        case .noise: "is no key file"
        case .forbidden: "Permission denied"
        case .groupReadable: "(mode 640): run `chmod 600"
        case .readableForAll: "(mode 644): run `chmod 600"
        case .link: "is a symbolic link"
        }
    }

    /// A store with a token and two keys, and the keys of another one. Made once.
    private struct Store {
        let files: [String: [UInt8]]
        let foreign: [UInt8]
        let oldKey: String

        static let shared = Result { try Store() }

        init() throws {
            let store = try ProductionStore()
            func serve() throws {
                let server = try ServerProcess(store.option)
                _ = try Bank(server: server).newToken()
                #expect(server.program.stop(SIGTERM) == 0)
            }
            try serve()
            try store.command("keys", "rotate")
            try serve()
            let rows = try store.command("keys", "list", "--json").jsonList()
            oldKey = try #require(rows.last?["fingerprint"] as? String)
            files = try store.files()
            let other = try ProductionStore()
            let made = try ChildProcess.run(
                ChildProcess.binary.path, ["keys", "create", "\(other.folder)/keys"])
            try #require(made.status == 0, "\(made.errors)")
            foreign = try #require(try other.files()["keys"])
        }
    }

    private func copy() throws -> ProductionStore {
        let made = try Store.shared.get()
        let store = try ProductionStore()
        for (name, bytes) in made.files {
            let path = "\(store.folder)/\(name)"
            try Data(bytes).write(to: URL(filePath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        }
        return store
    }

    private func cause(_ trouble: Trouble, _ file: String, of store: ProductionStore) throws {
        let files = FileManager.default
        switch trouble {
        case .missing: try files.removeItem(atPath: file)
        case .foreign: try Data(try Store.shared.get().foreign).write(to: URL(filePath: file))
        case .noise: try Data("no keys\n".utf8).write(to: URL(filePath: file))
        case .forbidden:
            for path in [store.folder] + (try store.files().keys.map { "\(store.folder)/\($0)" }) {
                try give(path, to: 65534)
            }
            try give(file, to: 0)
            if geteuid() != 0 {
                try files.setAttributes([.posixPermissions: 0], ofItemAtPath: file)
            }
        case .groupReadable: try files.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
        case .readableForAll:
            try files.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        case .link:
            try files.moveItem(atPath: file, toPath: "\(file).target")
            try files.createSymbolicLink(atPath: file, withDestinationPath: "\(file).target")
        }
    }

    /// Only root can.
    private func give(_ path: String, to user: Int) throws {
        guard geteuid() == 0 else { return }
        try FileManager.default.setAttributes(
            [.ownerAccountID: user, .groupOwnerAccountID: user], ofItemAtPath: path)
    }

    @Test(arguments: Trouble.allCases, commands)
    func commandSaysWhatToDoAndChangesNothing(trouble: Trouble, command: [String]) throws {
        let store = try copy()
        let key = try Store.shared.get().oldKey
        let file = "\(store.folder)/store.db.keys"
        try cause(trouble, file, of: store)
        let arguments = command.map {
            $0.replacing("KEY", with: key).replacing("FOLDER", with: store.folder)
        }
        guard let status = Self.status(trouble, command) else {
            return try expectDone(arguments, store)
        }
        let isOther = trouble == .forbidden && geteuid() == 0
        // Nobody could read it but root.
        let before = trouble != .forbidden || isOther ? try files(store) : nil
        let outcome = try ChildProcess.run(
            "/usr/bin/env",
            (isOther ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [])
                + [ChildProcess.binary.path] + arguments + store.option)
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.errors.contains(Self.says(trouble)), "\(outcome.errors)")
        #expect(outcome.errors.contains("\(store.folder)/store.db"), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        if let before { #expect(try files(store) == before) }
    }

    /// All but the lock, in which each start begins anew.
    private func files(_ store: ProductionStore) throws -> [String: [UInt8]] {
        try store.files().filter { !$0.key.hasSuffix(".lock") }
    }

    private func expectDone(_ arguments: [String], _ store: ProductionStore) throws {
        if arguments[0] == "serve" {
            let server = try ServerProcess(store.option)
            #expect(server.program.stop(SIGTERM) == 0)
        } else {
            let outcome = try store.run(arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        let file = "\(store.folder)/store.db.keys"
        _ = try FileManager.default.destinationOfSymbolicLink(atPath: file)
    }

    /// The folder of a credential is the service's alone, whatever the modes in it.
    @Test(arguments: [
        (Trouble.missing, Int32?(78)), (.foreign, 78), (.noise, 78), (.readableForAll, nil),
        (.link, nil),
    ])
    func credentialIsTakenAsItIs(trouble: Trouble, status: Int32?) throws {
        let store = try copy()
        let folder = "\(store.folder)/credentials"
        let files = FileManager.default
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try files.moveItem(atPath: "\(store.folder)/store.db.keys", toPath: "\(folder)/keys")
        try cause(trouble, "\(folder)/keys", of: store)
        let environment = [
            "CREDENTIALS_DIRECTORY": folder, "OBIE_TOKENS_KEYS_FILE": "credential:keys",
        ]
        guard let status else {
            let server = try ServerProcess(store.option, environment: environment)
            #expect(server.program.stop(SIGTERM) == 0)
            return
        }
        let outcome = try ChildProcess.run(
            "/usr/bin/env",
            environment.map { "\($0.key)=\($0.value)" } + [ChildProcess.binary.path]
                + Self.commands[0]
                + store.option)
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(!files.fileExists(atPath: "\(store.folder)/store.db.keys"))
    }

    /// A new key would void everything; and nothing is made while another server has the store.
    @Test func lostKeysAreNeverMadeAnew() throws {
        let store = try ProductionStore()
        let file = "\(store.folder)/store.db.keys"
        let server = try ServerProcess(store.option)
        let token = try Bank(server: server).newToken()
        let keys = try Data(contentsOf: URL(filePath: file))
        try FileManager.default.removeItem(atPath: file)
        let second = try store.run(Self.commands[0])
        #expect(second.status == 71 && second.errors.contains("in use by another server"))
        #expect(!FileManager.default.fileExists(atPath: file))
        #expect(server.program.stop(SIGTERM) == 0)
        for command in [Self.commands[0], ["keys", "rotate"]] {
            let outcome = try store.run(command)
            #expect(outcome.status == 78, "\(outcome.errors)")
            #expect(outcome.errors.contains("the key file \(file) is missing"))
            #expect(!FileManager.default.fileExists(atPath: file))
        }
        try keys.write(to: URL(filePath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        let again = try ServerProcess(store.option)
        #expect(try Bank(server: again).isActive(token))
        #expect(again.program.stop(SIGTERM) == 0)
    }

    @Test func newKeysNeverReplaceAFileOrALink() throws {
        let store = try ProductionStore()
        let link = "\(store.folder)/keys"
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: "\(store.folder)/nowhere")
        let created = try ChildProcess.run(ChildProcess.binary.path, ["keys", "create", link])
        #expect(created.status == 73, "\(created.errors)")
        let served = try store.run(Self.commands[0] + ["--keys-file", link])
        #expect(served.status == 78 && served.errors.contains("is missing"), "\(served.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder) == ["keys"])
    }

    /// Nobody could ever be registered there.
    @Test func productionInMemoryIsRefused() throws {
        let outcome = try ChildProcess.run(
            ChildProcess.binary.path,
            ["--mode", "production", "--store", "memory"].reduce(into: Self.commands[0]) {
                $0.append($1)
            })
        #expect(outcome.status == 78, "\(outcome.errors)")
        #expect(outcome.errors.contains("--store sqlite:"), "\(outcome.errors)")
    }
}
