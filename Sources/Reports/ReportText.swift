// Reports as bytes: a table for people, CSV (RFC 4180) and JSON for programs.

import Bytes
import Tokens

public enum ReportFormat: String, CaseIterable, Sendable {
    case table, csv, json
}

/// Rows of cells in the making. A value.
public struct ReportText: Sendable {
    /// A cell of a row.
    public enum Cell: Sendable {
        case text(String)
        /// Digits, with or without a fraction.
        case number(String)
        case truth(Bool)
        /// Nothing is known.
        case none
    }

    private let format: ReportFormat
    private let names: [String]
    private var bytes: [UInt8] = []
    /// For a table, whose columns are as wide as what is in them.
    private var rows: [[String]] = []
    private var isFirst = true

    public init(_ format: ReportFormat, _ names: [String]) {
        self.format = format
        self.names = names
        switch format {
        case .table: rows.append(names.map { $0.uppercased().replacing(every: "_", by: " ") })
        case .csv: appendLine(names.map { .text($0) })
        case .json: bytes.append(contentsOf: "[".utf8)
        }
    }

    public mutating func append(_ cells: [Cell]) {
        switch format {
        case .table: rows.append(cells.map { ReportText.plain($0, none: "-") })
        case .csv: appendLine(cells)
        case .json: appendObject(cells)
        }
    }

    /// All of it.
    public consuming func end() -> [UInt8] {
        switch format {
        case .table: appendTable()
        case .csv: break
        case .json: bytes.append(contentsOf: isFirst ? "]\n".utf8 : "\n]\n".utf8)
        }
        return bytes
    }

    private static func plain(_ cell: Cell, none: String) -> String {
        switch cell {
        case .text(let text), .number(let text): text
        case .truth(let isTrue): isTrue ? "yes" : "no"
        case .none: none
        }
    }

    private mutating func appendLine(_ cells: [Cell]) {
        for (index, cell) in cells.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            appendField(ReportText.plain(cell, none: ""))
        }
        // RFC 4180 §2: lines end with CRLF.
        bytes.append(contentsOf: "\r\n".utf8)
    }

    private mutating func appendField(_ text: String) {
        let needsQuotes = text.utf8.contains {
            [UInt8(ascii: ","), UInt8(ascii: "\""), 0x0A, 0x0D].contains($0)
        }
        // What begins like a formula is one to a spreadsheet. A lone dash is none.
        let isFormula = text != "-" && "=+-@".utf8.contains(text.utf8.first ?? 0)
        guard needsQuotes || isFormula else { return bytes.append(contentsOf: text.utf8) }
        bytes.append(UInt8(ascii: "\""))
        if isFormula { bytes.append(UInt8(ascii: "'")) }
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendObject(_ cells: [Cell]) {
        bytes.append(contentsOf: isFirst ? "\n{".utf8 : ",\n{".utf8)
        isFirst = false
        for (index, (name, cell)) in zip(names, cells).enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(UInt8(ascii: "\""))
            bytes.append(contentsOf: name.utf8)
            bytes.append(contentsOf: "\":".utf8)
            switch cell {
            case .text(let text): JSONWriter.appendString(text, to: &bytes)
            case .number(let digits): bytes.append(contentsOf: digits.utf8)
            case .truth(let isTrue): bytes.append(contentsOf: isTrue ? "true".utf8 : "false".utf8)
            case .none: bytes.append(contentsOf: "null".utf8)
            }
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func appendTable() {
        let widths = names.indices.map { column in
            rows.map { column < $0.count ? $0[column].utf8.count : 0 }.max() ?? 0
        }
        for row in rows {
            let start = bytes.count
            for (index, cell) in row.enumerated() {
                bytes.append(contentsOf: cell.utf8)
                let gap = widths[index] - cell.utf8.count + 2
                bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: gap))
            }
            while bytes.count > start, bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
            bytes.append(UInt8(ascii: "\n"))
        }
    }
}
