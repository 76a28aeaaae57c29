// What a link is made with, and what it keeps of a transaction.

/// What it works with, and whom it tells.
struct LinkPlan {
    let hosts: [Host]
    let statements: [Statement]
    /// Runs on each new connection, before all else; the last result says true where the connection
    /// may be used.
    ///
    /// Of the process that served the connection before, if there was one.
    let preparation: (_ before: Int32?) -> String
    /// Whether another connection of this server is, or was, served by the same process: then a pooler
    /// stands in between that gives each transaction another one.
    ///
    /// - Parameter isPooled: a pooler stands in between.
    let isShared: (_ process: Int32, _ isPooled: Bool) -> Bool
    let isReady: () -> Void
    let isLost: (_ cause: String) -> Void
}

/// Under way.
struct LinkTransaction {
    let steps: Int
    let warnings: Int
    var results: [ServerResult] = []
    var error: ServerError?
    let completion: (TransactionOutcome) -> Void
}
