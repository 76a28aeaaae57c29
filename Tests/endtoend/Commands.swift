// Every command of the program, as the program itself describes them: a new one is in every walk.

import Foundation
import Testing

/// A command that does something, and what can be typed for it.
struct Command: Sendable, CustomTestStringConvertible {
    /// What is typed, without the program's name.
    let words: [String]
    /// Long names of options with a value.
    let options: Set<String>
    /// Something for each word and each option that it cannot do without.
    let needed: [String]
    var testDescription: String { words.joined(separator: " ") }

    /// Where an error sends people.
    var help: String { "See 'obie-tokens \(testDescription) --help'" }

    static let all: [Command] = {
        do {
            let help = try ChildProcess.run(
                ChildProcess.binary.path, ["--experimental-dump-help"])
            let dump = try JSONDecoder().decode(Dump.self, from: Data(help.output.utf8))
            return commands(dump.command, [])
        } catch {
            Issue.record(error)
            return []
        }
    }()

    private static func commands(_ node: Node, _ path: [String]) -> [Command] {
        let below = (node.subcommands ?? []).filter { $0.commandName != "help" }
        guard below.isEmpty else {
            return below.flatMap { commands($0, path + [$0.commandName]) }
        }
        let arguments = node.arguments ?? []
        func long(_ argument: Argument) -> String? {
            argument.names?.first { $0.kind == "long" }?.name
        }
        let needed = arguments.filter { !$0.isOptional }.flatMap { argument -> [String] in
            guard let name = long(argument) else { return ["PSDGB-FCA-100009"] }
            return [
                "--\(name)", ["from", "to"].contains(name) ? "2026-11-29" : "PSDGB-FCA-100009",
            ]
        }
        return [
            Command(
                words: path,
                options: Set(arguments.filter { $0.kind == "option" }.compactMap(long)),
                needed: needed)
        ]
    }

    private struct Dump: Decodable { let command: Node }
    private struct Node: Decodable {
        let commandName: String
        let subcommands: [Node]?
        let arguments: [Argument]?
    }
    private struct Argument: Decodable {
        struct Name: Decodable {
            let kind: String
            let name: String
        }
        let kind: String
        let names: [Name]?
        let isOptional: Bool
    }
}
