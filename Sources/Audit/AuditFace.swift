// One event loop's face of a log that answers wait for.

import Synchronization
import Tokens
import UV

/// Up to which event, in the order of recording, all that was not told before is on disk, or is not.
struct AuditOutcome: Sendable {
    let upTo: Int
    let isOnDisk: Bool
}

/// Outcomes on their way to a loop. Any thread.
final class AuditMailbox: Sendable {
    private let outcomes = Mutex<[AuditOutcome]>([])
    private let wakeup: Wakeup.Sender

    init(_ wakeup: Wakeup.Sender) { self.wakeup = wakeup }

    func add(_ new: [AuditOutcome]) {
        outcomes.withLock { $0.append(contentsOf: new) }
        wakeup.wake()
    }

    func take() -> [AuditOutcome] {
        outcomes.withLock { outcomes in
            let taken = outcomes
            outcomes = []
            return taken
        }
    }
}

/// Records events, and says when they are on disk. Its loop's thread only.
///
/// All that is recorded while the log's thread writes and syncs is its next batch: so the busier, the
/// larger the batches, and no timer.
public final class AuditFace: AuditGate {
    private let queue: AuditQueue
    private let writer: Wakeup.Sender
    private let mailbox: AuditMailbox
    private let wakeup: Wakeup
    private let turnEnd: BeforeWait
    private let relay: Relay
    /// Something was recorded in this turn, and the writer does not know of it.
    private var isNews = false
    /// In the order of recording.
    private var waiting: [(number: Int, completion: (Bool) -> Void)] = []
    private var isClosing = false

    private final class Relay {
        var onWake: (() -> Void)?
        var onTurnEnd: (() -> Void)?
    }

    /// To be closed before the log is.
    public init(_ log: AuditLog, _ loop: EventLoop) throws(UVError) {
        let relay = Relay()
        self.relay = relay
        let wakeup = try Wakeup(loop) { relay.onWake?() }
        self.wakeup = wakeup
        do throws(UVError) {
            turnEnd = try BeforeWait(loop) { relay.onTurnEnd?() }
        } catch {
            wakeup.close()
            throw error
        }
        mailbox = AuditMailbox(wakeup.sender)
        queue = log.queue
        writer = log.writer
        queue.add(mailbox)
        // Until the handles are closed, which is when nobody waits any more, they keep the face.
        relay.onWake = { [self] in collect() }
        // All that is recorded in a turn goes into one batch.
        relay.onTurnEnd = { [self] in send() }
    }

    public var isOpen: Bool { !queue.isFailing.load(ordering: .relaxed) }

    public func record(_ event: AuditEvent, completion: @escaping (Bool) -> Void) {
        guard let added = queue.addAwaited(AuditRecord(event)) else { return completion(false) }
        waiting.append((added.number, completion))
        isNews = isNews || added.isFirst
    }

    private func send() {
        if isNews { writer.wake() }
        isNews = false
    }

    private func collect() {
        for outcome in mailbox.take() {
            let count = waiting.prefix { $0.number <= outcome.upTo }.count
            let told = waiting.prefix(count)
            waiting.removeFirst(count)
            for item in told { item.completion(outcome.isOnDisk) }
        }
        guard isClosing, waiting.isEmpty else { return }
        queue.remove(mailbox)
        wakeup.close()
        turnEnd.close()
        (relay.onWake, relay.onTurnEnd) = (nil, nil)
    }

    public func close() {
        isClosing = true
        wakeup.sender.wake()
    }
}
