// What the loops tell each other and the main thread.

import Bytes
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
    /// Since when the next failed handshake is said again.
    private let nextHandshakeWarning = Atomic<UInt64>(0)
    private let onWarning: @Sendable (String) -> Void

    /// How often failed handshakes are said at most, in milliseconds: whoever causes them must not fill
    /// the log.
    private static let handshakeWarningMilliseconds: UInt64 = 60_000

    /// - Parameter onWarning: gets a line where the loops cannot accept, and one when they can again.
    init(onWarning: @escaping @Sendable (String) -> Void = { _ in }) {
        self.onWarning = onWarning
    }

    /// One line, however many listeners it hits.
    func acceptPauses(_ cause: UVError) {
        guard pausing.add(1, ordering: .acquiringAndReleasing).oldValue == 0 else { return }
        onWarning("cannot accept connections: \(cause); they wait until it goes on")
    }

    /// One line a minute, whoever else it hits.
    func handshakeFailed(_ reason: String, peer: [UInt8], at now: UInt64) {
        let due = nextHandshakeWarning.load(ordering: .relaxed)
        guard now >= due,
            nextHandshakeWarning.compareExchange(
                expected: due, desired: now + LoopReport.handshakeWarningMilliseconds,
                ordering: .relaxed
            ).exchanged
        else { return }
        onWarning(
            "a connection of \(AddressText.text(peer) ?? "a client that has gone") was refused: "
                + "\(reason); nobody else is named within the next minute")
    }

    func acceptGoesOn() {
        let left = pausing.subtract(1, ordering: .acquiringAndReleasing).newValue
        if left == 0 { onWarning("connections are accepted again") }
    }
}
