// obie-tokens store …: what is done about a store itself.

import ArgumentParser
import Tokens

struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Prepares a store in a database, and copies one.",
        subcommands: [MigrateStore.self, CopyStore.self])
}

struct MigrateStore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Makes the tables in a database, or brings them up to this version.",
        discussion: """
            Give the store with the role that owns the database: servers have no right to change tables. \
            All is done in one transaction, or nothing; whoever does the same meanwhile waits. Tables \
            are only added to, so servers of the version before go on serving: migrate first, then \
            replace one server after the other.

            Exit status: 0; 64 for a wrong option; 71 where the database cannot be reached; 77 where the \
            role may not make tables; 78 for tables that are not ours or newer.
            """)

    @OptionGroup var flags: SettingFlags<MigrationSettings>
    @Option(
        help: ArgumentHelp(
            "The role that servers and commands use: it may read and write all tables, and not change "
                + "them. (default: nobody new)", valueName: "name"))
    var servingRole: String?

    func run() throws {
        let settings = try flags.read()
        let store = settings.chosenStore
        guard let migrating = store as? any MigratingStore else {
            throw settings.failure(
                SettingsTable.rows.store,
                "this store has no tables to prepare: its server does it; write --store postgres://…"
            )
        }
        do throws(StoreFailure) {
            for line in try migrating.migrate(servingRole: servingRole) { Program.log(line) }
        } catch {
            throw ProgramFailure(error)
        }
    }
}

enum MigrationSettings: SettingSelection {
    static var settings: [any AnySetting] {
        let store = SettingsTable.rows.store.shown(
            form: "postgres://user@host:port,…/database", help: "The PostgreSQL database.")
        return [store, SettingsTable.rows.storePasswordFile]
    }
}
