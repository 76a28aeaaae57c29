// obie-tokens config: what is in force and why, and what could be.

import ArgumentParser
import System

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "What is set, where, and what can be.",
        subcommands: [Show.self, Sample.self, Table.self])

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the value of every setting and where it comes from.",
            discussion: """
                Takes the flags, the environment and the file as `serve` would. No setting is a secret: \
                keys stand in files, whose names are shown.

                Exit status: 0, 64 for a wrong flag, 66 where the file cannot be read, 78 for a wrong \
                setting in the file or the environment.
                """)

        @OptionGroup var options: Options
        @OptionGroup var output: OutputOption

        func run() throws {
            let loaded: Configuration
            let settings: ServeSettings
            do throws(ConfigurationFailure) {
                loaded = try options.load()
                settings = try ServeSettings(loaded)
            } catch {
                throw error.reported
            }
            output.print(
                Settings.all.map { setting in
                    let fallback = settings.derived(setting.name) ?? setting.fallback
                    let entry = loaded.entry(setting) ?? (fallback, .fallback)
                    return Record([
                        "setting": .text(setting.name), "value": .text(entry.value),
                        "origin": .text(entry.origin.description),
                    ])
                })
        }
    }

    struct Sample: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints a file for --config with every setting in it, commented out.")

        func run() { print(ConfigurationFile.sample, terminator: "") }
    }

    /// For whoever works on the README.
    struct Table: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the settings as the README has them.", shouldDisplay: false)

        func run() { print(ConfigurationFile.table, terminator: "") }
    }
}

extension ServeSettings {
    /// What a default that depends on others comes to; nil where it is a value itself, or shows only
    /// at a start.
    fileprivate func derived(_ name: String) -> String? {
        switch name {
        case Settings.keysFile.info.name:
            switch store {
            case .memory: nil
            case .sqlite(let path): KeyFile.path(besideStore: path)
            }
        case Settings.auditLog.info.name: auditPath ?? "none"
        case Settings.loops.info.name: "\(Machine.availableProcessors)"
        case Settings.publicURL.info.name: listen.port == 0 ? nil : "http://\(listen)"
        default: nil
        }
    }
}
