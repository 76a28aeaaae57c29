// What can come of a transaction, as far as the one who asked for it can know.

/// A statement with what it is given.
struct Step {
    let statement: Statement
    let parameters: Parameters

    init(_ statement: Statement, _ parameters: Parameters = Parameters()) {
        self.statement = statement
        self.parameters = parameters
    }
}

enum TransactionOutcome {
    /// One result for each step. It is as durable as the database makes things.
    case committed([ServerResult])
    /// It has been committed, but the wait for the standby was cancelled: it may be gone after a
    /// fail-over.
    case weaklyCommitted
    /// Nothing of it has happened.
    case rolledBack(ServerError)
    /// It has happened or not, or may yet happen: the server had begun.
    case lost
}

extension ServerError {
    /// Two that met; one of them is to try again.
    var isConflict: Bool { ["40P01", "40001"].contains(state) }

    /// One of a batch can be at fault: what it brings (classes 22, 23, 21, 54), or a row that somebody
    /// else holds.
    var isOfOneChange: Bool {
        state == "55P03" || ["21", "22", "23", "54"].contains(String(state.prefix(2)))
    }

    /// A part of what is stored cannot be read.
    var isDamage: Bool { state.hasPrefix("XX") }

    /// The connection is of no use any more, though it stands: the server is a standby now (25006), or
    /// a pooler gives each transaction another connection (26000, 42P05, 08P01).
    var endsConnection: Bool {
        isFatal || ["25006", "26000", "42P05", "08P01"].contains(state) || state.hasPrefix("57P")
    }
}
