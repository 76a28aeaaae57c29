// Commands that put another store in the place of one: a backup, or an empty one.

import ArgumentParser
import System

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Puts a backup in the place of the store, its registry and its keys.",
        discussion: """
            BACKUP is what `obie-tokens backup` has made: BACKUP, BACKUP.registry and BACKUP.keys. They \
            are read, checked and copied; they stay. No server may be using the store. What was there \
            is moved aside, to PATH.before-TIME, and the command says where.

            Nobody knows which tokens were revoked since the backup, and which codes were exchanged. So \
            everything that had been issued is void afterwards, and banks start new consents.

            The registry that is there stays if it is the store's own and not older than the backup: \
            it knows what was disabled and which secrets were replaced since.

            Exit status: 0; 64 for a wrong option; 66 where the backup, or the store's folder, is not \
            there; 71 for a server that is running, and where a file cannot be read or written; 74 if the \
            audit log takes nothing; 77 where this user may not; 78 where the files of the backup do not \
            belong together, and for a wrong setting.
            """)

    @OptionGroup var flags: SettingFlags<StoreAndKeysSettings>
    @Flag(
        help: """
            Keep the access tokens of the backup, also those that were revoked since. Only where \
            nothing has changed since. Codes and CCG tokens are void all the same.
            """)
    var keepIssued = false
    @Flag(
        help: """
            Take the registry of the backup, too, though there is a newer one. What was disabled or \
            replaced since is as it was.
            """)
    var oldRegistry = false
    @Argument(help: "The store of the backup.", completion: .file())
    var backup: String

    func run() throws {
        let settings = try flags.readForStore()
        try settings.checkAuditFolder()
        let administration = try settings.storeAdministration(keeping: .toReadAndWrite)
        let lines = try administration.restore(
            from: backup, keys: try settings.keysPath(), keepsTokens: keepIssued,
            takesRegistry: oldRegistry)
        for line in lines { Program.log(line) }
        let choices =
            (keepIssued ? ", with the tokens issued until then" : "")
            + (oldRegistry ? ", with its older registry" : "")
        try settings.record("store restored from \(backup)\(choices)")
    }
}

struct Reset: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Begins with an empty store beside the registry that is there.",
        discussion: """
            For a store, or keys, that are lost without a backup. Institutions, providers and secrets \
            stay. Everything that was issued is void. No server may be using the store. The old store \
            and its keys are moved aside, to PATH.before-TIME; the server's next start makes new keys, \
            unless keys-file names some.

            Exit status: 0; 64 for a wrong option, and where the answer is no; 66 where there is no \
            registry; 71 for a server that is running, and where a file cannot be read or written; 74 if \
            the audit log takes nothing; 77 where this user may not; 78 for a wrong setting.
            """)

    @OptionGroup var confirmation: ConfirmationOption
    @OptionGroup var flags: SettingFlags<StoreSettings>

    func run() throws {
        let settings = try flags.readForStore()
        try settings.checkAuditFolder()
        let administration = try settings.storeAdministration()
        try confirmation.confirm("Void everything that was issued, and begin with an empty store?")
        for line in try administration.reset() { Program.log(line) }
        try settings.record("store replaced by an empty one")
    }
}
