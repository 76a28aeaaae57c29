// A prepared statement of SQLite, in Swift. Knows no table and no word of the domain.

import CSQLite

/// A prepared statement: bind, step, read, reset.
@safe final class Statement {
    private let database: Database
    // Prepared in `init`, finalized in `deinit`.
    private let handle: OpaquePointer
    // SQLite points into them until the statement is finalized.
    private var boundBytes: [StableBytes] = []
    /// By parameter; made where a text is bound.
    private var boundTexts: [StableText?] = []

    init(_ database: Database, _ sql: String) throws(DatabaseError) {
        self.database = database
        var prepared: OpaquePointer?
        let code = unsafe sqlite3_prepare_v3(
            database.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard let handle = unsafe prepared, code == SQLITE_OK else {
            throw unsafe Database.error(database.handle, code)
        }
        unsafe self.handle = handle
    }

    deinit {
        unsafe sqlite3_finalize(handle)
    }

    /// Parameters count from 1.
    func bind(_ index: Int32, _ value: Int64?) throws(DatabaseError) {
        guard let value else { return try database.check(unsafe sqlite3_bind_null(handle, index)) }
        try database.check(unsafe sqlite3_bind_int64(handle, index, value))
    }

    func bind(_ index: Int32, _ value: [UInt8]) throws(DatabaseError) {
        // SQLite copies (SQLITE_TRANSIENT, which is a cast that Swift does not import).
        let code = unsafe value.withUnsafeBytes { bytes in
            unsafe sqlite3_bind_blob(
                handle, index, bytes.baseAddress, Int32(bytes.count), Statement.transient)
        }
        try database.check(code)
    }

    /// Binds for good: each run sees what the bytes are then.
    func bind(_ index: Int32, to bytes: StableBytes) throws(DatabaseError) {
        boundBytes.append(bytes)
        // No destructor is SQLITE_STATIC: SQLite reads there, and never frees.
        try database.check(
            unsafe sqlite3_bind_blob(handle, index, bytes.memory, Int32(bytes.count), nil))
    }

    func bind(_ index: Int32, _ value: String?) throws(DatabaseError) {
        guard var value else { return try database.check(unsafe sqlite3_bind_null(handle, index)) }
        let place = place(of: index)
        let code = value.withUTF8 { bytes in
            // SQLite reads where the text stands until another one is bound.
            unsafe place.hold(bytes) { text in
                unsafe sqlite3_bind_text(handle, index, text, Int32(bytes.count), nil)
            }
        }
        try database.check(code ?? SQLITE_NOMEM)
    }

    private func place(of index: Int32) -> StableText {
        while boundTexts.count <= Int(index) { boundTexts.append(nil) }
        if let text = boundTexts[Int(index)] { return text }
        let text = StableText()
        boundTexts[Int(index)] = text
        return text
    }

    @unsafe private static let transient = unsafe unsafeBitCast(
        -1, to: sqlite3_destructor_type.self)

    /// - Returns: true where there is a row.
    func step() throws(DatabaseError) -> Bool {
        let code = unsafe sqlite3_step(handle)
        try database.check(code)
        return code == SQLITE_ROW
    }

    /// Runs a statement that has no rows, and makes it ready again.
    func run() throws(DatabaseError) {
        defer { reset() }
        while try step() {}
    }

    /// Ready to be bound again; an error of the last step is not repeated.
    func reset() {
        _ = unsafe sqlite3_reset(handle)
    }

    func integer(_ column: Int32) -> Int64 {
        unsafe sqlite3_column_int64(handle, column)
    }

    func isNull(_ column: Int32) -> Bool {
        unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    func text(_ column: Int32) -> String {
        // Valid until the next step; copied here.
        guard let text = unsafe sqlite3_column_text(handle, column) else { return "" }
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        return unsafe String(
            decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
    }

    func blob(_ column: Int32) -> [UInt8] {
        guard let bytes = unsafe sqlite3_column_blob(handle, column) else { return [] }
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        return unsafe Array(UnsafeRawBufferPointer(start: bytes, count: count))
    }
}
