// One connection to the database, as long as the store lives: made, lost, and made again. Runs one
// transaction at a time. Knows nothing of what transactions are about. docs/decisions/postgres.md says
// what of libpq made it like this.

import CPostgres
import System
import UV

/// Everything on the thread of its loop.
final class Link {
    private enum State {
        /// Until the timer fires.
        case resting
        /// Of a host's name.
        case lookingUp
        case connecting
        /// Has sent what prepares the session.
        case preparing(SessionSetup)
        case ready
        case running(LinkTransaction)
        case closed
    }

    private let loop: EventLoop
    private let plan: LinkPlan
    private let timer: Timer
    private var state = State.resting
    private var connection: PipelineConnection?
    private var poller: Poller?
    private var watched: Poller.Events = []
    private var pause: ReconnectPause
    /// Counts attempts, so that a lookup that comes late is told from the present one.
    private var attempt = 0
    private(set) var process: Int32?
    /// A pooler stands in between.
    private(set) var isPooled = false
    private var progressAt: UInt64 = 0

    /// A host that does not answer while a connection is made, and a server while it works.
    private static let connectMilliseconds: UInt64 = 2000
    static let silenceMilliseconds: UInt64 = 3000

    init(_ loop: EventLoop, _ plan: LinkPlan) throws(UVError) {
        self.loop = loop
        self.plan = plan
        timer = try Timer(loop)
        pause = ReconnectPause(hosts: plan.hosts.count)
    }

    var isReady: Bool { if case .ready = state { true } else { false } }
    var isRunning: Bool { if case .running = state { true } else { false } }

    func open() { connect() }

    /// What is under way is lost.
    func close() {
        let before = state
        state = .closed
        drop()
        timer.close()
        if case .running(let transaction) = before { transaction.completion(.lost) }
    }

    private func drop() {
        poller?.close()
        poller = nil
        watched = []
        connection = nil
    }

    /// Closes the connection where the server has said nothing for too long. To be called often.
    func checkSilence() {
        switch state {
        case .running, .preparing:
            guard loop.monotonicMilliseconds - progressAt >= Link.silenceMilliseconds else {
                return
            }
            lose("the server has said nothing for \(Link.silenceMilliseconds / 1000) s")
        case .resting, .lookingUp, .connecting, .ready, .closed: break
        }
    }

    /// Closes a connection behind a pooler that gives each transaction another process.
    func refusePooler() {
        process = nil
        lose(SessionSetup.poolerRefusal)
    }

    private func lose(_ cause: String) {
        let before = state
        if case .closed = before { return }
        state = .resting
        drop()
        timer.start(afterMilliseconds: pause.next()) { [weak self] in self?.connect() }
        if case .running(let transaction) = before { transaction.completion(.lost) }
        plan.isLost("\(plan.hosts[pause.lastHost].description): \(cause)")
    }
}

// MARK: Connecting

extension Link {
    private func connect() {
        attempt += 1
        let (host, number) = (plan.hosts[pause.host], attempt)
        timer.start(afterMilliseconds: Link.connectMilliseconds) { [weak self] in
            self?.lose("no connection within \(Link.connectMilliseconds / 1000) s")
        }
        guard let name = host.name else { return connect(host, nil) }
        state = .lookingUp
        do throws(UVError) {
            try NameLookup.addresses(of: name, loop) { [weak self] found in
                guard let self, case .lookingUp = state, attempt == number else { return }
                switch found {
                case .success(let addresses): connect(host, addresses[number % addresses.count])
                case .failure(let error): lose("cannot look up \(name): \(error)")
                }
            }
        } catch {
            lose("cannot look up \(name): \(error)")
        }
    }

    private func connect(_ host: Host, _ address: String?) {
        guard let made = PipelineConnection(host.keywords(address)) else {
            return lose("no memory for a connection")
        }
        connection = made
        state = .connecting
        if made.isBad { return lose(made.error) }
        goOn(.writing)
    }

    private func goOn(_ progress: PipelineConnection.Progress) {
        guard let connection else { return }
        switch progress {
        case .failed: lose(connection.error)
        case .connected: prepare(connection)
        case .reading, .writing:
            // A new one each time: the descriptor may be another connection's by now.
            watch(progress == .reading ? .readable : .writable) { [weak self] _ in
                guard let self, case .connecting = state, let connection = self.connection
                else { return }
                unwatch()
                goOn(connection.advance())
            }
        }
    }

    private func unwatch() {
        poller?.close()
        poller = nil
        watched = []
    }

