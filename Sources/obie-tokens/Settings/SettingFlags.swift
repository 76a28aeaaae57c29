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
            let key = Key(stringValue: setting.name)
            if setting.isSwitch {
                let flag = try container.decode(Flag<Bool?>.self, forKey: key)
                texts[setting.name] = flag.wrappedValue.map { $0 ? "yes" : "no" }
            } else {
                texts[setting.name] = try container.decode(
                    Option<String?>.self, forKey: key
                ).wrappedValue
            }
        }
    }

    var customMirror: Mirror {
        let flags = Selection.settings.map { (label: $0.name, value: SettingFlags.flag($0)) }
        let config = Option<String?>(
            help: ArgumentHelp(
                "A file with settings, one on a line: name = value. (default: none)",
                valueName: "file"))
        return Mirror(self, children: [(label: Key.config.stringValue, value: config)] + flags)
    }

    private static func flag(_ setting: any AnySetting) -> Any {
        let name = NameSpecification.customLong(setting.name)
        guard setting.isSwitch else {
            return Option<String?>(
                name: name,
                help: ArgumentHelp(
                    "\(setting.help) (default: \(setting.fallback))", valueName: setting.form))
        }
        let fallback = setting.fallback == "yes" ? setting.name : "no-\(setting.name)"
        return Flag<Bool?>(
            name: name, inversion: .prefixedNo,
            help: ArgumentHelp("\(setting.help) (default: --\(fallback))"))
    }

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

    private struct Key: CodingKey {
        static var config: Key { Key(stringValue: "config") }

        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
