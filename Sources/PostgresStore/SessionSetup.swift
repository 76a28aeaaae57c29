// What a new connection is told before it is used, and what it has to answer.

/// The way from a connection that stands to one whose statements are prepared.
final class SessionSetup {
    enum Progress {
        case goesOn
        case done(process: Int32)
        case failed(String)
    }

    /// Commits wait for the standby wherever there is one, whatever the role's settings are. What asks for
    /// more than that, `remote_apply`, stays. Of a SELECT.
    static let durability = """
        set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
        WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)
        """

    /// Nobody waits long for a row; and no plan is made by statistics, which are those of an empty table
    /// at first and would have tables scanned: in the order of the rows, or by a bitmap of all that an
    /// index names.
    static let settings = """
        SET lock_timeout = '2s'; SET statement_timeout = 0; \
        SET default_transaction_isolation = 'read committed'; SET client_min_messages = warning; \
        SET enable_seqscan = off; SET enable_bitmapscan = off; \
        SET enable_hashjoin = off; SET enable_mergejoin = off; \
        SET jit = off; SET plan_cache_mode = force_generic_plan
        """

    static let poolerRefusal =
        "a pooler gives each transaction another connection, so nothing that is set or prepared lasts; "
        + "the store needs pgbouncer's pool_mode = session, or none; restart the server once it is so"

    private let connection: PipelineConnection
    private let statements: [Statement]
    private var isInPipeline = false
    private var mayGoOn = false
    private var process: Int32 = 0
    private var error: String?

    init(_ connection: PipelineConnection, _ statements: [Statement]) {
        self.connection = connection
        self.statements = statements
    }

    /// - Parameter sql: the last of its rows says whether the connection may be used.
    func begin(_ sql: String) -> Bool {
        connection.send(
            "\(SessionSetup.settings); SELECT pg_backend_pid(), "
                + "current_setting('server_version_num'), pg_is_in_recovery(), "
                + "\(SessionSetup.durability); \(sql)")
    }

    /// - Parameter result: nil behind the last of what `begin` has sent.
    func take(_ result: ServerResult?) -> Progress {
        guard let result else {
            // In the pipeline it separates statements.
            return isInPipeline ? .goesOn : prepare()
        }
        switch result.kind {
        case .done, .skipped: break
        case .failed(let failure): error = error ?? SessionSetup.sentence(failure)
        case .rows: isInPipeline ? checkProcess(result) : read(result)
        case .synced:
            if let error { return .failed(error) }
            return .done(process: process)
        }
        return .goesOn
    }

    private static let versionMin = 140_000

    private func read(_ result: ServerResult) {
        guard process != 0 else {
            process = Int32(result.text(0, 0)) ?? 0
            let version = Int(result.text(0, 1)) ?? 0
            if version < SessionSetup.versionMin {
                error = "the server is PostgreSQL \(version / 10_000); the store needs 14 or newer"
            } else if result.text(0, 2) != "f" {
                error = "the server is a standby, which takes no changes"
            }
            return
        }
        mayGoOn = result.rowCount > 0 && result.text(result.rowCount - 1, 0) == "t"
    }

    private func prepare() -> Progress {
        if error == nil, !mayGoOn {
            error = "an earlier connection of this server is still at work in the database"
        }
        if let error { return .failed(error) }
        isInPipeline = true
        let isSent =
            connection.enterPipeline() && statements.allSatisfy(connection.prepare)
            && connection.run(.process, Parameters()) && connection.sync()
        return isSent ? .goesOn : .failed(connection.error)
    }

    private func checkProcess(_ result: ServerResult) {
        if Int32(truncatingIfNeeded: result.number(0, 0)) != process {
            error = SessionSetup.poolerRefusal
        }
    }

    /// For people: what to do, where it is known.
    static func sentence(_ failure: ServerError) -> String {
        switch failure.state {
        case "26000", "42P05": poolerRefusal
        case "42P01", "42703":
            "\(failure.message); the database has not the store's tables: run "
                + "`obie-tokens store migrate`"
        default: failure.message
        }
    }
}