    private func watch(
        _ events: Poller.Events, _ onEvents: @escaping (Result<Poller.Events, UVError>) -> Void
    ) {
        guard let connection else { return }
        unwatch()
        do throws(UVError) {
            let poller = try Poller(loop, connection.descriptor, onEvents)
            self.poller = poller
            poller.watch(events)
            watched = events
        } catch {
            lose("cannot watch the connection: \(error)")
        }
    }

    private func prepare(_ connection: PipelineConnection) {
        timer.stop()
        progressAt = loop.monotonicMilliseconds
        let setup = SessionSetup(connection, plan.statements)
        state = .preparing(setup)
        guard connection.becomeNonblocking(), setup.begin(plan.preparation(process)) else {
            return lose(connection.error)
        }
        watch(.readable) { [weak self] events in self?.attend(events) }
        flush()
    }

    private func prepared(_ process: Int32) {
        // A pooler names itself as the process that can be asked to cancel something.
        isPooled = connection.map { $0.announcedProcess != process } ?? false
        guard !plan.isShared(process, isPooled) else { return refusePooler() }
        self.process = process
        pause.succeeded()
        state = .ready
        plan.isReady()
    }
}

// MARK: Transactions

extension Link {
    /// Runs all steps as one transaction. Only where it is ready.
    ///
    /// - Parameter completion: runs once, later; by then the link is ready for the next, or lost.
    func run(_ steps: [Step], _ completion: @escaping (TransactionOutcome) -> Void) {
        guard case .ready = state, let connection else {
            preconditionFailure("a link runs one transaction at a time")
        }
        state = .running(
            LinkTransaction(
                steps: steps.count, warnings: connection.warnings, completion: completion))
        progressAt = loop.monotonicMilliseconds
        let isSent =
            steps.allSatisfy { connection.run($0.statement, $0.parameters) } && connection.sync()
        // The loss is told in the next turn, so that no completion runs inside this call.
        if isSent { flush() } else { loseSoon() }
    }

    private func loseSoon() {
        timer.start(afterMilliseconds: 0) { [weak self] in
            guard let self else { return }
            lose(connection?.error ?? "the connection was closed")
        }
    }

    private func flush() {
        guard let connection else { return }
        let events: Poller.Events
        switch connection.flush() {
        case .done: events = .readable
        case .more: events = [.readable, .writable]
        case .failed: return loseSoon()
        }
        if events != watched {
            poller?.watch(events)
            watched = events
        }
    }

    private func attend(_ events: Result<Poller.Events, UVError>) {
        guard let connection else { return }
        if case .success(let events) = events, !events.contains(.readable) { return flush() }
        guard connection.consume() else { return lose(connection.error) }
        progressAt = loop.monotonicMilliseconds
        drain(connection)
        guard self.connection === connection else { return }
        if connection.isBad { return lose(connection.error) }
        // A failure that reading did not show would be told in every turn.
        if case .failure(let error) = events { return lose("the connection failed: \(error)") }
        flush()
    }

    /// Takes the results that have come. `next` may give nothing though it need not wait (psycopg#604).
    private func drain(_ connection: PipelineConnection) {
        var nothings = 0
        while nothings < 3, self.connection === connection, !connection.isBusy {
            let result = connection.next()
            nothings = result == nil ? nothings + 1 : 0
            switch state {
            case .preparing(let setup):
                switch setup.take(result) {
                case .goesOn: break
                case .failed(let cause): return lose(cause)
                case .done(let process): prepared(process)
                }
            case .running: if let result { take(result, connection) }
            case .resting, .lookingUp, .connecting, .ready, .closed: break
            }
        }
    }

    private func take(_ result: ServerResult, _ connection: PipelineConnection) {
        guard case .running(var transaction) = state else { return }
        switch result.kind {
        case .done, .rows: transaction.results.append(result)
        case .skipped: break
        case .failed(let error): transaction.error = transaction.error ?? error
        case .synced: return end(transaction, connection)
        }
        state = .running(transaction)
        if let error = transaction.error, error.isFatal { lose(error.message) }
    }

    private func end(_ transaction: LinkTransaction, _ connection: PipelineConnection) {
        if let error = transaction.error {
            if error.endsConnection { return lose(SessionSetup.sentence(error)) }
            state = .ready
            return transaction.completion(.rolledBack(error))
        }
        guard transaction.results.count == transaction.steps else {
            return lose("the server has answered something else")
        }
        state = .ready
        transaction.completion(
            connection.warnings == transaction.warnings
                ? .committed(transaction.results) : .weaklyCommitted)
    }
}
