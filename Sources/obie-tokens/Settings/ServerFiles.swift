// The files beside a store that its server has set. Commands on the same store use the same ones.

import System

extension Settings {
    static var besideTheStore: [any AnySetting] {
        [SettingsTable.rows.auditLog, SettingsTable.rows.keysFile]
    }

    /// What stands for a setting that a server has not set. No path is called so: those begin at the root.
    private static let unset = "default"
    /// Words that are no paths. Each is a note of its own, which lists the settings: a command of an older
    /// version would take the word for a path.
    private static let words = [unset, "none"]

    /// For commands that run anywhere: what was set, by the name of the setting, with whole paths. A
    /// default is not noted as a path: a store that is copied elsewhere has its own files beside it.
    var filesBesideTheStore: [String: String] {
        var files: [String: String] = [:]
        for setting in Settings.besideTheStore {
            let noted = noted(setting)
            if Settings.words.contains(noted) {
                files[noted] = (files[noted].map { "\($0) " } ?? "") + setting.name
            } else {
                files[setting.name] = noted
            }
        }
        return files
    }

    /// What a server has noted of a setting; nil: nothing.
    private static func noted(_ setting: any AnySetting, in files: [String: String]) -> String? {
        let word = words.first {
            files[$0]?.split(separator: " ").contains(setting.name[...]) == true
        }
        return word ?? files[setting.name]
    }

    private func noted(_ setting: any AnySetting) -> String {
        let (text, origin) = written(setting)
        return origin == .fallback ? Settings.unset : Settings.whole(text)
    }

    /// A path from the root on; a word that is no path stays.
    private static func whole(_ text: String) -> String {
        let isRelative = text != "none" && !text.hasPrefix("credential:") && !text.hasPrefix("/")
        return isRelative ? "\(Environment.workingFolder)/\(text)" : text
    }

    /// Takes the files that the store's server uses, where nothing else is said; and those that a running
    /// one uses, where only the file of settings says something else. Says so; and says where a flag or a
    /// variable names another file than a running server.
    mutating func adoptServerFiles() throws(ProgramFailure) {
        guard case .success(let administration) = self.store.administration else { return }
        let (files, isRunning) = administration.serverFiles
        for setting in Settings.besideTheStore {
            guard let theirs = Settings.noted(setting, in: files), theirs != noted(setting) else {
                continue
            }
            // Only the service can read it: whoever names its file for a command is right.
            if theirs.hasPrefix("credential:"), written(setting).origin != .fallback { continue }
            try adopt(setting, theirs, isRunning: isRunning)
        }
    }

    private mutating func adopt(
        _ setting: any AnySetting, _ theirs: String, isRunning: Bool
    ) throws(ProgramFailure) {
        let (ours, origin) = written(setting)
        switch origin {
        case .fallback where theirs != "none":
            try set(setting, to: theirs, from: .server)
            Settings.say("\(setting.name) is \(theirs), as the store's server has it")
        case .file where isRunning && theirs != "none":
            if theirs == Settings.unset {
                unset(setting)
            } else {
                try set(setting, to: theirs, from: .server)
            }
            Settings.say(
                "\(setting.name) is \(described(theirs)), as the running server has it, and not \(ours) "
                    + "(\(origin)): restart the server, or correct the file")
        case .flag where isRunning, .environment where isRunning, .file where isRunning:
            Settings.say(
                "\(setting.name) is \(ours) (\(origin)), and the store's running server has "
                    + described(theirs))
        // What there is none of is no reason for a command to keep quiet.
        case .fallback, .server, .flag, .environment, .file: break
        }
    }

    private static func say(_ line: String) { Log.line("obie-tokens: \(line)") }

    private func described(_ noted: String) -> String {
        noted == Settings.unset ? "its default" : noted
    }
}
