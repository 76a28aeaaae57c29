// One libpq connection that never blocks, in Swift. Knows no loop, no statement and no word of the
// domain.

import CPostgres
import Glibc

/// A connection to one host (libpq-fe.h). One thread; closed with its last reference.
@safe final class PipelineConnection {
    // Made in `init`, finished in `deinit`; results are copies and may live longer.
    private let raw: OpaquePointer
    // libpq holds a pointer to it until the connection is finished.
    private let notices = Notices()

    /// What the server has said besides results.
    final class Notices {
        /// A commit that came with a warning may stand on one machine only.
        fileprivate(set) var warnings = 0
        /// The newest that was more than information.
        fileprivate(set) var last: String?
    }

    /// Begins to connect. A failure shows in `advance` or `error`.
    ///
    /// - Parameter keywords: libpq's connection parameters, with `hostaddr` for a host that is a name:
    ///   libpq would wait for the lookup.
    /// - Returns: nil where there is no memory.
    init?(_ keywords: [(String, String)]) {
        var names = unsafe keywords.map { unsafe UnsafePointer(strdup($0.0)) }
        var values = unsafe keywords.map { unsafe UnsafePointer(strdup($0.1)) }
        // libpq copies what it is given.
        defer {
            unsafe (names + values).forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) }
        }
        unsafe names.append(nil)
        unsafe values.append(nil)
        guard let raw = unsafe PQconnectStartParams(names, values, 0) else { return nil }
        unsafe self.raw = raw
        unsafe PQsetNoticeReceiver(
            raw,
            { context, result in
                // `notices` lives as long as the connection.
                guard let context = unsafe context else { return }
                let notices = unsafe Unmanaged<Notices>.fromOpaque(context).takeUnretainedValue()
                let severity = unsafe ServerError.field(result, .severity)
                if severity == "WARNING" { notices.warnings += 1 }
                if severity != "NOTICE", severity != "INFO", severity != "LOG" {
                    notices.last = unsafe ServerError.field(result, .message)
                }
            }, Unmanaged.passUnretained(notices).toOpaque())
    }

    deinit {
        // Sends a farewell if it can at once; never waits for an answer.
        unsafe PQfinish(raw)
    }

    /// What `advance` waits for.
    enum Progress { case reading, writing, connected, failed }

    /// The next step of connecting (`PQconnectPoll`). The descriptor may be another one afterwards.
    func advance() -> Progress {
        switch unsafe PQconnectPoll(raw) {
        case PGRES_POLLING_READING: .reading
        case PGRES_POLLING_WRITING: .writing
        case PGRES_POLLING_OK: .connected
        default: .failed
        }
    }

    /// -1 where there is none.
    var descriptor: Int32 { unsafe PQsocket(raw) }
    var isBad: Bool { unsafe PQstatus(raw) == CONNECTION_BAD }
    /// By what the server, or a pooler in its place, has said at the start.
    var announcedProcess: Int32 { unsafe PQbackendPID(raw) }
    var warnings: Int { notices.warnings }

    /// What went wrong last, in libpq's or the server's words, as one line.
    var error: String {
        let text = unsafe String(cString: PQerrorMessage(raw))
        let line = PipelineConnection.line(text)
        return line.isEmpty ? notices.last ?? "the connection was closed" : line
    }

    static func line(_ text: String) -> String {
        text.split { $0 == "\n" || $0 == "\t" }.joined(separator: " ")
    }

    /// For all calls behind `advance` to return at once.
    func becomeNonblocking() -> Bool { unsafe PQsetnonblocking(raw, 1) == 0 }

    func enterPipeline() -> Bool { unsafe PQenterPipelineMode(raw) == 1 }

    // MARK: Sending. False: see `error`.

    /// Several statements at once, without parameters. Not in a pipeline.
    func send(_ sql: String) -> Bool { unsafe PQsendQuery(raw, sql) == 1 }

    func prepare(_ statement: Statement) -> Bool {
        unsafe PQsendPrepare(
            raw, statement.name, statement.sql, Int32(statement.types.count),
            statement.types.map(\.rawValue)) == 1
    }

    /// Runs a prepared statement; its results come in binary.
    func run(_ statement: Statement, _ parameters: borrowing Parameters) -> Bool {
        unsafe parameters.withPointers { values, lengths, formats in
            unsafe PQsendQueryPrepared(
                raw, statement.name, Int32(lengths.count), values, lengths, formats, 1) == 1
        }
    }

    /// Ends the transaction of all that was run since the last time.
    func sync() -> Bool { unsafe PQpipelineSync(raw) == 1 }

    enum Flush { case done, more, failed }

    func flush() -> Flush {
        switch unsafe PQflush(raw) {
        case 0: .done
        case 1: .more
        default: .failed
        }
    }

    // MARK: Receiving

    /// Reads what is there. False: the connection is lost.
    func consume() -> Bool { unsafe PQconsumeInput(raw) == 1 }

    /// `next` would have to wait.
    var isBusy: Bool { unsafe PQisBusy(raw) == 1 }

    /// nil between the results of two statements, and where nothing is under way.
    func next() -> ServerResult? {
        guard let result = unsafe PQgetResult(raw) else { return nil }
        return unsafe ServerResult(result)
    }
}
