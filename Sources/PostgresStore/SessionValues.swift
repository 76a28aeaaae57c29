// What goes into a statement of a blocking session, and what comes out of it. All in binary form.

/// A parameter.
enum SQLValue {
    case bytes([UInt8]?)
    case number(Int64?)

    static func text(_ text: String) -> SQLValue { .bytes(Array(text.utf8)) }

    /// PostgreSQL's number of the type: `bytea` or `bigint`.
    var type: UInt32 {
        switch self {
        case .bytes: 17
        case .number: 20
        }
    }

    /// As it is sent; nil: NULL.
    var content: [UInt8]? {
        switch self {
        case .bytes(let bytes): bytes
        case .number(let number):
            number.map { number in
                (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
            }
        }
    }
}

/// One row of an answer. Columns count from 0.
struct SQLRow {
    let columns: [[UInt8]?]

    /// Of a `bytea` or a `text`.
    func bytes(_ column: Int) -> [UInt8]? { columns[column] }

    /// The same as text; what is not UTF-8 is repaired.
    func text(_ column: Int) -> String? {
        columns[column].map { String(decoding: $0, as: UTF8.self) }
    }

    /// Of a `bigint`; nil for NULL.
    func number(_ column: Int) -> Int64? {
        columns[column].map { bytes in bytes.reduce(0) { $0 << 8 | Int64($1) } }
    }

    /// Of a `boolean`.
    func truth(_ column: Int) -> Bool { columns[column] == [1] }
}

/// Why a statement, or a connection, came to nothing.
struct SessionError: Error, CustomStringConvertible {
    /// Five characters (PostgreSQL's manual, Appendix A); nil where the database has not spoken.
    var state: String?
    /// The library's or the database's own words, on one line.
    let description: String
    /// The connection is gone. Nobody knows what has become of a commit that was under way.
    var isConnectionLost = false

    static let undefinedTable = "42P01"
    static let forbidden = "42501"
}
