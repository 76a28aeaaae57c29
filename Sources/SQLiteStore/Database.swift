// One SQLite connection and its statements, in Swift. Knows no table and no word of the domain.

import CSQLite
import Glibc

/// What SQLite refused, with its extended code: codes this file has never heard of stay intact.
struct DatabaseError: Error, Equatable, CustomStringConvertible {
    let code: Int32
    /// SQLite's own text. It names tables and files, never values.
    let description: String

    /// A row that no version of this program has written.
    static func corrupt(_ description: String) -> DatabaseError {
        DatabaseError(code: SQLITE_CORRUPT, description: description)
    }

    /// A part of the file cannot be read, or makes no sense. What stands elsewhere may be good.
    var isDamage: Bool {
        switch code {
        case SQLITE_IOERR | 1 << 8, SQLITE_IOERR | 2 << 8: true  // read, and read too little
        case SQLITE_IOERR | 32 << 8, SQLITE_IOERR | 33 << 8: true  // checksums do not match
        default: [SQLITE_CORRUPT, SQLITE_NOTADB].contains(code & 0xFF)
        }
    }

    /// A sync has failed, so what was written since the last one may be lost, though it can still be
    /// read, and though the next sync succeeds.
    var isLostSync: Bool { [SQLITE_IOERR | 4 << 8, SQLITE_IOERR | 5 << 8].contains(code) }

    /// A COMMIT that failed like this has changed nothing, now or after a crash.
    ///
    /// Of all others that cannot be said: the last frame of a transaction may be in the log, whole,
    /// when the sync or what comes after it fails. The process does not see it, but whoever opens the
    /// file after a crash does. A busy file was not written to, and of a full disk's log it is the
    /// last frame that is missing.
    var leavesNothingCommitted: Bool {
        [SQLITE_BUSY, SQLITE_FULL].contains(code & 0xFF)
    }
}

/// A connection to one database file. One thread at a time.
@safe final class Database {
    enum Access {
        case readWrite, readOnly
        /// Must be there.
        case existing
        /// The same for the one that writes a store: see `GatheredLog`.
        case writing
        /// Nobody has it open: it is read without locks, and nothing is made beside it.
        case unchanging
    }

    // Opened in `init`, closed in `deinit`; statements hold the connection and go first.
    let handle: OpaquePointer
    // SQLite points to them until the connection closes.
    private var conditions: [Condition] = []
    private let logCount = LogCount()

    // SQLite takes this before its first connection and at no other time, whoever opens that.
    private static let memoryIsNotCounted: Void = obie_sqlite_disable_statistics()

    /// Makes the file where there is none, for this user only, before SQLite would make it for all. A
    /// failure is SQLite's to tell.
    static func makePrivate(_ path: String) {
        let file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if file >= 0 { close(file) }
    }

    /// A file that is made is for this user only; SQLite's log beside it follows suit.
    ///
    /// - Throws: what `sqlite3_open_v2` says, such as SQLITE_CANTOPEN.
    init(path: String, _ access: Access) throws(DatabaseError) {
        Database.memoryIsNotCounted
        if access == .readWrite { Database.makePrivate(path) }
        var opened: OpaquePointer?
        let flags =
            switch access {
            case .readWrite: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
            case .existing, .writing: SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
            case .readOnly: SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX
            case .unchanging: SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI
            }
        let name = access == .unchanging ? Database.unchanging(path) : path
        let isGathered = access == .writing && GatheredLog.isRegistered
        let code = unsafe sqlite3_open_v2(
            name, &opened, flags, isGathered ? GatheredLog.vfsName : nil)
        guard let handle = unsafe opened, code == SQLITE_OK else {
            let error = unsafe Database.error(opened, code)
            unsafe sqlite3_close_v2(opened)
            throw error
        }
        unsafe self.handle = handle
        unsafe sqlite3_extended_result_codes(handle, 1)
        unsafe sqlite3_busy_timeout(handle, Database.patienceMilliseconds)
    }

    /// Whoever opens or closes a file, or takes back what a crash has left, has it alone for a moment. So long
    /// others wait for that.
    private static let patienceMilliseconds: Int32 = 2000

    /// For the threads of a server, which answer 503 at once.
    func waitForNobody() { unsafe sqlite3_busy_timeout(handle, 0) }

