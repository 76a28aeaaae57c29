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
        if let path = try path(file, environment) {
            for (name, value, line) in try ConfigurationFile.read(path) {
                try enter(name, (value, .file(path, line: line)))
            }
        }
        for (variable, value) in environment.sorted(by: { $0.key < $1.key }) {
            guard variable.hasPrefix(SettingInfo.prefix), variable != pathVariable,
                !isOfKubernetes(variable, value)
            else { continue }
            guard let setting = Settings.all.first(where: { $0.variable == variable }) else {
                throw unknown(variable)
            }
            try enter(setting.name, (value, .environment(variable)))
        }
        for (name, value) in flags {
            if let value { try enter(name, (value, .flag)) }
        }
        return Configuration(entries: entries)
    }

    static let pathVariable = SettingInfo.prefix + "CONFIG"

    /// An empty name is a script's mistake; without the file this would be a sandbox.
    private static func path(
        _ flag: String?, _ environment: [String: String]
    ) throws(ConfigurationFailure) -> String? {
        guard let path = flag ?? environment[pathVariable] else { return nil }
        guard !path.isEmpty else {
            let subject = flag == nil ? pathVariable : "--config"
            throw ConfigurationFailure(
                description: "\(subject) names no file; write its path, or leave it out",
                status: flag == nil ? 78 : 64)
        }
        return path
    }

    private static func unknown(_ variable: String) -> ConfigurationFailure {
        let hint = Nearest.settingHint(
            String(variable.dropFirst(SettingInfo.prefix.count)),
            (Settings.all.map(\.variable) + [pathVariable]).map {
                String($0.dropFirst(SettingInfo.prefix.count))
            }, prefix: SettingInfo.prefix)
        return ConfigurationFailure(
            description: "there is no setting \(variable)\(hint); correct the name, or unset the "
                + "variable", status: 78)
    }

    /// Kubernetes and links of containers tell of services whose names begin with obie-tokens in such
    /// variables: `…_SERVICE_HOST=10.0.0.1`, `…_PORT=tcp://10.0.0.1:8080`, `…_PORT_8080_TCP_ADDR`.
    private static func isOfKubernetes(_ variable: String, _ value: String) -> Bool {
        variable.hasSuffix("_SERVICE_HOST") || variable.contains("_SERVICE_PORT")
            || variable.hasSuffix("_PORT") && value.contains("://")
            || variable.contains("_PORT_")
                && ["_TCP", "_UDP", "_SCTP"].contains { variable.contains($0) }
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
            throw failure(setting, entry.origin, (error as? ValidationError)?.message ?? "\(error)")
        }
    }

    private static func failure(
        _ setting: SettingInfo, _ origin: Origin, _ reason: String
    ) -> ConfigurationFailure {
        ConfigurationFailure(
            description: "\(origin.subject(setting.name)): \(reason)",
            status: origin == .flag ? 64 : 78)
    }

    /// A complaint about a value that is one, but cannot be used; it says where the value stands.
    func failure(_ setting: SettingInfo, _ reason: String) -> ConfigurationFailure {
        Configuration.failure(setting, entries[setting.name]?.origin ?? .fallback, reason)
    }
}

/// The name that was probably meant.
enum Nearest {
    /// The same for a setting; where nothing is near it says where all of them are.
    static func settingHint(_ name: String, _ known: [String], prefix: String = "") -> String {
        let hint = hint(name, known, prefix: prefix)
        return hint.isEmpty ? " (`obie-tokens config sample` has all)" : hint
    }

    /// In words, to stand behind the unknown name; empty where nothing is near.
    ///
    /// - Parameter prefix: what both had in front, which says nothing about how near they are.
    static func hint(_ name: String, _ known: [String], prefix: String = "") -> String {
        let distances = known.map {
            (name: $0, distance: distance(name.lowercased(), $0.lowercased()))
        }
        guard let best = distances.min(by: { $0.distance < $1.distance }),
            best.distance <= max(2, name.count / 3)
        else { return "" }
        return " (did you mean \(prefix)\(best.name)?)"
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
