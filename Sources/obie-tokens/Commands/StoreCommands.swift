// Commands about a store: back it up, and rotate its keys.

import ArgumentParser
import System

struct BackUp: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract:
            "Copies a store, its registry and its keys consistently, even while a server uses them.",
        discussion: """
            Writes DESTINATION, DESTINATION.registry and DESTINATION.keys; none of them may exist. To \
            restore, stop the server, put the three files in the place of the store, its registry and \
            its keys, remove PATH-wal and PATH-shm, and start the server.
            """)

    @OptionGroup var flags: SettingFlags<StoreAndKeysSettings>

    @Argument(help: "Where the copy goes.")
    var destination: String

    func run() throws {
        let settings = try flags.read()
        let administration = try settings.storeAdministration()
        let keys = try settings.keysPath()
        do {
            // The keys second: a rotation in between adds one, and takes none away.
            try administration.backUp(to: destination)
            try PrivateFile.write(
                try PrivateFile.read(keys, bytesMax: .max), to: "\(destination).keys")
        } catch {
            throw ProgramFailure(description: "\(error)")
        }
        try settings.record("store copied to \(destination)")
        let path = settings.store.path ?? "the store"
        Program.log("copied \(path) to \(destination), with its registry and its keys")
    }
}

struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Makes and rotates the keys that seal codes and tokens.",
        subcommands: [Create.self, Rotate.self])

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a file with a new key, for LoadCredential= or --keys-file.",
            discussion: "Only this user may read it. The command never touches an existing file.")

        @Argument(help: "The file. It must not exist yet.")
        var file: String

        func run() throws {
            do throws(ProgramFailure) {
                try KeyFile.create(file)
            } catch {
                throw ProgramFailure(description: error.description, status: 73)
            }
            Program.log("made \(file) with a new key; keep it as safe as the store itself")
        }
    }

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds a new key that seals. The old keys still open what they sealed.",
            discussion: "The server uses it from its next start on.")

        @OptionGroup var flags: SettingFlags<StoreAndKeysSettings>

        func run() throws {
            let settings = try flags.read()
            _ = try settings.storeAdministration()
            let keys = try settings.keysPath()
            try KeyFile.rotate(keys)
            try settings.record("new sealing key")
            Program.log("\(keys) has a new key; restart the server to use it")
        }
    }
}
