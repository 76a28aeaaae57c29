// The rows of an answer where libpq keeps them, and as copies.

import CPostgres

/// All rows of one result. Good until the result is cleared: whoever clears it hands this out for no longer
/// than a call. Rows and columns count from 0.
@safe struct ResultRows {
    // Cleared by whoever has made it, when all rows have been read.
    private let result: OpaquePointer

    @unsafe init(_ result: OpaquePointer) { unsafe self.result = result }

    var count: Int32 { unsafe PQntuples(result) }

    /// nil for NULL.
    private func read<Value>(
        _ row: Int32, _ column: Int32, _ body: (UnsafeRawBufferPointer) -> Value
    ) -> Value? {
        guard unsafe PQgetisnull(result, row, column) == 0 else { return nil }
        let length = unsafe Int(PQgetlength(result, row, column))
        return unsafe body(
            UnsafeRawBufferPointer(start: PQgetvalue(result, row, column), count: length))
    }

    func bytes(_ row: Int32, _ column: Int32) -> [UInt8]? {
        unsafe read(row, column) { bytes in unsafe Array(bytes) }
    }

    /// What is not UTF-8 is repaired.
    func text(_ row: Int32, _ column: Int32) -> String? {
        unsafe read(row, column) { bytes in unsafe String(decoding: bytes, as: UTF8.self) }
    }

    /// Of a `bigint`.
    func number(_ row: Int32, _ column: Int32) -> Int64? {
        unsafe read(row, column) { bytes in
            unsafe bytes.reduce(0) { $0 << 8 | Int64($1) }
        }
    }

    /// Of a `boolean`; false for NULL.
    func truth(_ row: Int32, _ column: Int32) -> Bool { number(row, column) == 1 }

    /// A copy, which outlives the result.
    func row(_ row: Int32) -> SQLRow {
        SQLRow(columns: (0..<(unsafe PQnfields(result))).map { bytes(row, $0) })
    }
}
