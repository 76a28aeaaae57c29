// The files beside a store that its server has set. Commands on the same store use the same ones.

import System

extension Settings {
    static var besideTheStore: [any AnySetting] {
        [SettingsTable.rows.auditLog, SettingsTable.rows.keysFile]
    }

    /// For commands that run anywhere: what was set, by the name of the setting, with whole paths.
    var filesBesideTheStore: [String: String] {
        var files: [String: String] = [:]
        for setting in Settings.besideTheStore {
            let (text, origin) = written(setting)
            // What there is none of is no reason for a command to keep quiet.
            if origin != .fallback, text != "none" {
                files[setting.name] = Settings.whole(text)
            }
        }
        return files
    }

    /// A path from the root on; a word that is no path stays.
    private static func whole(_ text: String) -> String {
        let isRelative = !text.hasPrefix("credential:") && !text.hasPrefix("/")
        return isRelative ? "\(Environment.workingFolder)/\(text)" : text
    }
}
