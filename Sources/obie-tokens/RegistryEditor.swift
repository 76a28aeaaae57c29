// What all commands about the registry share: open it, change it, wait until a running server
// knows, say what went wrong.

import ArgumentParser
import SQLiteStore
import Server
import Tokens
import UV

/// The registry of the store that a command is about.
struct RegistryEditor {
    /// How long a running server is waited for. It looks ten times a second.
    private static let takeOverMilliseconds = 5000

    private let store: String
    private let registry: SQLiteRegistry
    private let option: StoreOption

    /// - Parameter makes: whether a registry is made where there is none.
    init(_ option: StoreOption, makes: Bool = false) throws {
        let path = try option.path()
        store = path
        registry = try RegistryEditor.explaining {
            guard makes || SQLiteRegistry.exists(store: path) else {
                throw SQLiteStoreFailure(
                    "there is no registry beside the store \(path); `obie-tokens fi add` makes "
                        + "one, or choose the right store with --store")
            }
            return try SQLiteRegistry(store: path, mode: nil)
        }
        self.option = option
        if registry.isNew {
            Program.log("made a new registry for production: \(registry.path)")
        }
    }

    func load() throws -> RegistryContent {
        try RegistryEditor.explaining { try registry.load() }
    }

    /// Looks something up.
    func read<Answer>(_ body: (RegistryContent) throws -> Answer) throws -> Answer {
        try RegistryEditor.explaining { try body(try registry.load()) }
    }

    /// Changes the registry. Returns once a running server answers its next request accordingly.
    ///
    /// - Parameter change: what is done, for the audit log.
    @discardableResult
    func change<Answer>(
        _ change: String, _ body: (inout RegistryContent) throws -> Answer
    ) throws -> Answer {
        let (answer, version) = try RegistryEditor.explaining { try registry.update(body) }
        try option.record(change, registry.mode)
        let seen = RunningServer.wait(
            registryVersion: version, store: store,
            milliseconds: RegistryEditor.takeOverMilliseconds)
        if seen == .isLate {
            Program.log(
                "warning: saved, but the running server has not taken it over within "
                    + "\(RegistryEditor.takeOverMilliseconds / 1000) s; see its log")
        }
        return answer
    }

    /// Errors as one sentence, with an exit status: 65 for what cannot be done, 71 for a file.
    private static func explaining<Answer>(_ body: () throws -> Answer) throws -> Answer {
        do {
            return try body()
        } catch let error as RegistryError {
            Program.log("error: \(error)")
            throw ExitCode(65)
        } catch let error as SQLiteStoreFailure {
            Program.log("error: \(error)")
            throw ExitCode(71)
        }
    }
}

/// How a command prints what it found.
struct OutputOption: ParsableArguments {
    @Flag(help: "Print JSON on standard output.")
    var json = false

    /// Prints one record: a line for each member, or one JSON object.
    func print(_ record: Record) {
        if json { return Swift.print(record.json) }
        let width = record.members.map(\.name.count).max() ?? 0
        for (name, value) in record.members where !value.lines.isEmpty {
            for (index, line) in value.lines.enumerated() {
                let label = index == 0 ? name.replacing("_", with: " ") : ""
                Swift.print(label + String(repeating: " ", count: width + 2 - label.count) + line)
            }
        }
    }

    /// Prints records: a table, or a JSON array with an object on each line.
    func print(_ records: [Record]) {
        if json {
            let lines = records.map(\.json).joined(separator: ",\n")
            return Swift.print(records.isEmpty ? "[]" : "[\n\(lines)\n]")
        }
        guard let first = records.first else { return }
        var rows = [first.members.map { $0.name.replacing("_", with: " ").uppercased() }]
        rows += records.map { $0.members.map { $0.value.lines.joined(separator: ", ") } }
        let widths = first.members.indices.map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        for row in rows {
            var line = ""
            for (cell, width) in zip(row, widths) {
                line += cell + String(repeating: " ", count: width - cell.count + 2)
            }
            while line.last == " " { line.removeLast() }
            Swift.print(line)
        }
    }
}

/// Something to print, member by member.
struct Record {
    enum Value {
        case text(String?)
        case number(Int)
        case truth(Bool)
        case list([String])

        /// As people read it; none for nothing.
        var lines: [String] {
            switch self {
            case .text(let text): text.map { [$0] } ?? []
            case .number(let number): ["\(number)"]
            case .truth(let isTrue): [isTrue ? "yes" : "no"]
            case .list(let list): list
            }
        }

        fileprivate var json: String {
            switch self {
            case .text(let text): text.map(Record.quote) ?? "null"
            case .number(let number): "\(number)"
            case .truth(let isTrue): "\(isTrue)"
            case .list(let list): "[\(list.map(Record.quote).joined(separator: ","))]"
            }
        }
    }

    let members: [(name: String, value: Value)]

    init(_ members: KeyValuePairs<String, Value>) {
        self.members = members.map { (name: $0.key, value: $0.value) }
    }

    fileprivate var json: String {
        "{\(members.map { "\(Record.quote($0.name)):\($0.value.json)" }.joined(separator: ","))}"
    }

    private static func quote(_ text: String) -> String {
        var bytes: [UInt8] = []
        JSONWriter.appendString(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Removing asks first.
struct ConfirmationOption: ParsableArguments {
    @Flag(help: "Do not ask.")
    var yes = false

    /// - Throws: where the answer is no, or nobody can be asked.
    func confirm(_ question: String) throws {
        if yes { return }
        guard Terminal.isInteractive else {
            throw ValidationError("nobody can be asked here: confirm with --yes")
        }
        guard Terminal.confirm(question) else { throw ExitCode(1) }
    }
}
