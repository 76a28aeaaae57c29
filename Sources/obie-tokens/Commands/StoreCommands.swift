// Commands about a store: back it up, rotate its keys.

import ArgumentParser
import Audit
import SQLiteStore
import System
import Tokens

/// The store that a command is about: the one that the server has, by the same settings.
struct StoreOption: ParsableArguments {
    @OptionGroup var file: ConfigOption

    @Option(help: Settings.store.info.flagHelp)
    var store: String?

    @Option(help: Settings.auditLog.info.flagHelp)
    var auditLog: String?

    private func load(keysFile: String? = nil) throws -> Configuration {
        let given = [
            Settings.store.info.name: store, Settings.auditLog.info.name: auditLog,
            Settings.keysFile.info.name: keysFile,
        ]
        do throws(ConfigurationFailure) {
            return try Configuration.load(
                flags: given, file: file.config, environment: Environment.all)
        } catch {
            throw error.reported
        }
    }

    /// The file with the keys of the store.
    ///
    /// - Throws: where they are a credential, which only the service sees.
    func keys(_ option: KeysFileOption) throws -> String {
        let settings = try load(keysFile: option.keysFile)
        switch try settings.given(Settings.keysFile) ?? .besideTheStore {
        case .besideTheStore: return KeyFile.path(besideStore: try path())
        case .file(let file): return file
        case .credential(let name):
            throw settings.failure(
                Settings.keysFile.info,
                "only the service sees the credential \(name); name the file that LoadCredential= "
                    + "has for it, with --keys-file"
            ).reported
        }
    }

    /// Writes down what a command has done, where there is an audit log.
    ///
    /// - Parameter mode: nil where the store has no registry yet.
    func record(_ change: String, _ mode: IssuerSettings.Mode?) throws {
        let settings = try load()
        let choice = try settings.given(Settings.auditLog)
        guard let path = choice.path(try settings.value(Settings.store), mode ?? .sandbox)
        else { return }
        var event = AuditEvent(.registryChanged, at: Clock.wallMilliseconds())
        event.change = change
        do throws(AuditFailure) {
            try AuditLog.append(event, to: path, report: Program.log)
        } catch {
            Program.log("error: done, but the audit log could not be written: \(error)")
            throw ExitCode(74)
        }
    }

    /// - Throws: where the store is none on disk.
    func path() throws -> String {
        let settings = try load()
        switch try settings.value(Settings.store) {
        case .sqlite(let path): return path
        case .memory:
            throw settings.failure(
                Settings.store.info,
                "a store in memory has nothing for a command; write --store sqlite:PATH"
            ).reported
        }
    }
}

/// Where the keys are, for commands that need them.
struct KeysFileOption: ParsableArguments {
    @Option(help: Settings.keysFile.info.flagHelp)
    var keysFile: String?
}

struct BackUp: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies a store and its keys, consistently, while a server may be using it.",
        discussion: """
            Writes DESTINATION and DESTINATION.keys; neither may exist. To restore, stop the server, \
            put both in the place of the store and its keys, remove PATH-wal and PATH-shm, start.
            """)

    @OptionGroup var store: StoreOption
    @OptionGroup var keysFile: KeysFileOption

    @Argument(help: "Where the copy goes.")
    var destination: String

    func run() throws {
        let path = try store.path()
        let keys = try store.keys(keysFile)
        do {
            // The keys second: a rotation in between adds one, and takes none away.
            try Backup.make(of: path, to: destination)
            try PrivateFile.write(try PrivateFile.read(keys), to: "\(destination).keys")
        } catch {
            Program.log("error: \(error)")
            throw ExitCode(71)
        }
        try store.record(
            "store copied to \(destination)", try SQLiteRegistry.mode(store: path))
        Program.log("copied \(path) to \(destination), and its keys to \(destination).keys")
    }
}

struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "The keys that seal codes and tokens.",
        subcommands: [Create.self, Rotate.self])

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a file with a new key, for LoadCredential= or --keys-file.",
            discussion: "Only this user may read it. A file that is there is never touched.")

        @Argument(help: "The file; must not be there.")
        var file: String

        func run() throws {
            do {
                try KeyFile.create(file)
            } catch {
                Program.log("error: \(error)")
                throw ExitCode(73)
            }
            Program.log("made \(file) with a new key; keep it as safe as the store itself")
        }
    }

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Puts a new key in front; the old ones still open what they sealed.",
            discussion: "The server uses it from its next start on.")

        @OptionGroup var store: StoreOption
        @OptionGroup var keysFile: KeysFileOption

        func run() throws {
            let path = try store.path()
            let keys = try store.keys(keysFile)
            do throws(ProgramFailure) {
                try KeyFile.rotate(keys)
            } catch {
                Program.log("error: \(error)")
                throw ExitCode(error.status)
            }
            try store.record("new sealing key", try SQLiteRegistry.mode(store: path))
            Program.log("\(keys) has a new key; restart the server to use it")
        }
    }
}
