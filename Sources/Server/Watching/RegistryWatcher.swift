// Notices what commands do to the registry of a running server. A thread of its own: to read a large
// registry takes longer than anybody's request may. Knows no store but by its contract.

import System
import Tokens
import UV

/// Publishes each new version of a registry, whatever keeps it.
public final class RegistryWatcher {
    private let kind: Kind
    private let registry: any RegistryStore
    private let feed: RegistryFeed
    private let cryptography: any Cryptography
    private let now: @Sendable () -> Milliseconds
    private let report: @Sendable (String) -> Void
    private let loop: EventLoop
    private var timer: UV.Timer?
    private var stopper: Wakeup?
    /// The version that is published; nil: none has been read yet.
    private var seen: Int64?
    /// The version that commands have been told of; nil: what is published they have not.
    private var announced: Int64?
    private var failing: Set<Step> = []
    /// What was published before, as long as a request may see it. The last to let go of a large one frees
    /// it, which takes tens of milliseconds: that must be this thread.
    private var retired: [Registry] = []

    private init(
        _ registry: any RegistryStore, _ cryptography: any Cryptography, _ kind: Kind,
        _ feed: RegistryFeed, _ seen: Int64?, _ now: @escaping @Sendable () -> Milliseconds,
        _ report: @escaping @Sendable (String) -> Void
    ) throws(UVError) {
        self.registry = registry
        self.cryptography = cryptography
        self.kind = kind
        self.feed = feed
        self.now = now
        self.report = report
        self.seen = seen
        loop = try EventLoop()
    }

    /// A registry that is being watched. Any thread.
    public final class Watch: Sendable {
        /// Always the newest version that could be read.
        public let feed: RegistryFeed
        private let stopper: Wakeup.Sender
        private let thread: Worker

        fileprivate init(_ feed: RegistryFeed, _ stopper: Wakeup.Sender, _ thread: Worker) {
            self.feed = feed
            self.stopper = stopper
            self.thread = thread
        }

        /// Ends the watch; the registry is let go of when this returns. Call once.
        public func stop() {
            stopper.wake()
            thread.join()
        }
    }

    /// Reads the registry once, and begins to watch it on a thread of its own.
    ///
    /// - Parameters:
    ///   - registry: belongs to the watch from now on.
    ///   - now: the time by which old secrets run out.
    ///   - report: gets a line each time the registry cannot be read, and when it can be again. Any
    ///     thread.
    /// - Throws: what the registry throws, and `UVError` where there is no thread.
    public static func watch(
        _ registry: any RegistryStore, _ cryptography: any Cryptography,
        now: @escaping @Sendable () -> Milliseconds, report: @escaping @Sendable (String) -> Void
    ) throws -> Watch {
        let content = try registry.load()
        let feed = RegistryFeed(Registry(content, now: now(), cryptography))
        return try RegistryWatcher(
            registry, cryptography, .own, feed, content.version, now, report
        ).start(looks: true)
    }

    /// Begins to watch a registry that servers share, on a thread of its own. Until it has been read nobody
    /// is registered.
    ///
    /// - Parameter isReachable: false where people know that it cannot be read now.
    public static func watchShared(
        _ registry: any RegistryStore, _ cryptography: any Cryptography, isReachable: Bool,
        now: @escaping @Sendable () -> Milliseconds, report: @escaping @Sendable (String) -> Void
    ) throws -> Watch {
        let nobody = RegistryContent(mode: registry.mode)
        let feed = RegistryFeed(Registry(nobody, now: now(), cryptography))
        let watcher = try RegistryWatcher(
            registry, cryptography, .shared, feed, nil, now, report)
        if !isReachable { watcher.failing = [.reading] }
        return try watcher.start(looks: isReachable)
    }

    /// - Parameter looks: looks once before this returns.
    private func start(looks: Bool) throws -> Watch {
        do {
            let stopper = try Wakeup(loop) { [unowned self] in stop() }
            self.stopper = stopper
            let timer = try Timer(loop)
            self.timer = timer
            timer.start(
                afterMilliseconds: kind.pauseMilliseconds,
                repeatMilliseconds: kind.pauseMilliseconds
            ) { [unowned self] in look() }
            if looks { look() }
            return Watch(
                feed, stopper.sender,
                try Worker(owning: self, named: "registry") { $0.loop.run() })
        } catch {
            // No thread to be had: what was opened on the loop is closed here instead.
            loop.abandon()
            throw error
        }
    }

    private func stop() {
        timer?.close()
        stopper?.close()
    }

    /// A failure of either step is told once, and the step is tried again each time.
    private func look() {
        for index in retired.indices.reversed() where isKnownUniquelyReferenced(&retired[index]) {
            retired.remove(at: index)
        }
        attempt(.reading) { try publish() }
        attempt(.announcing) {
            guard let seen, seen != announced else { return }
            try registry.takenOver(seen)
            announced = seen
        }
    }

    private func publish() throws {
        let now = now()
        let hasRunOut = feed.registry.validUntil.map { $0 <= now } ?? false
        guard try registry.version() != seen || hasRunOut else { return }
        let content = try registry.load()
        retired.append(feed.registry)
        feed.publish(Registry(content, now: now, cryptography))
        seen = content.version
        // Also where it has the number of one that is lost.
        announced = nil
    }

    private func attempt(_ step: Step, _ body: () throws -> Void) {
        do {
            try body()
            if failing.remove(step) != nil { report(step.recovery) }
        } catch {
            if failing.insert(step).inserted { report("\(error); \(consequence(of: step))") }
        }
    }

    private func consequence(of step: Step) -> String {
        switch (step, kind) {
        case (.reading, .own): "what was registered until now still counts"
        case (.reading, .shared):
            "what is registered may change meanwhile, so requests get 503 soon"
        case (.announcing, _): "other changes count, but commands wait in vain for this server"
        }
    }

    /// Whose the registry is.
    private enum Kind {
        /// This server's alone, on this machine.
        case own
        /// That of several servers, in a database which each question has to reach.
        case shared

        /// How late a change is noticed at the most.
        var pauseMilliseconds: UInt64 {
            switch self {
            case .own: 100
            case .shared: 250
            }
        }
    }

    private enum Step {
        case reading, announcing

        var recovery: String {
            switch self {
            case .reading: "the registry can be read again"
            case .announcing: "commands are told again what this server has taken over"
            }
        }
    }
}
