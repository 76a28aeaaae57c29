// The registry of a running server, beside others on the same database. The thread that watches it also keeps
// the server a member of them, and measures the database's clock.

import System
import Tokens

/// The server's side of the registry. One thread at a time; blocks, for some seconds at the most.
public final class SharedRegistry: RegistryStore {
    public let mode: IssuerSettings.Mode
    private let connector: Connector
    private let membership: NodeMembership
    private let state: NodeState
    private let clock: Timekeeper
    private var session: BlockingSession?
    private var isMember = false
    /// Of what the database had when the server joined.
    private var newestAtStart: Milliseconds?
    /// Nobody has lived by the time before the database's is known.
    private var hasTime = false
    /// What was loaded last.
    private var loaded: (version: Int64, stamp: [UInt8])?
    /// What was found to be older than that, and was told.
    private var setBack: (version: Int64, stamp: [UInt8])?
    /// What every request sees.
    private var served: (version: Int64, stamp: [UInt8])?

    /// For each host, and for each statement that all requests may wait for.
    private static let timeoutMilliseconds = 1000
    /// A large registry takes its time.
    private static let loadMilliseconds = 30_000

    public init(
        _ settings: ConnectionSettings, node: Node, keyring: Keyring,
        mode: IssuerSettings.Mode, state: NodeState, clock: Timekeeper
    ) {
        connector = Connector(settings, timeoutMilliseconds: SharedRegistry.timeoutMilliseconds)
        membership = NodeMembership(
            node: node, keyring: keyring, mode: mode, place: settings.place)
        (self.mode, self.state, self.clock) = (mode, state, clock)
    }

    /// Joins before anything has begun, so that a mistake ends the start.
    ///
    /// - Returns: why the database cannot be reached now; nil where it can.
    /// - Throws: where the server must not join.
    public func begin() throws(StoreFailure) -> String? {
        do throws(StoreFailure) {
            try StoreFailure.explaining(connector.place) {
                let poll = try self.poll()
                measure(poll, mayGoBack: true)
            }
            return nil
        } catch {
            guard error.kind == .system else { throw error }
            return error.description
        }
    }

    /// Asks the database how things are. The lease goes on where requests see what is there now.
    public func version() throws -> Int64 {
        do throws(StoreFailure) {
            return try askedVersion()
        } catch {
            // Those who watch tell people of the others.
            if error.kind != .system { state.refused(error.description) }
            throw error
        }
    }

    private func askedVersion() throws(StoreFailure) -> Int64 {
        try StoreFailure.explaining(connector.place) {
            let poll = try self.poll()
            state.joined()
            measure(poll, mayGoBack: false)
            let now = (version: poll.registryVersion, stamp: poll.registryStamp)
            if let served, served == now { state.lease.extend(from: poll.sent) }
            guard let loaded, isOlder(now, than: loaded) else { return now.version }
            if setBack.map({ $0 != now }) ?? true {
                setBack = now
                state.registrySetBack(from: loaded.version, to: now.version)
            }
            // Also where another change has the version of one that is lost.
            return loaded.version == now.version ? -1 : now.version
        }
    }

    /// A backup was put back, or a fail-over has lost changes; others may have come since.
    private func isOlder(
        _ now: (version: Int64, stamp: [UInt8]), than loaded: (version: Int64, stamp: [UInt8])
    ) -> Bool {
        now.version < loaded.version
            || now.version == loaded.version && now.stamp != loaded.stamp
    }

    public func load() throws -> RegistryContent {
        try StoreFailure.explaining(connector.place) {
            let session = try open()
            session.timeoutMilliseconds = SharedRegistry.loadMilliseconds
            defer { session.timeoutMilliseconds = SharedRegistry.timeoutMilliseconds }
            let found = try session.transaction(.reading) {
                try RegistryReading.read(session, mode)
            }
            (loaded, setBack) = ((found.content.version, found.stamp), nil)
            return found.content
        }
    }

    public func takenOver(_ version: Int64) throws {
        try StoreFailure.explaining(connector.place) {
            let seen = (version: version, stamp: loaded?.stamp ?? [])
            served = seen
            let poll = try self.poll()
            if seen == (poll.registryVersion, poll.registryStamp) {
                state.lease.extend(from: poll.sent)
            }
        }
    }

    /// Leaves the others, so that no command waits for this server. Call once, last.
    public func leave() {
        state.lease.giveUp()
        guard let session, session.isOpen, isMember else { return }
        do throws(SessionError) {
            try Nodes.remove(membership.node, session)
        } catch {
            // The row is of no use to anybody after some seconds.
        }
        session.close()
    }

    public func update<Answer>(
        _ change: (inout RegistryContent) throws -> Answer
    ) throws -> (answer: Answer, version: Int64) {
        preconditionFailure("only commands change a shared registry")
    }

    public func forgetConsents(revokedBefore moment: Milliseconds) throws {
        preconditionFailure("only commands ask for it")
    }

    public func wait(forTakeover version: Int64, milliseconds: Int) throws -> RegistryTakeover {
        preconditionFailure("only commands wait")
    }
}

extension SharedRegistry {
    private func open() throws -> BlockingSession {
        if let session, session.isOpen { return session }
        isMember = false
        let opened = try connector.connect()
        session = opened
        return opened
    }

    /// Asks the database how things are. What has failed is tried again on another connection: this one
    /// may lead to a host that takes no changes any more.
    private func poll() throws -> NodePoll {
        let session = try open()
        do {
            return try poll(session)
        } catch let error as SessionError {
            session.close()
            guard error.state == SessionError.lockNotAvailable else { throw error }
            // Nobody has given this server a command to repeat.
            throw SessionError(description: "\(error), which somebody else holds")
        }
    }

    /// Joins where the server is no member: at first, and after the others may have counted it out.
    private func poll(_ session: BlockingSession) throws -> NodePoll {
        if served != nil, !state.lease.holds { isMember = false }
        if !isMember { try join(session) }
        let poll = try ask(session)
        guard !poll.isMember else { return poll }
        // Somebody has removed the row.
        try join(session)
        return try ask(session)
    }

    private func ask(_ session: BlockingSession) throws(SessionError) -> NodePoll {
        try NodePoll(
            session, membership.node, registryVersion: served?.version,
            timeAhead: hasTime ? -clock.wallClockAhead * 1000 : nil)
    }

    private func join(_ session: BlockingSession) throws {
        let newest = try membership.join(session, registryVersion: served?.version)
        isMember = true
        newestAtStart = newest
    }

    /// - Parameter mayGoBack: nobody has lived by the time yet.
    private func measure(_ poll: NodePoll, mayGoBack: Bool) {
        let reference = clock.reference
        let offset = reference?.measured(poll.time, sent: poll.sent, received: poll.received) ?? 0
        if !hasTime {
            hasTime = true
            clock.beginAnew(mayGoBack: mayGoBack, ahead: poll.othersAhead ?? 0)
            // The others know better than a row that somebody has written by a wrong clock.
            if poll.othersAhead == nil { clock.begin(notBefore: newestAtStart) }
        }
        state.polled(
            offset: offset / 1000, ahead: clock.wallClockAhead,
            isStandbyNamed: poll.isStandbyNamed, standbys: poll.standbys)
    }
}
