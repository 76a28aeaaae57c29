// What can be read of a row: by a statement that stands on it, or by a condition that is put to it.

import CSQLite

/// A row with its columns, which count from 0.
protocol Columns {
    func integer(_ column: Int32) -> Int64
    func isNull(_ column: Int32) -> Bool
    /// Empty where it is NULL.
    func text(_ column: Int32) -> String
    /// Empty where it is NULL.
    func blob(_ column: Int32) -> [UInt8]
}

extension Columns {
    func optionalInteger(_ column: Int32) -> Int64? {
        isNull(column) ? nil : integer(column)
    }

    func optionalText(_ column: Int32) -> String? {
        isNull(column) ? nil : text(column)
    }
}

extension Statement: Columns {}

/// The columns of a row that a condition is put to. Valid inside that call only.
@safe struct Row: Columns {
    // SQLite's, as many as `define` was told.
    private let columns: UnsafeMutablePointer<OpaquePointer?>

    init(columns: UnsafeMutablePointer<OpaquePointer?>) {
        unsafe self.columns = columns
    }

    func integer(_ column: Int32) -> Int64 {
        unsafe sqlite3_value_int64(columns[Int(column)])
    }

    func isNull(_ column: Int32) -> Bool {
        unsafe sqlite3_value_type(columns[Int(column)]) == SQLITE_NULL
    }

    func text(_ column: Int32) -> String {
        guard let text = unsafe sqlite3_value_text(columns[Int(column)]) else { return "" }
        let count = Int(unsafe sqlite3_value_bytes(columns[Int(column)]))
        return unsafe String(
            decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
    }

    func blob(_ column: Int32) -> [UInt8] {
        guard let bytes = unsafe sqlite3_value_blob(columns[Int(column)]) else { return [] }
        let count = Int(unsafe sqlite3_value_bytes(columns[Int(column)]))
        return unsafe Array(UnsafeRawBufferPointer(start: bytes, count: count))
    }
}
