// The store on disk: one file, opened once, with a face for each event loop.

import CSQLite
import Glibc
import Tokens
import UV

/// An open database file with its two threads. Opened and closed on one thread; each event loop
/// gets a `SQLiteStore` of its own.
@safe public final class SQLiteFile {
    /// Jobs and questions that may wait; more are refused as `StoreError.unavailable`.
    static let queueMax = 65_536

    public let health: StoreHealth
    /// Who exists, as the file said when it was opened.
    public private(set) var registry = Registry.empty
    fileprivate let jobs = JobQueue<QueuedJob>(countMax: queueMax)
    fileprivate let questions = JobQueue<QueuedQuestion>(countMax: queueMax)
    private var writer: Worker?
    private var reader: Worker?
    // Closed in `close`; the lock goes with it.
    private var lock: Int32

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
        lock = try SQLiteFile.lock(path)
        obie_sqlite_disable_statistics()
        do {
            let database = try Database(path: path, .readWrite)
            try Schema.prepareWriter(database)
            try Schema.migrate(database, path: path)
            try Schema.checkKeys(database, keyring, path: path)
            registry = try Schema.openRegistry(database, settings.mode, path: path)
            let writer = try Writer(
                database, health: health, settings: settings)
            let readable = try Database(path: path, .readOnly)
            try Schema.prepareReader(readable)
            let reader = try Reader(readable)
            self.writer = try Worker(owning: writer) { [jobs] in $0.run(jobs) }
            self.reader = try Worker(owning: reader) { [questions] in $0.run(questions) }
        } catch let failure as SQLiteStoreFailure {
            close()
            throw failure
        } catch {
            close()
            throw SQLiteStoreFailure("cannot open the store \(path): \(error)")
        }
    }

    /// One process at a time: SQLite itself would let two servers write in turns.
    private static func lock(_ path: String) throws(SQLiteStoreFailure) -> Int32 {
        let descriptor = unsafe open("\(path).lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SQLiteStoreFailure(
                "cannot write beside the store \(path) (errno \(errno)); choose another path or "
                    + "allow this user to write to its folder")
        }
        // For this user only, before SQLite would make it for all; the log beside it follows suit.
        let file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if file >= 0 { Glibc.close(file) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(descriptor)
            throw SQLiteStoreFailure(
                "the store \(path) is in use by another server; stop that one, or choose another "
                    + "path with --store")
        }
        return descriptor
    }

    /// Finishes what is queued, closes the file and releases the lock. All loops must have ended.
    public func close() {
        questions.close()
        reader?.join()
        reader = nil
        // The last connection to go is the one that may move the log into the file.
        jobs.close()
        writer?.join()
        writer = nil
        if lock >= 0 { Glibc.close(lock) }
        lock = -1
    }
}

/// One event loop's face of the file. Its thread only.
public final class SQLiteStore: TokenStore {
    private let file: SQLiteFile
    private var mailbox: Mailbox?
    private var wakeup: Wakeup?
    /// By ticket; a ticket is a place in here, and is given again once it is free.
    private var waiting: [((JobResult) -> Void)?] = []
    private var freeTickets: [Int] = []

    public init(_ file: SQLiteFile, loop: EventLoop) throws(UVError) {
        self.file = file
        let wakeup = try Wakeup(loop) { [weak self] in self?.collect() }
        self.wakeup = wakeup
        mailbox = Mailbox(wakeup.sender)
    }

    public var isAvailable: Bool { file.health.isGood }

    /// Lets go of the loop. Nothing may be waiting any more.
    public func close() {
        wakeup?.close()
        wakeup = nil
    }

    private func collect() {
        for (ticket, result) in mailbox?.take() ?? [] {
            guard let completion = waiting[ticket].take() else { continue }
            freeTickets.append(ticket)
            completion(result)
        }
    }

    private func wait(_ completion: @escaping (JobResult) -> Void) -> Int {
        if let ticket = freeTickets.popLast() {
            waiting[ticket] = completion
            return ticket
        }
        waiting.append(completion)
        return waiting.count - 1
    }

    /// Nobody was asked after all.
    private func refuse(_ ticket: Int) {
        guard let completion = waiting[ticket].take() else { return }
        freeTickets.append(ticket)
        completion(.failed)
    }

    private func ask(_ job: Job, _ completion: @escaping (JobResult) -> Void) {
        let ticket = wait(completion)
        guard let mailbox, file.jobs.add(QueuedJob(job: job, ticket: ticket, mailbox: mailbox))
        else { return refuse(ticket) }
    }

    public func insert(
        _ code: AuthorizationCode, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        ask(.insert(code)) { result in
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
        ask(.redeem(attempt)) { result in
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
        ask(.token(id, now: now)) { result in
            if case .token(let token) = result {
                completion(.success(token))
            } else {
                completion(.failure(.unavailable))
            }
        }
    }

    public func insert(
        _ token: CCGToken, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        ask(.insertCCG(token)) { result in
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
        ask(.ccgToken(id)) { result in
            if case .ccgToken(let token) = result {
                completion(.success(token))
            } else {
                completion(.failure(.unavailable))
            }
        }
    }

    private func ask(_ question: Question, _ completion: @escaping (JobResult) -> Void) {
        let ticket = wait(completion)
        guard let mailbox,
            file.questions.add(
                QueuedQuestion(question: question, ticket: ticket, mailbox: mailbox))
        else { return refuse(ticket) }
    }

    public func removeExpired(
        now: Milliseconds, completion: @escaping (Result<Milliseconds?, StoreError>) -> Void
    ) {
        ask(.removeExpired(now: now)) { result in
            if case .expired(let next) = result {
                completion(.success(next))
            } else {
                completion(.failure(.unavailable))
            }
        }
    }
}
