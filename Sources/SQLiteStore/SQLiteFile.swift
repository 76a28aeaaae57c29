// The store on disk: one file, opened once, with two threads that all loops share.

import StoreThreads
import Tokens
import UV

/// An open database file with its two threads. Opened and closed on one thread; each event loop
/// gets a `SQLiteStore` of its own.
@safe public final class SQLiteFile {
    /// Jobs and questions that may wait; more are refused as `StoreError.unavailable`.
    static let queueMax = 65_536

    public let health: StoreHealth
    /// The registry beside the file. It is read and announced on one thread, the owner's or another.
    public let registry: ServedRegistry
    /// When the last of what it held was issued when it was opened; nil: it held nothing.
    public let newestTime: Milliseconds?
    /// For people, where its tables were older than this program; nil: they were not.
    public let migration: String?
    let metrics = StoreMetrics()
    let recent: RecentTokens
    let jobs = ParcelQueue<Job, JobAnswer>(jobsMax: queueMax)
    let questions = ParcelQueue<Question, Answer>(jobsMax: queueMax)
    private var writer: Worker?
    private var reader: Worker?
    private let place: StorePlace

    /// Opens or makes the file, brings its schema up to date, and starts the threads.
    ///
    /// - Parameters:
    ///   - companions: files beside it that only a store that was used has.
    ///   - settings: of the mode that the file was made in.
    ///   - now: nothing will be issued before.
    ///   - report: gets one line each time the store fails or recovers.
    ///   - onLoss: is called where a sync has failed. From then on the store takes no changes, and the
    ///     process has to end: only a new one knows what is on the disk.
    ///   - keyring: is asked for the keys; among them must be all that something alive needs. It is told
    ///     whether the file has never been used with any.
    /// - Throws: `StoreFailure` that says what to do, or what `keyring` throws. Where the store is
    ///   not used then, nothing is left that was not there before.
    public init(
        path: String, companions: [String] = [], settings: IssuerSettings, now: Milliseconds,
        report: @escaping @Sendable (String) -> Void, onLoss: @escaping @Sendable () -> Void,
        keyring: (_ isNew: Bool) throws -> Keyring
    ) throws {
        health = StoreHealth(report: report, onLoss: onLoss)
        place = try StorePlace(path, companions: companions, for: .server)
        let changes = TokenChanges()
        recent = RecentTokens(changes)
        var hasKeys = false
        do {
            let database = try Database(path: path, .writing)
            let keys = try keyring(try !KnownKeys.areThere(database))
            hasKeys = true
            try KnownKeys.check(database, keys, path: path)
            // Nothing has been changed so far.
            try Schema.prepareWriter(database)
            migration = try SQLiteFile.migrate(database, path)
            newestTime = try IssueTimes.newest(database, atStart: true)
            try Schema.checkMode(database, settings.mode, path: path)
            let (registry, mark) = try SQLiteFile.registry(path, settings.mode, database)
            // Only now: had the registry refused the mode, the two would contradict each other.
            try StoreMemory.remember(mark, database)
            try Schema.write(settings.mode, database)
            try KnownKeys.begin(database, keys, now: now)
            let writer = try Writer(
                database, health: health, metrics: metrics, changes: changes,
                keptTokens: settings.expiredTokenMemory)
            let consents = try registry.consents(after: -1)
            try writer.adopt(consents, now: newestTime ?? 0)
            let readable = try Database(path: path, .readOnly)
            try Schema.prepareReader(readable)
            let reader = try Reader(readable, health: health, metrics: metrics)
            for connection in [database, readable] { connection.waitForNobody() }
            self.registry = ServedRegistry(
                registry, store: path, place.lock, health, RegistryMemory(mark, jobs),
                ConsentHandover(consents.last?.version ?? -1, jobs))
            self.writer = try SQLiteFile.thread(owning: writer, named: "store writer") { [jobs] in
                $0.run(jobs)
            }
            self.reader = try SQLiteFile.thread(owning: reader, named: "store reader") {
                [questions] in $0.run(questions)
            }
        } catch {
            SQLiteFile.close(questions, reader, jobs, writer)
            if hasKeys { place.lock.release() } else { place.abandon() }
            guard let error = error as? DatabaseError else { throw error }
            throw StoreFailure("cannot open the store \(path): \(error)")
        }
    }

    /// The registry, once it is known to be the store's, and its newest state.
    private static func registry(
        _ path: String, _ mode: IssuerSettings.Mode, _ database: Database
    ) throws -> (SQLiteRegistry, RegistryMark) {
        let memory = try StoreMemory(database)
        let registry = try SQLiteRegistry(store: path, mode: mode, makes: !memory.hasServed)
        // In this order, so that a crash in between leaves what the next start takes.
        let id = try StoreMemory.makeID(database)
        var mark = try registry.currentMark()
        if mark.id == nil, memory.registry == nil {
            try registry.adopt(id)
            mark.id = id
        }
        let known = memory.registry ?? RegistryMark(id: id, version: 0, nextNumber: 0)
        try known.check(mark, at: registry.path, store: path)
        return (registry, mark)
    }

    private static func migrate(_ database: Database, _ path: String) throws -> String? {
        let (before, now) = (
            try Schema.migrate(database, path: path), Schema.mark.newestVersion
        )
        if before == now { return nil }
        return
            "the store \(path) has tables of version \(now) now; it had \(before), and programs that "
            + "only know those cannot open it any more"
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

    /// Where the figures of the reports are kept. For one thread.
    public var reports: SQLiteReports { SQLiteReports(jobs, place.lock.heartbeat) }

    /// Lets commands know with which files the store is used.
    public func note(_ notes: ServerNotes) throws(StoreFailure) { try place.lock.note(notes) }

    /// Finishes what is queued, closes the file and releases the lock. All loops must have ended, and
    /// nobody may watch the registry any more.
    public func close() {
        SQLiteFile.close(questions, reader, jobs, writer)
        place.lock.release()
        (reader, writer) = (nil, nil)
    }

    private static func close(
        _ questions: ParcelQueue<Question, Answer>, _ reader: Worker?,
        _ jobs: ParcelQueue<Job, JobAnswer>, _ writer: Worker?
    ) {
        questions.close()
        reader?.join()
        // The last connection to go is the one that may move the log into the file.
        jobs.close()
        writer?.join()
    }
}

extension SQLiteFile {
    /// The same with keys that are there already.
    public convenience init(
        path: String, keyring: Keyring, settings: IssuerSettings, now: Milliseconds = 0,
        report: @escaping @Sendable (String) -> Void, onLoss: @escaping @Sendable () -> Void = {}
    ) throws {
        try self.init(
            path: path, settings: settings, now: now, report: report, onLoss: onLoss
        ) { _ in keyring }
    }
}
