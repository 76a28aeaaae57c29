// The registry of a running server: replaced as a whole, seen by every event loop with its next
// request.

import Synchronization

/// Holds the newest registry. Any thread.
public final class RegistryFeed: Sendable {
    private let latest: Mutex<Registry>
    private let count = Atomic(0)

    public init(_ registry: Registry) { latest = Mutex(registry) }

    public var registry: Registry { latest.withLock { $0 } }

    /// How often it has been replaced: cheap to ask before each request.
    var generation: Int { count.load(ordering: .acquiring) }

    /// From now on every request that begins sees this one.
    public func publish(_ registry: Registry) {
        latest.withLock { $0 = registry }
        count.add(1, ordering: .releasing)
    }
}
