// What commands print: lines and tables for people, JSON for programs.

import ArgumentParser
import Bytes
import Server
import System

/// How a command prints what it found.
struct OutputOption: ParsableArguments {
    @Flag(help: "Print JSON on standard output.")
    var json = false

    /// Prints one record: a line for each member, or one JSON object.
    func print(_ record: Record) throws(ProgramFailure) {
        try write(json ? "{\(record.json)}\n" : lines(record))
    }

    /// Prints lines for people.
    func print(lines: [String]) throws(ProgramFailure) {
        if !lines.isEmpty { try write(lines.joined(separator: "\n") + "\n") }
    }

    /// Prints what must arrive before a change is made; of JSON an object that is still open, so that
    /// nobody takes it for whole if the change fails.
    func begin(_ record: Record) throws(ProgramFailure) {
        try write(
            json ? "{\(record.json)" : lines(record), "nothing was changed, since ")
    }

    /// Prints how the change ended, for programs.
    func end(_ outcome: ChangeOutcome) throws(ProgramFailure) {
        if json { try write(",\(outcome.members.json)}\n", "the change is made, but ") }
    }

    /// Prints a change that has nothing to print for people, and tells them.
    func report(
        _ sentence: String, _ record: Record, _ outcome: ChangeOutcome
    ) throws {
        if json {
            try write(
                "{\(record.json),\(outcome.members.json)}\n",
                "the change is made (\(sentence)), but ")
        }
        try outcome.tell(sentence)
    }

    /// - Parameter state: how things are, where it fails.
    private func write(_ text: String, _ state: String = "") throws(ProgramFailure) {
        do throws(StandardOutput.Failure) {
            try StandardOutput.write(text)
        } catch {
            throw ProgramFailure(
                description: "\(state)standard output takes nothing: \(error)", status: 74)
        }
    }

    private func lines(_ record: Record) -> String {
        var text = ""
        let width = record.members.map(\.name.count).max() ?? 0
        for (name, value) in record.members where !value.lines.isEmpty {
            for (index, line) in value.lines.enumerated() {
                let label = index == 0 ? name.replacing(every: "_", by: " ") : ""
                let gap = String(repeating: " ", count: width + 2 - label.count)
                text += label + gap + line + "\n"
            }
        }
        return text
    }

    /// Prints records: a table, or a JSON array with an object on each line.
    func print(_ records: [Record]) throws(ProgramFailure) {
        if json {
            let lines = records.map { "{\($0.json)}" }.joined(separator: ",\n")
            return try write(records.isEmpty ? "[]\n" : "[\n\(lines)\n]\n")
        }
        guard let first = records.first else { return }
        var rows = [first.members.map { $0.name.replacing(every: "_", by: " ").uppercased() }]
        rows += records.map { $0.members.map { $0.value.lines.joined(separator: ", ") } }
        let widths = first.members.indices.map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        var text = ""
        for row in rows {
            var line = ""
            for (cell, width) in zip(row, widths) {
                line += cell + String(repeating: " ", count: width - cell.count + 2)
            }
            while line.last == " " { line.removeLast() }
            text += line + "\n"
        }
        try write(text)
    }
}

/// Something to print, member by member.
struct Record {
    enum Value {
        case text(String?)
        case number(Int)
        /// nil: nobody knows.
        case count(Int?)
        case truth(Bool)
        case list([String])
        /// Is there in JSON only.
        case json(String)

        /// As people read it; none for nothing.
        var lines: [String] {
            switch self {
            case .text(let text): text.map { [$0] } ?? []
            case .number(let number): ["\(number)"]
            case .count(let number): [number.map { "\($0)" } ?? "unknown"]
            case .truth(let isTrue): [isTrue ? "yes" : "no"]
            case .list(let list): list
            case .json: []
            }
        }

        static func records(_ records: [Record]) -> Value {
            .json("[\(records.map { "{\($0.json)}" }.joined(separator: ","))]")
        }

        fileprivate var json: String {
            switch self {
            case .text(let text): text.map(Record.quote) ?? "null"
            case .number(let number): "\(number)"
            case .count(let number): number.map { "\($0)" } ?? "null"
            case .truth(let isTrue): "\(isTrue)"
            case .list(let list): "[\(list.map(Record.quote).joined(separator: ","))]"
            case .json(let json): json
            }
        }
    }

    let members: [(name: String, value: Value)]

    init(_ members: KeyValuePairs<String, Value>) {
        self.members = members.map { (name: $0.key, value: $0.value) }
    }

    private init(members: [(name: String, value: Value)]) { self.members = members }

    func with(_ name: String, _ value: Value) -> Record {
        Record(members: members + [(name, value)])
    }

    /// The members of a JSON object.
    fileprivate var json: String {
        members.map { "\(Record.quote($0.name)):\($0.value.json)" }.joined(separator: ",")
    }

    private static func quote(_ text: String) -> String {
        var bytes: [UInt8] = []
        JSONWriter.appendString(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
