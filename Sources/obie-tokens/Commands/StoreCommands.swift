// obie-tokens backup: a copy of a store with all that belongs to it.

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
        try settings.checkKeys(try KeyFile.read(keys))
        do {
            // The keys second: a rotation in between adds one, and takes none away that is needed.
            try administration.backUp(to: destination)
            let copied = try KeyFile.read(keys).fileContent
            try PrivateFile.make(copied, at: KeyFile.path(besideStore: destination))
        } catch let failure as ProgramFailure {
            throw failure
        } catch {
            throw ProgramFailure(description: "\(error)")
        }
        try settings.record("store copied to \(destination)")
        let path = settings.store.path ?? "the store"
        Program.log("copied \(path) to \(destination), with its registry and its keys")
    }
}
