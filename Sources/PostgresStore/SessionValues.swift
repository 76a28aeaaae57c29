// What goes into a statement of a blocking session, and what comes out of it. All in binary form.

/// A parameter.
enum SQLValue {
    case bytes([UInt8]?)
    case number(Int64?)
    case manyBytes([[UInt8]?])
    case numbers([Int64?])

    static func text(_ text: String) -> SQLValue { .bytes(Array(text.utf8)) }

    /// PostgreSQL's number of the type: `bytea` or `bigint`, or an array of them.
    var type: UInt32 {
        switch self {
        case .bytes: SQLValue.bytesType
        case .number: SQLValue.numberType
        case .manyBytes: 1001
        case .numbers: 1016
        }
    }

    private static let bytesType: UInt32 = 17
    private static let numberType: UInt32 = 20

    /// As it is sent; nil: NULL.
    var content: [UInt8]? {
        switch self {
        case .bytes(let bytes): bytes
        case .number(let number): number.map(SQLValue.bigEndian)
        case .manyBytes(let values):
            SQLValue.array(SQLValue.bytesType, values) { value, content in
                SQLValue.append(Int32(value.count), to: &content)
                content.append(contentsOf: value)
            }
        case .numbers(let values):
            SQLValue.array(SQLValue.numberType, values) { value, content in
                SQLValue.append(Int32(8), to: &content)
                SQLValue.append(value, to: &content)
            }
        }
    }

    private static func bigEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        var bytes: [UInt8] = []
        append(number, to: &bytes)
        return bytes
    }

    private static func append<Number: FixedWidthInteger>(
        _ number: Number, to content: inout [UInt8]
    ) {
        var shift = Number.bitWidth - 8
        while shift >= 0 {
            content.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
            shift -= 8
        }
    }

    /// One dimension, counted from 1 (`array_recv`).
    ///
    /// - Parameter appendElement: appends its length and itself.
    private static func array<Element>(
        _ type: UInt32, _ elements: [Element?], _ appendElement: (Element, inout [UInt8]) -> Void
    ) -> [UInt8] {
        let hasNull = elements.contains { $0 == nil }
        var content: [UInt8] = []
        content.reserveCapacity(24 + elements.count * 40)
        let head = [elements.isEmpty ? 0 : 1, hasNull ? 1 : 0, Int32(type)]
        for number in head + (elements.isEmpty ? [] : [Int32(elements.count), 1]) {
            append(number, to: &content)
        }
        for element in elements {
            if let element {
                appendElement(element, &content)
            } else {
                append(Int32(-1), to: &content)
            }
        }
        return content
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
    /// `lock_timeout` is over.
    static let lockNotAvailable = "55P03"
    /// `no_data_found`: also what we say of a row of `meta` that has to be there.
    static let noData = "P0002"
}
