// The store on disk: one file, opened once, with a face for each event loop.

import CSQLite
import Tokens
import UV

/// An open database file with its two threads. Opened and closed on one thread; each event loop
/// gets a `SQLiteStore` of its own.
@safe public final class SQLiteFile {
    /// Jobs and questions that may wait; more are refused as `StoreError.unavailable`.
    static let queueMax = 65_536

    public let health: StoreHealth
    /// Who exists, as the registry file says.
    public let registry: RegistryFeed
    let metrics = StoreMetrics()
    let jobs = ParcelQueue<Job, JobResult>(jobsMax: queueMax)
    let questions = ParcelQueue<Question, Answer>(jobsMax: queueMax)
    private var writer: Worker?
    private var reader: Worker?
    private var watcher: (stop: Wakeup.Sender, thread: Worker)?
    private let lock: StoreLock

    /// Opens or makes the file, brings its schema up to date, and starts the threads.
    ///
    /// - Parameters:
    ///   - keyring: must hold the key that the file was last used with.
    ///   - mode: the one that the file was made in.
    ///   - report: gets one line each time the store fails or recovers.
    /// - Throws: `SQLiteStoreFailure` that says what to do.
    public init(
        path: String, keyring: Keyring, settings: IssuerSettings,
        report: @escaping @Sendable (String) -> Void
    ) throws(SQLiteStoreFailure) {
        health = StoreHealth(report: report)
        lock = try StoreLock(path)
        obie_sqlite_disable_statistics()
        do {
            let database = try Database(path: path, .readWrite)
            try Schema.prepareWriter(database)
            try Schema.migrate(database, path: path)
            try Schema.checkKeys(database, keyring, path: path)
            try Schema.checkMode(database, settings.mode, path: path)
            let watched = try RegistryWatcher.start(
                try SQLiteRegistry(store: path, mode: settings.mode), lock, health)
            registry = watched.feed
            watcher = (watched.stop, watched.thread)
            // Only now: had the registry refused the mode, the two would contradict each other.
            try Schema.write(settings.mode, database)
            let writer = try Writer(
                database, health: health, metrics: metrics, settings: settings)
            let readable = try Database(path: path, .readOnly)
            try Schema.prepareReader(readable)
            let reader = try Reader(readable)
            self.writer = try Worker(owning: writer, named: "store writer") { [jobs] in $0.run(jobs)
            }
            self.reader = try Worker(owning: reader, named: "store reader") { [questions] in
                $0.run(questions)
            }
        } catch {
            SQLiteFile.close(questions, reader, jobs, writer, watcher, lock)
            throw error as? SQLiteStoreFailure
                ?? SQLiteStoreFailure("cannot open the store \(path): \(error)")
        }
    }

    /// Finishes what is queued, closes the file and releases the lock. All loops must have ended.
    public func close() {
        SQLiteFile.close(questions, reader, jobs, writer, watcher, lock)
        (reader, writer, watcher) = (nil, nil, nil)
    }

    private static func close(
        _ questions: ParcelQueue<Question, Answer>, _ reader: Worker?,
        _ jobs: ParcelQueue<Job, JobResult>, _ writer: Worker?,
        _ watcher: (stop: Wakeup.Sender, thread: Worker)?, _ lock: StoreLock
    ) {
        watcher?.stop.wake()
        watcher?.thread.join()
        questions.close()
        reader?.join()
        // The last connection to go is the one that may move the log into the file.
        jobs.close()
        writer?.join()
        lock.release()
    }
}

/// One event loop's face of the file. Its thread only.
public final class SQLiteStore: TokenStore {
    private let health: StoreHealth
    private let writer: Asker<Job, JobResult>
    private let reader: Asker<Question, Answer>
    private let wakeup: Wakeup
    private let turnEnd: BeforeWait

    public init(_ file: SQLiteFile, loop: EventLoop) throws(UVError) {
        health = file.health
        let ends = Ends()
        wakeup = try Wakeup(loop) {
            ends.writer?.collect()
            ends.reader?.collect()
        }
        do throws(UVError) {
            turnEnd = try BeforeWait(loop) {
                ends.writer?.send()
                ends.reader?.send()
            }
        } catch {
            wakeup.close()
            throw error
        }
        writer = Asker(file.jobs, wakeup.sender, refusal: .failed)
        reader = Asker(file.questions, wakeup.sender, refusal: .failed)
        (ends.writer, ends.reader) = (writer, reader)
    }

    /// What the handles' closures reach: the two exist only after them.
    private final class Ends {
        var writer: Asker<Job, JobResult>?
        var reader: Asker<Question, Answer>?
    }

    public var isAvailable: Bool { health.isGood }

    /// Lets go of the loop. Nothing may be waiting any more.
    public func close() {
        wakeup.close()
        turnEnd.close()
    }

    public func insert(
        _ code: AuthorizationCode, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        writer.ask(.insert(code)) { result in
            if case .inserted = result {
                completion(.success(()))
            } else {
                completion(.failure(.unavailable))
            }
        }
    }

    public func redeem(
        _ attempt: Redemption, completion: @escaping (Result<RedemptionOutcome, StoreError>) -> Void
    ) {
        writer.ask(.redeem(attempt)) { result in
            if case .redeemed(let outcome) = result {
                completion(.success(outcome))
            } else {
                completion(.failure(.unavailable))
            }
        }
    }

    public func token(
        _ id: Identifier, now: Milliseconds,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        reader.ask(.token(id, now: now)) { answer in
            if case .token(let token) = answer {
                completion(.success(token))
            } else {
                completion(.failure(.unavailable))
            }
        }
    }

    public func revoke(
        _ id: Identifier, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        writer.ask(.revoke(id)) { result in
            if case .revoked = result {
                completion(.success(()))
            } else {
                completion(.failure(.unavailable))
            }
        }
    }

    public func insert(
        _ token: CCGToken, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        writer.ask(.insertCCG(token)) { result in
            if case .inserted = result {
                completion(.success(()))
            } else {
                completion(.failure(.unavailable))
            }
        }
    }

    public func ccgToken(
        _ id: Identifier, completion: @escaping (Result<CCGToken?, StoreError>) -> Void
    ) {
        reader.ask(.ccgToken(id)) { answer in
            if case .ccgToken(let token) = answer {
                completion(.success(token))
            } else {
                completion(.failure(.unavailable))
            }
        }
    }

    public func removeExpired(
        now: Milliseconds, completion: @escaping (Result<Milliseconds?, StoreError>) -> Void
    ) {
        writer.ask(.removeExpired(now: now)) { result in
            if case .expired(let next) = result {
                completion(.success(next))
            } else {
                completion(.failure(.unavailable))
            }
        }
    }
}
