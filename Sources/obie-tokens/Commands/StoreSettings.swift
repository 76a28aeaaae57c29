// The store that a command works on: the same settings name it as for the server.

import Audit
import SQLiteStore
import System
import Tokens

enum StoreSettings: SettingSelection {
    static var settings: [any AnySetting] {
        [SettingsTable.rows.store, SettingsTable.rows.auditLog]
    }
}

/// For commands that need the keys as well.
enum StoreAndKeysSettings: SettingSelection {
    static var settings: [any AnySetting] { StoreSettings.settings + [SettingsTable.rows.keysFile] }
}

extension Settings {
    /// - Throws: where the store is not on disk.
    func storePath() throws(ProgramFailure) -> String {
        switch self.store {
        case .sqlite(let path): return path
        case .memory:
            throw failure(
                SettingsTable.rows.store,
                "a store in memory has nothing for a command; write --store sqlite:PATH")
        }
    }

    /// The file with the keys of the store.
    ///
    /// - Throws: where the keys are a credential, which only the service can read.
    func keysPath() throws(ProgramFailure) -> String {
        switch self.keysFile {
        case .besideTheStore: return KeyFile.path(besideStore: try storePath())
        case .file(let file): return file
        case .credential(let name):
            throw failure(
                SettingsTable.rows.keysFile,
                "only the service can read the credential \(name); give its file, which "
                    + "LoadCredential= names, with --keys-file")
        }
    }

    /// Writes what a command has done into the audit log, if there is one.
    ///
    /// - Parameter mode: of the store; nil where it has no registry yet.
    func record(_ change: String, _ mode: IssuerSettings.Mode?) throws(ProgramFailure) {
        guard let path = auditPath(mode ?? .sandbox) else { return }
        var event = AuditEvent(.registryChanged, at: Clock.wallMilliseconds())
        event.change = change
        do throws(AuditFailure) {
            try AuditLog.append(event, to: path, report: Program.log)
        } catch {
            throw ProgramFailure(
                description: "done, but the audit log could not be written: \(error)", status: 74)
        }
    }
    /// The same, for a command that has not opened the store's registry.
    func record(_ change: String) throws(ProgramFailure) {
        let path = try storePath()
        let mode: IssuerSettings.Mode?
        do throws(SQLiteStoreFailure) {
            mode = try SQLiteRegistry.mode(store: path)
        } catch {
            throw ProgramFailure(description: error.description)
        }
        try record(change, mode)
    }
}
