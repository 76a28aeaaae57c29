// obie-tokens backup: a copy of a store with all that belongs to it.

import ArgumentParser
import System

struct BackUp: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract:
            "Copies a store, its registry and its keys consistently, even while a server uses them.",
        discussion: """
            Writes DESTINATION, DESTINATION.registry and DESTINATION.keys, for this user only. None of \
            them may exist; all of them are made, or none. They are read again and checked to belong \
            together. `obie-tokens restore DESTINATION` puts them in the place of a store.

            The audit log is not copied: it grows on. Copy its files beside it.

            Exit status: 0; 64 for a wrong option; 66 where there is no store; 71 where a file cannot be \
            read or written, or is damaged; 73 where one of the three is there already; 74 if the audit log \
            takes nothing; 77 where this user may not; 78 where they do not belong together, and for a \
            wrong setting.
            """)

    @OptionGroup var flags: SettingFlags<StoreAndKeysSettings>

    @Argument(help: "Where the copy goes.", completion: .file())
    var destination: String

    func run() throws {
        let settings = try flags.readForStore()
        try settings.checkAuditFolder()
        let administration = try settings.storeAdministration(keeping: .toReadAndWrite)
        let keys = try settings.keysPath()
        if let path = settings.store.path, !PrivateFile.exists(path) {
            throw ProgramFailure(
                description: "there is no store \(path); choose the right one with --store",
                status: 66)
        }
        try settings.checkKeys(try KeyFile.read(keys))
        try administration.backUp(keys: keys, to: destination)
        try settings.record("store copied to \(destination)")
        let path = settings.chosenStore.place
        Program.log("copied \(path) to \(destination), with its registry and its keys")
    }
}
