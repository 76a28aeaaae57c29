// How long a server may go by the registry that it has. Whoever changes the registry counts a server out once
// it has not been heard of for a while; by then this has run out, so it serves nobody by an old one.

import Synchronization
import System

/// Any thread.
public final class Lease: Sendable {
    /// Less than `Nodes.goneAfterMilliseconds`: clocks run a little differently.
    static let milliseconds: Int64 = 4000

    /// On the clock since boot, which goes on while a machine is suspended. In microseconds.
    private let end = Atomic(Int64.min)
    private let clock: @Sendable () -> Int64

    init(clock: @escaping @Sendable () -> Int64 = Clock.bootMicroseconds) { self.clock = clock }

    /// What the server goes by may be served. About 30 ns.
    public var holds: Bool { clock() < end.load(ordering: .acquiring) }

    /// - Parameter moment: before the database was asked.
    func extend(from moment: Int64) {
        end.store(moment + Lease.milliseconds * 1000, ordering: .releasing)
    }

    func giveUp() { end.store(.min, ordering: .releasing) }
}
