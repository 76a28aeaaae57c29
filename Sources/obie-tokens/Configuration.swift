// Where each value comes from: flag, else environment, else file, else default.

import ArgumentParser
import UV

/// Why the configuration cannot be used: one sentence that says what to do.
struct ConfigurationFailure: Error, CustomStringConvertible {
    let description: String
    /// By sysexits(3): 64 for a flag, 66 for a file that cannot be read, 78 for what is in it.
    let status: Int32

    /// As the command line reports it.
    var reported: any Error {
        if status == 64 { return ValidationError(description) }
        Program.log("error: \(description)")
        return ExitCode(status)
    }
}

/// Values as they were written, each with where.
struct Configuration: Sendable {
    enum Origin: Equatable, Sendable, CustomStringConvertible {
        case flag
        case environment(String)
        case file(String, line: Int)
        case fallback

        var description: String {
            switch self {
            case .flag: "flag"
            case .environment(let name): "environment \(name)"
            case .file(let path, let line): "\(path):\(line)"
            case .fallback: "default"
            }
        }

        /// In front of a complaint about the value of the setting.
        fileprivate func subject(_ name: String) -> String {
            switch self {
            case .flag: "--\(name)"
            case .environment(let variable): variable
            case .file(let path, let line): "\(name) in \(path), line \(line)"
            case .fallback: name
            }
        }
    }

    typealias Entry = (value: String, origin: Origin)

    private let entries: [String: Entry]

    /// - Parameters:
    ///   - flags: what the command line says, by name.
    ///   - file: what `--config` says; nil: what the environment says, or no file.
    static func load(
        flags: [String: String?], file: String?, environment: [String: String]
    ) throws(ConfigurationFailure) -> Configuration {
        var entries: [String: Entry] = [:]
        // Checked one by one: a mistake is told even where something else counts instead.
        func enter(_ name: String, _ entry: Entry) throws(ConfigurationFailure) {
            entries[name] = entry
            guard let setting = Settings.named(name) else { return }
            try explaining(setting, entry) { try setting.check($0) }
        }
        let path = file ?? environment[pathVariable]
        if let path, !path.isEmpty {
            for (name, value, line) in try ConfigurationFile.read(path) {
                try enter(name, (value, .file(path, line: line)))
            }
        }
        for (variable, value) in environment.sorted(by: { $0.key < $1.key }) {
            guard variable.hasPrefix(SettingInfo.prefix), variable != pathVariable,
                !isOfKubernetes(variable)
            else { continue }
            guard let setting = Settings.all.first(where: { $0.variable == variable }) else {
                let known = Settings.all.map(\.variable) + [pathVariable]
                throw ConfigurationFailure(
                    description: "there is no setting \(variable)\(Nearest.hint(variable, known)); "
                        + "correct the name, or unset the variable",
                    status: 78)
            }
            try enter(setting.name, (value, .environment(variable)))
        }
        for (name, value) in flags {
            if let value { try enter(name, (value, .flag)) }
        }
        return Configuration(entries: entries)
    }

    static let pathVariable = SettingInfo.prefix + "CONFIG"

    /// Kubernetes tells every container of a service by the name of obie-tokens in such variables.
    private static func isOfKubernetes(_ variable: String) -> Bool {
        variable.contains("_SERVICE_HOST") || variable.contains("_SERVICE_PORT")
            || variable.hasSuffix("_PORT") || variable.contains("_PORT_")
    }

    /// This one, with some settings of another.
    func taking(_ other: Configuration, _ isTaken: (SettingInfo) -> Bool) -> Configuration {
        var merged = entries
        for setting in Settings.all where isTaken(setting) {
            merged[setting.name] = other.entries[setting.name]
        }
        return Configuration(entries: merged)
    }

    /// As it was written; nil: nobody said anything.
    func entry(_ setting: SettingInfo) -> Entry? { entries[setting.name] }

    /// nil where nobody said anything.
    func given<Value>(_ setting: Setting<Value>) throws(ConfigurationFailure) -> Value? {
        guard let entry = entries[setting.info.name] else { return nil }
        return try Configuration.explaining(setting.info, entry, setting.parse)
    }

    /// The default where nobody said anything; it must be a value.
    func value<Value>(_ setting: Setting<Value>) throws(ConfigurationFailure) -> Value {
        if let given = try given(setting) { return given }
        return try Configuration.explaining(
            setting.info, (setting.info.fallback, .fallback), setting.parse)
    }

    private static func explaining<Value>(
        _ setting: SettingInfo, _ entry: Entry, _ parse: (String) throws -> Value
    ) throws(ConfigurationFailure) -> Value {
        do {
            return try parse(entry.value)
        } catch {
            let reason = (error as? ValidationError)?.message ?? "\(error)"
            throw ConfigurationFailure(
                description: "\(entry.origin.subject(setting.name)): \(reason)",
                status: entry.origin == .flag ? 64 : 78)
        }
    }
}

/// The name that was probably meant.
enum Nearest {
    /// In words, to stand behind the unknown name; empty where nothing is near.
    static func hint(_ name: String, _ known: [String]) -> String {
        let distances = known.map {
            (name: $0, distance: distance(name.lowercased(), $0.lowercased()))
        }
        guard let best = distances.min(by: { $0.distance < $1.distance }),
            best.distance <= max(2, name.count / 3)
        else { return "" }
        return " (did you mean \(best.name)?)"
    }

    /// Insertions, deletions and replacements of characters (Levenshtein).
    static func distance(_ one: String, _ other: String) -> Int {
        let other = Array(other)
        var row = Array(0...other.count)
        for (index, character) in one.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for at in other.indices {
                let replaced = diagonal + (other[at] == character ? 0 : 1)
                diagonal = row[at + 1]
                row[at + 1] = min(replaced, diagonal + 1, row[at] + 1)
            }
        }
        return row[other.count]
    }
}
