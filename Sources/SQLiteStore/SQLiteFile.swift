// The store on disk: one file, opened once, with two threads that all loops share.

import CSQLite
import Tokens
import UV

/// An open database file with its two threads. Opened and closed on one thread; each event loop
/// gets a `SQLiteStore` of its own.
@safe public final class SQLiteFile {
    /// Jobs and questions that may wait; more are refused as `StoreError.unavailable`.
    static let queueMax = 65_536

    public let health: StoreHealth
    /// The registry beside the file. It is read and announced on one thread, the owner's or another.
    public let registry: SQLiteRegistry
    let metrics = StoreMetrics()
    let jobs = ParcelQueue<Job, JobAnswer>(jobsMax: queueMax)
    let questions = ParcelQueue<Question, Answer>(jobsMax: queueMax)
    private var writer: Worker?
    private var reader: Worker?
    private let lock: StoreLock

    /// Opens or makes the file, brings its schema up to date, and starts the threads.
    ///
    /// - Parameters:
    ///   - keyring: must hold the key that the file was last used with.
    ///   - mode: the one that the file was made in.
    ///   - report: gets one line each time the store fails or recovers.
    /// - Throws: `StoreFailure` that says what to do.
    public init(
        path: String, keyring: Keyring, settings: IssuerSettings,
        report: @escaping @Sendable (String) -> Void
    ) throws(StoreFailure) {
        health = StoreHealth(report: report)
        lock = try StoreLock(path)
        obie_sqlite_disable_statistics()
        do {
            let database = try Database(path: path, .readWrite)
            try Schema.prepareWriter(database)
            try Schema.migrate(database, path: path)
            try Schema.checkKeys(database, keyring, path: path)
            try Schema.checkMode(database, settings.mode, path: path)
            registry = try SQLiteRegistry(store: path, mode: settings.mode, of: lock)
            // Only now: had the registry refused the mode, the two would contradict each other.
            try Schema.write(settings.mode, database)
            let writer = try Writer(
                database, health: health, metrics: metrics, settings: settings)
            let readable = try Database(path: path, .readOnly)
            try Schema.prepareReader(readable)
            let reader = try Reader(readable, health: health)
            self.writer = try SQLiteFile.thread(owning: writer, named: "store writer") { [jobs] in
                $0.run(jobs)
            }
            self.reader = try SQLiteFile.thread(owning: reader, named: "store reader") {
                [questions] in $0.run(questions)
            }
        } catch {
            SQLiteFile.close(questions, reader, jobs, writer, lock)
            throw error as? StoreFailure
                ?? StoreFailure("cannot open the store \(path): \(error)")
        }
    }

    /// A thread of the store, which says what is lacking where it gets none.
    private static func thread<Value>(
        owning value: Value, named name: String, _ run: @escaping @Sendable (Value) -> Void
    ) throws(StoreFailure) -> Worker {
        do throws(UVError) {
            return try Worker(owning: value, named: name, run)
        } catch {
            throw StoreFailure(
                "cannot start another thread: \(error); the store needs three, so allow more "
                    + "(ulimit -u, TasksMax=)")
        }
    }

    /// Finishes what is queued, closes the file and releases the lock. All loops must have ended, and
    /// nobody may watch the registry any more.
    public func close() {
        SQLiteFile.close(questions, reader, jobs, writer, lock)
        (reader, writer) = (nil, nil)
    }

    private static func close(
        _ questions: ParcelQueue<Question, Answer>, _ reader: Worker?,
        _ jobs: ParcelQueue<Job, JobAnswer>, _ writer: Worker?,
        _ lock: StoreLock
    ) {
        questions.close()
        reader?.join()
        // The last connection to go is the one that may move the log into the file.
        jobs.close()
        writer?.join()
        lock.release()
    }
}
