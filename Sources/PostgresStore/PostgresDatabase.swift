// The store in a PostgreSQL database that any number of servers share.

import Metrics
import StoreThreads
import System
import Tokens
import UV

/// The connections to a database, on a thread of their own. Opened and closed on one thread; each event
/// loop gets a face of its own. The database need not be reachable: until it is, and whenever it is not,
/// requests are answered as `unavailable`.
public final class PostgresDatabase {
    /// Jobs that may wait in each queue; more are refused as `StoreError.unavailable`.
    static let queueMax = 65_536

    let queues: StoreQueues
    let health: StoreHealth
    let metrics = StoreMetrics()
    private var worker: Worker?

    /// - Parameters:
    ///   - hosts: the connection parameters of libpq for each host, tried in turn: the one that takes
    ///     changes is used.
    ///   - nodeID: what this server is known by, unique among all that use the database, and the same
    ///     at each of its starts.
    ///   - timeoutMilliseconds: how long a request waits for the database. Whoever has waited longer is
    ///     told `unavailable`, and what may have happened for them is undone before all else.
    ///   - keptTokens: how long tokens stay that have expired.
    ///   - report: gets one line each time the database fails or recovers, without any secret.
    public init(
        hosts: [[(String, String)]], nodeID: [UInt8], timeoutMilliseconds: Int = 5000,
        keptTokens: Milliseconds = 0, report: @escaping @Sendable (String) -> Void
    ) throws(StoreFailure) {
        guard !hosts.isEmpty else {
            throw StoreFailure("there is no host to find the store's database on", .configuration)
        }
        health = StoreHealth(report: report)
        do throws(UVError) {
            let loop = try EventLoop()
            let turn = Turn()
            let wakeup = try Wakeup(loop) { turn.run?() }
            queues = StoreQueues(jobsMax: PostgresDatabase.queueMax) {
                [sender = wakeup.sender] in sender.wake()
            }
            let thread: StoreThread
            do throws(UVError) {
                thread = try StoreThread(
                    loop, wakeup, queues,
                    StoreThread.Settings(
                        hosts: hosts.map { Host($0) }, nodeID: nodeID,
                        timeoutMicroseconds: timeoutMilliseconds * 1000, keptTokens: keptTokens,
                        report: report),
                    health, metrics)
                turn.run = { [unowned thread] in thread.turn() }
                worker = try Worker(owning: thread, named: "store postgres") { $0.run() }
            } catch {
                loop.abandon()
                throw error
            }
        } catch {
            throw StoreFailure("cannot start the store's thread: \(error)")
        }
    }

    /// What the wake-up's closure reaches: the thread exists only after it.
    private final class Turn {
        var run: (() -> Void)?
    }

    /// Requests can be answered, as far as is known. Any thread.
    public var isAvailable: Bool { health.isGood }

    /// nil: it answers; otherwise how long ago it has last answered well. For a thread that does not have the
    /// database.
    public var silence: @Sendable () -> Milliseconds? { { [health] in health.silence } }

    /// What an event loop sees of the store.
    public func face(_ loop: EventLoop) throws(UVError) -> any TokenStore {
        try PostgresStore(self, loop)
    }

    /// The thread has not moved for longer. A database that does not answer does not stop it. Any thread.
    public func isStuck(longerThan milliseconds: UInt64) -> Bool {
        Clock.monotonicMicroseconds() - metrics.seenAt.value > Int(milliseconds) * 1000
    }

    /// Adds the store's families to the page. Any thread; waits for nobody.
    public func appendMetrics(to text: inout MetricsText) { metrics.append(to: &text) }

    /// What was written in all, for people; nil where nothing was.
    public var summary: String? { metrics.summary }

    /// Finishes what is queued, and what is to be undone, as far as the database allows within the
    /// time-out. All loops must have ended. Call once.
    public func close() {
        queues.close()
        worker?.join()
        worker = nil
    }
}
