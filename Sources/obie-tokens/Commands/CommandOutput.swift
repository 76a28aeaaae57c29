// What commands print: lines and tables for people, JSON for programs.

import ArgumentParser
import Server

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
