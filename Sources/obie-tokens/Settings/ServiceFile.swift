// The settings of the service that is installed here: what a command means where nobody names a store.

import System

enum ServiceFile {
    /// Where a package puts it.
    static let path = "/etc/obie-tokens/obie-tokens.conf"

    /// What help says of a command that is given none.
    static func fallback<Selection: SettingSelection>(_ selection: Selection.Type) -> String {
        selection.followsService
            ? "none; \(path) where it is there and no store is named" : "none"
    }

    /// The file, where it is there and nothing else is named: no other file, and no store. Says so.
    ///
    /// - Parameter flags: what the command line says, by the name of the setting.
    static func path<Selection: SettingSelection>(
        for selection: Selection.Type, flags: [String: String], _ environment: [String: String]
    ) -> String? {
        let store = SettingsTable.rows.store
        let isNamed =
            flags[store.name] != nil || environment[store.variable] != nil
            || environment[SettingsReader.pathVariable] != nil
        guard selection.followsService, !isNamed, PrivateFile.exists(path) else { return nil }
        Log.line("obie-tokens: these are the settings of \(path); --config or --store names others")
        return path
    }
}
