// A connection for commands, and for the thread that watches the registry: one statement after the other.
// It blocks, but never longer than it may.

import CPostgres
import Glibc
import System

/// An open connection. One thread at a time.
@safe final class BlockingSession {
    // Made in `init`, freed in `close` or `deinit`, whichever comes first.
    private var handle: OpaquePointer?
    private let notices = Notices()
    /// How long each statement may take.
    var timeoutMilliseconds: Int

    /// What the database has warned of. libpq holds its address; the session outlives its connection.
    private final class Notices { var warnings: [String] = [] }

    /// Connects to one host.
    ///
    /// - Parameters:
    ///   - connectMilliseconds: how long that may take. A name that has to be looked up may add to it.
    ///   - timeoutMilliseconds: how long each statement may take afterwards.
    init(
        _ keywords: ConnectionSettings.Keywords, connectMilliseconds: Int, timeoutMilliseconds: Int
    ) throws(SessionError) {
        self.timeoutMilliseconds = timeoutMilliseconds
        let names = CValues(list: keywords.map(\.0)), values = CValues(list: keywords.map(\.1))
        unsafe handle = withExtendedLifetime((names, values)) {
            unsafe PQconnectStartParams(names.pointers, values.pointers, 0)
        }
        guard let handle = unsafe handle else {
            throw SessionError(description: "there is no memory for a connection")
        }
        do throws(SessionError) {
            try finishConnecting(Deadline(milliseconds: connectMilliseconds))
        } catch {
            let needsPassword = unsafe PQconnectionNeedsPassword(handle) == 1
            unsafe PQfinish(handle)
            unsafe self.handle = nil
            guard needsPassword else { throw error }
            throw SessionError(
                description:
                    "\(error); name the file with the role's password (store-password-file)",
                isConnectionLost: true)
        }
        unsafe PQsetNoticeReceiver(
            handle,
            { context, result in
                guard let context = unsafe context else { return }
                let notices = unsafe Unmanaged<Notices>.fromOpaque(context).takeUnretainedValue()
                let message = unsafe String(cString: PQresultErrorMessage(result))
                notices.warnings.append(BlockingSession.line(message))
            }, Unmanaged.passUnretained(notices).toOpaque())
        unsafe PQsetnonblocking(handle, 1)
    }

    deinit { close() }

    func close() {
        unsafe PQfinish(handle)
        unsafe handle = nil
    }

    /// False once it has failed for good.
    var isOpen: Bool { unsafe handle != nil && PQstatus(handle) == CONNECTION_OK }

    /// What the database has warned of since this was asked last, such as that a wait for the standby
    /// was cancelled.
    func takeWarnings() -> [String] {
        defer { notices.warnings = [] }
        return notices.warnings
    }

    /// Of the server, such as 150020.
    var serverVersion: Int { unsafe Int(PQserverVersion(handle)) }

    private func finishConnecting(_ deadline: Deadline) throws(SessionError) {
        // As if the library had said so: it wants to write first (PostgreSQL's manual, §34.1).
        var state = PGRES_POLLING_WRITING
        while true {
            switch state {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: try wait(for: Int16(POLLIN), deadline)
            case PGRES_POLLING_WRITING: try wait(for: Int16(POLLOUT), deadline)
            default: throw lost()
            }
            state = unsafe PQconnectPoll(handle)
        }
    }

    /// Runs one statement.
    ///
    /// - Throws: where it fails. Where the connection is lost or the time is over, the session is closed.
    @discardableResult
    func run(_ sql: String, _ values: SQLValue...) throws(SessionError) -> [SQLRow] {
        try run(sql, values)
    }

    @discardableResult
    func run(_ sql: String, _ values: [SQLValue]) throws(SessionError) -> [SQLRow] {
        var rows: [SQLRow] = []
        try send(sql, values) { result in
            rows = (0..<result.count).map { result.row($0) }
        }
        return rows
    }

    /// Runs one statement, and hands out its rows where they stand: of 100,000, copies would take as long
    /// as all else.
    func each(_ sql: String, _ read: (ResultRows, Int32) -> Void) throws(SessionError) {
        try send(sql, []) { result in
            for row in 0..<result.count { read(result, row) }
        }
    }

