// Which audit log a command reads: the files that it is given, or the one that the settings name.

import System

extension SettingFlags {
    /// - Parameter files: what the command line names.
    /// - Throws: where it names files and settings both, or where the settings name no audit log.
    func auditFiles(_ files: [String]) throws(ProgramFailure) -> [String] {
        guard files.isEmpty else {
            guard isEmpty else {
                throw ProgramFailure(
                    description:
                        "the files of the audit log are named, so leave out --config, --store "
                        + "and --audit-log; or name no file, and the settings say which", status: 64
                )
            }
            return files
        }
        let path = try readForStore().auditLogToRead()
        Program.log("this is the audit log \(path)")
        return [path]
    }
}

extension Settings {
    /// The log of the server with these settings.
    fileprivate func auditLogToRead() throws(ProgramFailure) -> String {
        let setting = SettingsTable.rows.auditLog
        switch self.auditLog {
        case .file(let path): return path
        case .off: throw failure(setting, "no audit log is written; name a file that there is")
        case .byMode:
            guard let path = auditPath(.production) else {
                throw failure(
                    SettingsTable.rows.store,
                    "nothing lies beside this store; name the file of the audit log")
            }
            try checkStoreFolder()
            guard PrivateFile.exists(path) else {
                throw ProgramFailure(
                    description:
                        "there is no audit log \(path), and a sandbox writes none by itself; "
                        + "name the file, the store with --store, or the settings with --config",
                    status: 66)
            }
            return path
        }
    }
}
