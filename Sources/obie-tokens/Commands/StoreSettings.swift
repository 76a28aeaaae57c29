// The store that a command works on: the same settings name it as for the server.

import Audit
import System
import Tokens

enum StoreSettings: SettingSelection {
    static var settings: [any AnySetting] {
        StoreToRead.settings + [SettingsTable.rows.auditLog]
    }
}

/// For commands that write nothing down.
enum StoreToRead: SettingSelection {
    static var settings: [any AnySetting] {
        let rows = SettingsTable.rows
        let store = rows.store.shown(
            form: StoreKinds.formForCommands,
            help: "The server's store: a file, or a PostgreSQL database.")
        return [store, rows.storePasswordFile, rows.storeTimeout]
    }
}

/// For commands that need the keys as well.
enum StoreAndKeysSettings: SettingSelection {
    static var settings: [any AnySetting] { StoreSettings.settings + [SettingsTable.rows.keysFile] }
}

extension Settings {
    /// The store, for a command that root may have given: it acts as the store's owner from here on.
    ///
    /// - Parameter rights: what it needs besides the store.
    /// - Throws: where commands can do nothing with the store.
    func storeAdministration(
        keeping rights: ActingUser.Rights = .toRead
    ) throws(ProgramFailure) -> any StoreAdministration {
        try actAsOwner(keeping: rights)
        return try administrationAsWeAre()
    }

    /// The same for a command that has settled whom it acts as.
    func administrationAsWeAre() throws(ProgramFailure) -> any StoreAdministration {
        try checkStoreFolder()
        do throws(StoreFailure) {
            return try chosenStore.administration.get()
        } catch {
            // The choice itself is wrong for a command, or what it is reached by.
            if case .system = error.kind {
                throw failure(SettingsTable.rows.store, error.description)
            }
            throw ProgramFailure(error)
        }
    }

    /// The file with the keys of the store.
    ///
    /// - Throws: where the keys are a credential, which only the service can read.
    func keysPath() throws(ProgramFailure) -> String {
        switch self.keysFile {
        case .besideTheStore:
            guard let path = self.store.path else {
                throw failure(
                    SettingsTable.rows.keysFile, "nothing lies beside this store; name the file")
            }
            return KeyFile.path(besideStore: path)
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
    /// - Parameters:
    ///   - mode: of the store; nil where it has no registry yet.
    ///   - state: how things are, at the beginning of a sentence about what has failed.
    func record(
        _ change: some ChangeWords, _ mode: IssuerSettings.Mode?, _ state: String = "done, but"
    ) throws(ProgramFailure) {
        try record([change], .registryChanged, version: nil, mode, state)
    }

    /// The same for several lines, at once.
    ///
    /// - Parameter version: the registry's with the change, by which its lines belong together.
    func record(
        _ changes: [some ChangeWords], _ kind: AuditEvent.Kind, version: Int64?,
        _ mode: IssuerSettings.Mode?, _ state: String
    ) throws(ProgramFailure) {
        if let refusal = missingAuditLog(mode ?? .sandbox) {
            throw ProgramFailure(description: "\(state) \(refusal.description)", status: 78)
        }
        guard let path = auditPath(mode ?? .sandbox) else { return }
        let (now, actor) = (timeOfRecord(), Operator.current().description)
        let details = version.map { [(name: "registry_version", value: "\($0)")] } ?? []
        let events = changes.map { change in
            var event = change.line.event(kind, at: now, by: actor)
            event.details = details
            return event
        }
        do throws(AuditFailure) {
            try AuditLog.append(
                events, to: path, ownedLike: self.store.path, report: Program.log)
        } catch {
            throw ProgramFailure(
                description: "\(state) the audit log could not be written: \(error)", status: 74)
        }
    }

    /// The same, for a command that has not opened the store's registry.
    func record(_ change: String) throws(ProgramFailure) {
        let administration = try storeAdministration()
        let mode: IssuerSettings.Mode?
        do throws(StoreFailure) {
            mode = try administration.mode()
        } catch {
            throw ProgramFailure(error)
        }
        try record(change, mode)
    }
}

extension SettingFlags {
    /// The settings for a command on a store: with the files that the server uses, where nothing else is
    /// said.
    func readForStore() throws(ProgramFailure) -> Settings {
        var settings = try read()
        try settings.adoptServerFiles()
        return settings
    }
}
