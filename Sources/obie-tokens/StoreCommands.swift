// Commands about a store: back it up, rotate its keys.

import ArgumentParser
import Audit
import SQLiteStore
import Tokens
import UV

/// The store that a command is about.
struct StoreOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The store. (default: \(OptionValue.defaultStore))", valueName: "sqlite:path"),
        transform: OptionValue.store)
    var store = StoreChoice.sqlite(path: OptionValue.defaultPath)

    @OptionGroup var audit: AuditLogOption

    /// Writes down what a command has done, where there is an audit log.
    ///
    /// - Parameter mode: nil where the store has no registry yet.
    func record(_ change: String, _ mode: IssuerSettings.Mode?) throws {
        guard let path = audit.path(store, mode ?? .sandbox) else { return }
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
        switch store {
        case .sqlite(let path): return path
        case .memory: throw ValidationError("a store in memory has no file; write sqlite:PATH")
        }
    }
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

    @Argument(help: "Where the copy goes.")
    var destination: String

    func run() throws {
        let path = try store.path()
        do {
            // The keys second: a rotation in between adds one, and takes none away.
            try Backup.make(of: path, to: destination)
            try PrivateFile.write(try PrivateFile.read("\(path).keys"), to: "\(destination).keys")
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
        subcommands: [Rotate.self])

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Puts a new key in front; the old ones still open what they sealed.",
            discussion: "The server uses it from its next start on.")

        @OptionGroup var store: StoreOption

        func run() throws {
            let path = try store.path()
            do {
                try KeyFile.rotate("\(path).keys")
            } catch {
                Program.log("error: \(error)")
                throw ExitCode(71)
            }
            try store.record("new sealing key", try SQLiteRegistry.mode(store: path))
            Program.log("\(path).keys has a new key; restart the server to use it")
        }
    }
}