    /// A name with an option, as a URI (sqlite.org/uri.html).
    private static func unchanging(_ path: String) -> String {
        let encoded = path.utf8.map { byte in
            byte < 0x80 && byte > 0x20 && !"%?#".utf8.contains(byte)
                ? String(UnicodeScalar(byte))
                : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return (path.hasPrefix("/") ? "file://" : "file:") + encoded.joined() + "?immutable=1"
    }

    /// For a command that reads, while a server may be writing. No file is made that was not there:
    /// without a log nobody is writing, and all of it is in the file.
    static func reading(_ path: String) throws(DatabaseError) -> Database {
        let isInUse = FileStatus.at(FileNames.log(path)) != nil
        return try Database(path: path, isInUse ? .readOnly : .unchanging)
    }

    /// The same for a registry, which has no log: a change is in its file in parts before it is made, or
    /// where a command was killed. Waits for the one, and takes the other back.
    static func readingRegistry(_ path: String) throws(DatabaseError) -> Database {
        let database = try Database(path: path, .existing)
        try database.execute("PRAGMA busy_timeout = \(SQLiteRegistry.busyMilliseconds)")
        return database
    }

    deinit {
        unsafe sqlite3_close_v2(handle)
    }

    static func error(_ handle: OpaquePointer?, _ code: Int32) -> DatabaseError {
        let text = unsafe sqlite3_errmsg(handle)
        return DatabaseError(
            code: code, description: unsafe text.map { unsafe String(cString: $0) } ?? "no memory")
    }

    func check(_ code: Int32) throws(DatabaseError) {
        guard code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE else {
            throw unsafe Database.error(handle, code)
        }
    }

    /// Runs SQL without parameters or results, several statements at once.
    func execute(_ sql: String) throws(DatabaseError) {
        try check(unsafe sqlite3_exec(handle, sql, nil, nil, nil))
    }

    /// Undoes the transaction, unless SQLite has done so already. Where that fails it stays open, and
    /// nothing commits it: no other can begin on this connection.
    ///
    /// - Parameter cause: what it is undone for.
    /// - Returns: `cause`, with what has failed besides.
    func rollback(_ cause: DatabaseError) -> DatabaseError {
        defer { unsafe GatheredLog.forget(handle) }
        guard !isAutocommit else { return cause }
        do throws(DatabaseError) {
            try execute("ROLLBACK")
            return cause
        } catch {
            return DatabaseError(
                code: cause.code,
                description: "\(cause.description); it could not be rolled back: \(error)")
        }
    }

    /// Undoes the transaction that was begun.
    func undo() throws(DatabaseError) {
        defer { unsafe GatheredLog.forget(handle) }
        try execute("ROLLBACK")
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

    /// Puts on disk what has been written to the file so far, also within a transaction. By SQLite's own
    /// descriptor: to close another one of the same file would give back SQLite's locks (fcntl(2)).
    func sync() throws(DatabaseError) {
        var pointer: UnsafeMutablePointer<sqlite3_file>?
        // SQLite writes the address of its own file object, which stays until the connection closes.
        try check(
            unsafe sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &pointer))
        guard let file = unsafe pointer, let sync = unsafe file.pointee.pMethods?.pointee.xSync
        else { return }
        let code = unsafe sync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY)
        // The connection itself has not been asked, so it has no words for it.
        guard code == SQLITE_OK else {
            throw DatabaseError(
                code: code, description: unsafe String(cString: sqlite3_errstr(code)))
        }
    }

    // MARK: The log (WAL)

    /// How many pages the log had after the last commit. Counted once `countLog` has been called.
    var logPages: Int32 { logCount.pages }

    /// From now on SQLite moves nothing out of the log by itself, but at the end.
    func countLog() {
        // Not retained: the connection keeps it, and closes before it lets go.
        unsafe _ = sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                guard let context = unsafe context else { return SQLITE_OK }
                unsafe Unmanaged<LogCount>.fromOpaque(context).takeUnretainedValue().pages = pages
                return SQLITE_OK
            }, Unmanaged.passUnretained(logCount).toOpaque())
    }

    /// Moves what is in the log into the file, as far as readers allow. Waits for nobody.
    func checkpoint() throws(DatabaseError) {
        try check(
            unsafe sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil))
    }

    /// Moves all of the log into the file and cuts it down to nothing, so that no old rows stand in it.
    ///
    /// - Returns: false where somebody reads it just now.
    func eraseLog() throws(DatabaseError) -> Bool {
        let code = unsafe sqlite3_wal_checkpoint_v2(
            handle, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
        if code & 0xFF == SQLITE_BUSY { return false }
        try check(code)
        logCount.pages = 0
        return true
    }

    private final class LogCount {
        var pages: Int32 = 0
    }

    /// Rows that the last statement changed.
    var changes: Int { Int(unsafe sqlite3_changes(handle)) }

    /// False inside a transaction; SQLite may have ended one by itself after an error.
    var isAutocommit: Bool { unsafe sqlite3_get_autocommit(handle) != 0 }
}
