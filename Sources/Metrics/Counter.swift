// Numbers that one thread counts and another one reads.

import Synchronization

/// A count that only one thread adds to; any thread reads it.
///
/// Adding is a load and a store, without the bus lock of an atomic addition: with a single writer
/// nothing can come in between.
public struct Counter: ~Copyable, Sendable {
    @usableFromInline let storage = Atomic<Int>(0)

    @inlinable public init() {}

    /// The one thread that counts.
    @inlinable public func add(_ amount: Int = 1) {
        storage.store(storage.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// The one thread that counts.
    @inlinable public func set(_ value: Int) { storage.store(value, ordering: .relaxed) }

    /// Any thread. A little old.
    @inlinable public var value: Int { storage.load(ordering: .relaxed) }
}

/// A counter that stands in lists.
public final class SharedCounter: Sendable {
    public let counter = Counter()
    public init() {}
}
