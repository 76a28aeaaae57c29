// obie-tokens config: what is in force and why, and what else can be set.

import ArgumentParser
import Server
import System

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Shows what is set and where, and what can be set.",
        subcommands: [Show.self, Sample.self, Table.self])

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the value of every setting and where it comes from.",
            discussion: """
                Reads the flags, the environment and the file as `serve` does; where a service is installed \
                here, and neither a file nor a store is named, its file. No setting is a \
                secret: keys are in files, and only the names of the files are shown. A default that \
                depends on the machine, such as that of loops and max-connections, is what a server \
                would have that is started here, with the limits of this shell.

                Exit status: 0; 64 for a wrong flag; 66 if the file cannot be read; 78 for a wrong \
                setting in the file or the environment.
                """)

        @OptionGroup var flags: SettingFlags<EverySettingOfService>
        @OptionGroup var output: OutputOption

        func run() throws {
            let settings = try flags.read()
            try output.print(
                SettingsTable.all.map { setting in
                    let (text, origin) = settings.written(setting)
                    let derived = origin == .fallback ? settings.derived(setting.name) : nil
                    return Record([
                        "setting": .text(setting.name), "value": .text(derived ?? text),
                        "origin": .text(origin.description),
                    ])
                })
        }
    }

    struct Sample: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints a file for --config with every setting in it, commented out.")

        func run() { print(SettingsText.sample, terminator: "") }
    }

    /// For those who write the documentation.
    struct Table: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the settings as a table for the documentation.", shouldDisplay: false)

        func run() { print(SettingsText.table, terminator: "") }
    }
}

extension Settings {
    /// What a default comes to that depends on other settings. nil where the default is a value
    /// itself, or is known only at a start.
    fileprivate func derived(_ name: String) -> String? {
        let rows = SettingsTable.rows
        switch name {
        case rows.keysFile.name:
            return self.store.path.map { KeyFile.path(besideStore: $0) }
        case rows.auditLog.name: return auditPath(self.mode) ?? "none"
        case rows.loops.name: return "\(Machine.availableProcessors)"
        case rows.maxConnections.name:
            return ServerConfiguration(self).connectionsMax.map { "\($0)" }
        case rows.publicURL.name:
            return self.listen.port == 0
                ? nil : namedStreams.url(self.listen, machine: Machine.hostName)
        default: return nil
        }
    }
}
