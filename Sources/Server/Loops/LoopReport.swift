// What the loops tell each other and the main thread.

import Synchronization
import UV

/// Shared by all loops of a server. Any thread.
final class LoopReport: Sendable {
    /// Loops that have not ended yet.
    let running = Atomic(0)
    /// Connections closed so far, by all loops.
    let closedConnections = Atomic(0)
    /// Listeners that cannot accept now.
    private let pausing = Atomic(0)
    private let onWarning: @Sendable (String) -> Void

    /// - Parameter onWarning: gets a line where the loops cannot accept, and one when they can again.
    init(onWarning: @escaping @Sendable (String) -> Void = { _ in }) {
        self.onWarning = onWarning
    }

    /// One line, however many listeners it hits.
    func acceptPauses(_ cause: UVError) {
        guard pausing.add(1, ordering: .acquiringAndReleasing).oldValue == 0 else { return }
        onWarning("cannot accept connections: \(cause); they wait until it goes on")
    }

    func acceptGoesOn() {
        let left = pausing.subtract(1, ordering: .acquiringAndReleasing).newValue
        if left == 0 { onWarning("connections are accepted again") }
    }
}
