// One SQLite connection and its statements, in Swift. Knows no table and no word of the domain.

import CSQLite
import Glibc

/// What SQLite refused, with its extended code: codes this file has never heard of stay intact.
struct DatabaseError: Error, Equatable, CustomStringConvertible {
    let code: Int32
    /// SQLite's own text. It names tables and files, never values.
    let description: String
}

/// A connection to one database file. One thread at a time.
@safe final class Database {
    enum Access { case readWrite, readOnly }

    // Opened in `init`, closed in `deinit`; statements hold the connection and go first.
    fileprivate let handle: OpaquePointer
    // SQLite points to them until the connection closes.
    private var conditions: [Condition] = []

    /// A file that is made is for this user only; SQLite's log beside it follows suit.
    ///
    /// - Throws: what `sqlite3_open_v2` says, such as SQLITE_CANTOPEN.
    init(path: String, _ access: Access) throws(DatabaseError) {
        if access == .readWrite {
            // Before SQLite would make it for all. A failure is SQLite's to tell.
            let file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            if file >= 0 { close(file) }
        }
        var opened: OpaquePointer?
        let flags =
            switch access {
            case .readWrite: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
            case .readOnly: SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX
            }
        let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
        guard let handle = unsafe opened, code == SQLITE_OK else {
            let error = unsafe Database.error(opened, code)
            unsafe sqlite3_close_v2(opened)
            throw error
        }
        unsafe self.handle = handle
        unsafe sqlite3_extended_result_codes(handle, 1)
    }

    deinit {
        unsafe sqlite3_close_v2(handle)
    }

    fileprivate static func error(_ handle: OpaquePointer?, _ code: Int32) -> DatabaseError {
        let text = unsafe sqlite3_errmsg(handle)
        return DatabaseError(
            code: code, description: unsafe text.map { unsafe String(cString: $0) } ?? "no memory")
    }

    fileprivate func check(_ code: Int32) throws(DatabaseError) {
        guard code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE else {
            throw unsafe Database.error(handle, code)
        }
    }

    /// Runs SQL without parameters or results, several statements at once.
    func execute(_ sql: String) throws(DatabaseError) {
        try check(unsafe sqlite3_exec(handle, sql, nil, nil, nil))
    }

    /// Undoes the transaction, unless SQLite has done so already.
    func rollback() {
        guard !isAutocommit else { return }
        do throws(DatabaseError) {
            try execute("ROLLBACK")
        } catch {
            // The file is in trouble, and so the next transaction says why.
        }
    }

    func prepare(_ sql: String) throws(DatabaseError) -> Statement {
        try Statement(self, sql)
    }

    /// The first column of the first row, for pragmas and counts.
    func integer(_ sql: String) throws(DatabaseError) -> Int64 {
        let statement = try prepare(sql)
        defer { statement.reset() }
        return try statement.step() ? statement.integer(0) : 0
    }

    /// Adds a condition that the statements of this connection may put to a row, as an SQL function
    /// of some of its columns.
    ///
    /// - Parameter holds: must not use the connection, nor keep the row.
    func define(
        _ name: String, columns: Int32, _ holds: @escaping (Row) -> Bool
    ) throws(DatabaseError) {
        let condition = Condition(holds)
        conditions.append(condition)
        // Not retained: `conditions` keeps it as long as the connection is open.
        let code = unsafe sqlite3_create_function_v2(
            handle, name, columns, SQLITE_UTF8 | SQLITE_DIRECTONLY,
            Unmanaged.passUnretained(condition).toOpaque(),
            { context, _, columns in
                guard let data = unsafe sqlite3_user_data(context), let columns = unsafe columns
                else { return }
                let condition = unsafe Unmanaged<Condition>.fromOpaque(data).takeUnretainedValue()
                // The columns are valid until this returns.
                let holds = unsafe condition.holds(Row(columns: columns))
                unsafe sqlite3_result_int(context, holds ? 1 : 0)
            }, nil, nil, nil)
        try check(code)
    }

    private final class Condition {
        let holds: (Row) -> Bool
        init(_ holds: @escaping (Row) -> Bool) { self.holds = holds }
    }

    /// Rows that the last statement changed.
    var changes: Int { Int(unsafe sqlite3_changes(handle)) }

    /// False inside a transaction; SQLite may have ended one by itself after an error.
    var isAutocommit: Bool { unsafe sqlite3_get_autocommit(handle) != 0 }
}

/// A prepared statement: bind, step, read, reset.
@safe final class Statement {
    private let database: Database
    // Prepared in `init`, finalized in `deinit`.
    private let handle: OpaquePointer
    // SQLite points into them until the statement is finalized.
    private var boundBytes: [StableBytes] = []

    fileprivate init(_ database: Database, _ sql: String) throws(DatabaseError) {
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
        let code = value.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text in
                // An empty string has no address, and without one SQLite would bind NULL.
                unsafe sqlite3_bind_text(
                    handle, index, text.baseAddress ?? Statement.empty, Int32(text.count),
                    Statement.transient)
            }
        }
        try database.check(code)
    }

    @unsafe private static let transient = unsafe unsafeBitCast(
        -1, to: sqlite3_destructor_type.self)
    // Never freed: one byte for the life of the process.
    @unsafe nonisolated(unsafe) private static let empty = {
        let byte = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
        unsafe byte.initialize(to: 0)
        return unsafe UnsafePointer(byte)
    }()

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

    /// Columns count from 0.
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

/// The columns of a row that a condition is put to. Valid inside that call only.
@safe struct Row {
    // SQLite's, as many as `define` was told.
    fileprivate let columns: UnsafeMutablePointer<OpaquePointer?>

    fileprivate init(columns: UnsafeMutablePointer<OpaquePointer?>) {
        unsafe self.columns = columns
    }

    /// Columns count from 0.
    func integer(_ column: Int) -> Int64 {
        unsafe sqlite3_value_int64(columns[column])
    }

    func isNull(_ column: Int) -> Bool {
        unsafe sqlite3_value_type(columns[column]) == SQLITE_NULL
    }

    func text(_ column: Int) -> String {
        guard let text = unsafe sqlite3_value_text(columns[column]) else { return "" }
        let count = Int(unsafe sqlite3_value_bytes(columns[column]))
        return unsafe String(
            decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
    }

    func blob(_ column: Int) -> [UInt8] {
        guard let bytes = unsafe sqlite3_value_blob(columns[column]) else { return [] }
        let count = Int(unsafe sqlite3_value_bytes(columns[column]))
        return unsafe Array(UnsafeRawBufferPointer(start: bytes, count: count))
    }
}
