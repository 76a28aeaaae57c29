// Notices what the command line does to the registry of a running server. A thread of its own: to
// read a large registry takes longer than anybody's request may.

import System
import Tokens
import UV

/// Publishes each new version of a registry file.
final class RegistryWatcher {
    /// How late a change is noticed at the most, in milliseconds.
    static let pauseMilliseconds: UInt64 = 100

    private let registry: SQLiteRegistry
    private let feed: RegistryFeed
    private let lock: StoreLock
    private let health: StoreHealth
    private let loop: EventLoop
    private var timer: Timer?
    private var stopper: Wakeup?
    private var isFailing = false

    /// - Parameter lock: is told what has been published.
    private init(
        _ registry: SQLiteRegistry, _ feed: RegistryFeed, _ lock: StoreLock, _ health: StoreHealth
    ) throws(UVError) {
        self.registry = registry
        self.feed = feed
        self.lock = lock
        self.health = health
        loop = try EventLoop()
    }

    /// Reads the registry once, and begins to watch it.
    ///
    /// - Returns: what ends the watch, and the thread that then ends.
    static func start(
        _ registry: SQLiteRegistry, _ lock: StoreLock, _ health: StoreHealth
    ) throws -> (feed: RegistryFeed, stop: Wakeup.Sender, thread: Worker) {
        let content = try registry.load()
        let feed = RegistryFeed(Registry(content, now: Clock.wallMilliseconds()))
        lock.announce(registryVersion: content.version)
        let watcher = try RegistryWatcher(registry, feed, lock, health)
        let stopper = try Wakeup(watcher.loop) { [unowned watcher] in watcher.stop() }
        watcher.stopper = stopper
        let timer = try Timer(watcher.loop)
        watcher.timer = timer
        timer.start(
            afterMilliseconds: pauseMilliseconds, repeatMilliseconds: pauseMilliseconds
        ) { [unowned watcher] in watcher.look() }
        do {
            return (
                feed, stopper.sender,
                try Worker(owning: watcher, named: "registry") { $0.loop.run() }
            )
        } catch {
            // No thread to be had: what was opened on the loop is closed here instead.
            watcher.stop()
            watcher.loop.run()
            throw error
        }
    }

    private func stop() {
        timer?.close()
        stopper?.close()
    }

    private func look() {
        do {
            let now = Clock.wallMilliseconds()
            let hasRunOut = feed.registry.validUntil.map { $0 <= now } ?? false
            guard try registry.hasChanged() || hasRunOut else { return }
            let content = try registry.load()
            feed.publish(Registry(content, now: now))
            lock.announce(registryVersion: content.version)
            if isFailing { health.tell("the registry can be read again") }
            isFailing = false
        } catch {
            if !isFailing { health.tell("\(error); what was registered until now still counts") }
            isFailing = true
        }
    }
}
