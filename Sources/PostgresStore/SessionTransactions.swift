// Several statements of a blocking session as one step.

extension BlockingSession {
    enum TransactionKind: String {
        /// Everything as it stands at one moment.
        case reading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        case writing = "BEGIN"
    }

    /// Runs `body` and commits; where it throws, everything is as it was.
    ///
    /// - Parameter uncertain: the connection was lost under the commit. Returns where it has happened, and
    ///   throws where it has not, or nobody knows.
    func transaction<Answer>(
        _ kind: TransactionKind, _ body: () throws -> Answer,
        uncertain: (SessionError) throws -> Void = { throw $0 }
    ) throws -> Answer {
        try script(kind.rawValue)
        let answer: Answer
        do {
            answer = try body()
        } catch {
            if isOpen { try script("ROLLBACK") }
            throw error
        }
        do throws(SessionError) {
            try script("COMMIT")
        } catch {
            guard error.isConnectionLost else { throw error }
            try uncertain(error)
        }
        return answer
    }
}
