// The settings as flags of the command line, made from the table.

import ArgumentParser
import System

/// Which settings a command takes as flags. All of them can stand in the file and the environment.
protocol SettingSelection {
    static var settings: [any AnySetting] { get }
    /// Without another word the settings of the service count, where it is installed: for commands that
    /// are about a running server.
    static var followsService: Bool { get }
}

extension SettingSelection {
    static var followsService: Bool { true }
}

enum EverySetting: SettingSelection {
    static var settings: [any AnySetting] { SettingsTable.all }
    static var followsService: Bool { false }
}

/// For those who ask what a server has.
enum EverySettingOfService: SettingSelection {
    static var settings: [any AnySetting] { SettingsTable.all }
}

enum NoSetting: SettingSelection {
    static var settings: [any AnySetting] { [] }
}

/// `--config`, and a flag for each of some settings.
///
/// ArgumentParser finds the flags of a type in its mirror: usually one for each property. Here the
/// mirror lists one for each row of the table, and `init(from:)` asks for the same names.
struct SettingFlags<Selection: SettingSelection>: ParsableArguments, CustomReflectable {
    /// What the command line says, by the name of the setting.
    private var texts: [String: String] = [:]
    private var config: String?

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        config = try container.decode(Option<String?>.self, forKey: .config).wrappedValue
        for setting in Selection.settings {
            texts[setting.name] = try container.decode(
                Option<String?>.self, forKey: Key(stringValue: setting.name)
            ).wrappedValue
        }
    }

    var customMirror: Mirror {
        let flags = Selection.settings.map { (label: $0.name, value: SettingFlags.flag($0)) }
        let config = Option<String?>(
            help: ArgumentHelp(
                "A file with settings, one on a line: name = value. (default: \(ServiceFile.fallback(Selection.self)))",
                valueName: "file"), completion: .file())
        return Mirror(self, children: [(label: Key.config.stringValue, value: config)] + flags)
    }

    private static func flag(_ setting: any AnySetting) -> Any {
        let name = NameSpecification.customLong(setting.name)
        guard setting.isSwitch else {
            return Option<String?>(
                name: name,
                help: ArgumentHelp(
                    "\(setting.help) (default: \(setting.fallback))", valueName: setting.form),
                completion: completion(setting.form))
        }
        return Option<String?>(
            wrappedValue: nil, name: name, defaultAsFlag: "yes", parsing: .next,
            help: ArgumentHelp(
                "\(setting.help) (--no-\(setting.name) says no; default: \(setting.fallback))",
                valueName: setting.form))
    }

    /// What a shell offers behind the flag: the words of the form that stand for themselves, or files.
    private static func completion(_ form: String) -> CompletionKind {
        let words = form.split(separator: "|").map(String.init)
        if words.contains("file") { return .file() }
        let kinds = ["seconds", "n", "name", "url", "network,…"]
        let values = words.filter { !kinds.contains($0) && !$0.contains(":") }
        return values.isEmpty ? .default : .list(values)
    }

    /// Nothing is said on the command line.
    var isEmpty: Bool { texts.isEmpty && config == nil }

    /// The settings that are in force for this command. Reads the file each time.
    ///
    /// - Parameter store: what the command itself says of the store; nil: nothing.
    func read(store: String? = nil) throws(ProgramFailure) -> Settings {
        let environment = Environment.all
        var texts = texts
        if let store { texts[SettingsTable.rows.store.name] = store }
        let file = config ?? ServiceFile.path(for: Selection.self, flags: texts, environment)
        return try SettingsReader.read(flags: texts, file: file, environment: environment)
    }

    /// The words of a command line as the parser takes them for switches: `--throttle=no` for
    /// `--no-throttle`, so that the last of all ways to say it counts; and an empty value as a word of its
    /// own, since the parser would take `--throttle=` for yes, and so the unset variable of a script.
    static func wordsForParser(_ words: [String]) -> [String] {
        let end = words.firstIndex(of: "--") ?? words.endIndex
        let names = SettingsTable.all.filter(\.isSwitch).map(\.name)
        return words[..<end].flatMap { word in
            if let name = names.first(where: { word == "--no-\($0)" }) { return ["--\(name)=no"] }
            if let name = names.first(where: { word == "--\($0)=" }) { return ["--\(name)", ""] }
            return [word]
        } + words[end...]
    }

    private struct Key: CodingKey {
        static var config: Key { Key(stringValue: "config") }

        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