    private func send(
        _ sql: String, _ values: [SQLValue], _ take: (ResultRows) -> Void
    ) throws(SessionError) {
        let contents = CValues(values.map(\.content))
        let isSent = withExtendedLifetime(contents) {
            unsafe PQsendQueryParams(
                handle, sql, Int32(values.count), values.map(\.type), contents.pointers,
                contents.lengths, values.map { _ in 1 }, 1)
        }
        try answer(isSent, take)
    }

    /// Runs several statements, in one transaction where nothing else is said.
    func script(_ sql: String) throws(SessionError) {
        try answer(unsafe PQsendQuery(handle, sql)) { _ in }
    }

    private func answer(
        _ isSent: Int32, _ take: (ResultRows) -> Void
    ) throws(SessionError) {
        guard unsafe handle != nil else { throw BlockingSession.closed }
        do throws(SessionError) {
            guard isSent == 1 else { throw lost() }
            try results(Deadline(milliseconds: timeoutMilliseconds), take)
        } catch {
            if error.isConnectionLost { close() }
            throw error
        }
    }

    /// - Parameter take: gets the rows of each result, which are good until it returns.
    private func results(
        _ deadline: Deadline, _ take: (ResultRows) -> Void
    ) throws(SessionError) {
        try flush(deadline)
        var failure: SessionError?
        while true {
            while unsafe PQisBusy(handle) == 1 {
                try wait(for: Int16(POLLIN), deadline)
                guard unsafe PQconsumeInput(handle) == 1 else { throw lost() }
            }
            guard let result = unsafe PQgetResult(handle) else { break }
            defer { unsafe PQclear(result) }
            switch unsafe PQresultStatus(result) {
            case PGRES_TUPLES_OK: take(unsafe ResultRows(result))
            case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
            default: failure = unsafe error(of: result)
            }
            if unsafe PQstatus(handle) == CONNECTION_BAD { break }
        }
        if let failure { throw failure }
        guard unsafe PQstatus(handle) == CONNECTION_OK else { throw lost() }
    }

    /// While something is left to write, both ways have to be watched (PostgreSQL's manual, §34.4).
    private func flush(_ deadline: Deadline) throws(SessionError) {
        while true {
            switch unsafe PQflush(handle) {
            case 0: return
            case 1:
                try wait(for: Int16(POLLIN | POLLOUT), deadline)
                guard unsafe PQconsumeInput(handle) == 1 else { throw lost() }
            default: throw lost()
            }
        }
    }

    private func wait(for events: Int16, _ deadline: Deadline) throws(SessionError) {
        var entry = pollfd(fd: unsafe PQsocket(handle), events: events, revents: 0)
        while true {
            let count = unsafe poll(&entry, 1, deadline.milliseconds)
            if count > 0 { return }
            if count < 0, errno == EINTR { continue }
            throw SessionError(
                description: count == 0
                    ? "the database did not answer in time" : "cannot wait for the database",
                isConnectionLost: true)
        }
    }
}

// MARK: What libpq hands out

extension BlockingSession {
    private static let closed = SessionError(
        description: "the connection is closed", isConnectionLost: true)

    private func lost() -> SessionError {
        SessionError(
            description: BlockingSession.line(unsafe String(cString: PQerrorMessage(handle))),
            isConnectionLost: true)
    }

    private func error(of result: OpaquePointer) -> SessionError {
        let state = unsafe PQresultErrorField(result, Int32(UInt8(ascii: "C")))
        return SessionError(
            state: unsafe state.map { unsafe String(cString: $0) },
            description: BlockingSession.line(
                unsafe String(cString: PQresultErrorMessage(result))),
            isConnectionLost: unsafe PQstatus(handle) == CONNECTION_BAD)
    }

    /// libpq's texts have several lines.
    private static func line(_ text: String) -> String {
        text.split { $0.isNewline }.map {
            $0.drop { $0 == "\t" || $0 == " " }
        }.joined(separator: "; ")
    }
}
