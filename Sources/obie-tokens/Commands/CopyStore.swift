// obie-tokens store copy: from one machine's file into a database that several servers share, and back.

import ArgumentParser
import Tokens

struct CopyStore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copies a store with everything that is alive in it into one of the other kind.",
        discussion: """
            From a file into a database, when a bank outgrows one machine, or back. Takes along codes, \
            used ones too, access tokens, CCG tokens, revoked consents, the whole registry with its \
            secrets and its numbers, and which keys have sealed when. Codes and tokens stay as good, or \
            as void, as they are.

            No server may use either store meanwhile. The new one must be empty: a file that is not \
            there yet, or a database in which `obie-tokens store migrate` has made the tables. Nothing is \
            overwritten, and the store that is copied stays as it is. All of it is there afterwards, or \
            nothing: at the end both stores are read and compared row by row, before the copy counts. \
            A line on standard error says once a second how far it is.

            The figures of `obie-tokens report` stay where they are: export them first.

            The keys are not copied: the same key file goes to each server of the new store. The command \
            makes sure that it opens what is alive, and names it. Without --keys-file it is PATH.keys \
            beside the store in the file. The audit log gets a line, at PATH.audit where nothing else is \
            said and the store is for production.

            Start servers on the new store only. What one store spends or revokes after the copy the \
            other would not know.

            Exit status: 0; 64 for a wrong option; 66 where there is nothing to copy; 71 where a server \
            is running, or a store cannot be read or written; 73 where the new store is not empty; 74 \
            where the copy is done and the audit log could not be written; 75 where the database was \
            lost at the very end, and nobody knows; 77 where this user, or this role, may not; 78 for \
            keys, modes or versions that do not fit.
            """)

    @Option(
        help: ArgumentHelp(
            "The store that is copied: sqlite:path or postgres://user@host:port,…/database.",
            valueName: "store"))
    var from: String
    @Option(
        help: ArgumentHelp(
            "The store that is made: the same, of the other kind.", valueName: "store"))
    var to: String
    @OptionGroup var flags: SettingFlags<CopySettings>
    @OptionGroup var output: OutputOption

    func run() throws {
        let copying = try Copying(from: from, to: to, flags)
        let outcome = try copying.perform()
        let change =
            copying.isIntoDatabase
            ? "store copied to \(copying.target.place)"
            : "store copied from \(copying.source.place)"
        if let warning = outcome.warning { Program.log("warning: \(warning)") }
        try copying.settings.record(change, outcome.head.mode)
        if output.json { try output.print(copying.record(of: outcome)) }
        for line in copying.lines(about: outcome) { Program.log(line) }
    }
}

enum CopySettings: SettingSelection {
    static var settings: [any AnySetting] {
        let rows = SettingsTable.rows
        return [rows.storePasswordFile, rows.keysFile, rows.auditLog]
    }
    /// Both stores are named.
    static var followsService: Bool { false }
}
