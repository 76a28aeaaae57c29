// Folders that are not there, told before anything is made or changed: a start, or a command, that fails
// leaves no stray file behind.

import System

extension Settings {
    /// For a server: the folders of its store, its keys and its audit log are there.
    ///
    /// - Throws: 71: the disk that has it may come later, and then another start succeeds.
    func checkFolders() throws(ProgramFailure) {
        let rows = SettingsTable.rows
        if let path = self.store.path { try check(path, rows.store, "store", 71) }
        // A store in memory has none.
        if self.store.path != nil || self.store.isShared, case .file(let path) = self.keysFile {
            try check(path, rows.keysFile, "key file", 71)
        }
        if case .file(let path) = self.auditLog { try check(path, rows.auditLog, "audit log", 71) }
    }

    /// For a command: the folder of the store is there.
    ///
    /// - Parameter makes: the command would make a file in it.
    func checkStoreFolder(makes: Bool = false) throws(ProgramFailure) {
        guard let path = self.store.path else { return }
        try check(path, SettingsTable.rows.store, "store", makes ? 71 : 66)
    }

    /// For a command that has to write down what it does. What lies beside the store has its folder.
    func checkAuditFolder() throws(ProgramFailure) {
        guard case .file(let path) = self.auditLog else { return }
        try check(path, SettingsTable.rows.auditLog, "audit log", 74, "nothing was changed, since ")
    }

    /// - Parameter state: how things are, at the beginning of the sentence.
    private func check(
        _ path: String, _ setting: any AnySetting, _ file: String, _ status: Int32,
        _ state: String = ""
    ) throws(ProgramFailure) {
        guard let missing = PrivateFile.missingFolder(of: path) else { return }
        throw ProgramFailure(
            description: "\(state)\(missing) for the \(file) \(path); make it, or correct "
                + place(of: setting), status: status)
    }
}
