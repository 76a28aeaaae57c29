// Removing what has expired: asked for by each loop once a second, done on whichever writing connection
// is free, by one server at a time.

import StoreThreads
import Tokens

/// One look, asked for by a loop.
struct PendingChore {
    let now: Milliseconds
    let ticket: Ticket<Chore, ChoreAnswer>
    /// When it came, in monotonic microseconds.
    let since: Int
}

/// The store's thread.
final class Chores {
    private let inbox: Inbox<Chore, ChoreAnswer>
    private var rows: ExpiredRows
    private var waiting: [PendingChore] = []
    private var isUnderWay = false

    /// How long to wait where nothing more is due, in milliseconds.
    private static let pauseMilliseconds: Milliseconds = 1000

    /// - Parameter keptTokens: how long tokens stay that have expired.
    init(_ inbox: Inbox<Chore, ChoreAnswer>, keptTokens: Milliseconds) {
        self.inbox = inbox
        rows = ExpiredRows(keptTokens: keptTokens)
    }

    /// Takes what has come.
    func take(at now: Int) {
        inbox.take { ticket in
            waiting.append(PendingChore(now: ticket.job.now, ticket: ticket, since: now))
        }
    }

    func deliver() { inbox.deliver() }

    /// One at a time: the other connection goes on with requests.
    func next() -> PendingChore? {
        isUnderWay || waiting.isEmpty ? nil : waiting.removeFirst()
    }

    func begin(_ chore: PendingChore) -> [Step] {
        isUnderWay = true
        return rows.steps(now: chore.now)
    }

    /// - Parameter results: nil where nothing has come of it.
    func end(_ chore: PendingChore, _ results: [ServerResult]?) {
        isUnderWay = false
        guard let results else { return inbox.answer(chore.ticket, .failure(.unavailable)) }
        let isMore = rows.read(results, now: chore.now)
        inbox.answer(
            chore.ticket, .success(isMore ? chore.now : chore.now + Chores.pauseMilliseconds))
    }

    /// Answers those that have waited too long. They stand in the order in which they came.
    func expire(cameBefore moment: Int) {
        while let first = waiting.first, first.since < moment {
            inbox.answer(first.ticket, .failure(.unavailable))
            waiting.removeFirst()
        }
    }
}
