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
        let contents = CValues(values.map(\.content))
        let isSent = withExtendedLifetime(contents) {
            unsafe PQsendQueryParams(
                handle, sql, Int32(values.count), values.map(\.type), contents.pointers,
                contents.lengths, values.map { _ in 1 }, 1)
        }
        return try answer(isSent)
    }

    /// Runs several statements, in one transaction where nothing else is said.
    func script(_ sql: String) throws(SessionError) {
        _ = try answer(unsafe PQsendQuery(handle, sql))
    }

    private func answer(_ isSent: Int32) throws(SessionError) -> [SQLRow] {
        guard unsafe handle != nil else { throw BlockingSession.closed }
        do throws(SessionError) {
            guard isSent == 1 else { throw lost() }
            return try results(Deadline(milliseconds: timeoutMilliseconds))
        } catch {
            if error.isConnectionLost { close() }
            throw error
        }
    }

    private func results(_ deadline: Deadline) throws(SessionError) -> [SQLRow] {
        try flush(deadline)
        var rows: [SQLRow] = []
        var failure: SessionError?
        while true {
            while unsafe PQisBusy(handle) == 1 {
                try wait(for: Int16(POLLIN), deadline)
                guard unsafe PQconsumeInput(handle) == 1 else { throw lost() }
            }
            guard let result = unsafe PQgetResult(handle) else { break }
            defer { unsafe PQclear(result) }
            switch unsafe PQresultStatus(result) {
            case PGRES_TUPLES_OK: rows = unsafe BlockingSession.rows(of: result)
            case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
            default: failure = unsafe error(of: result)
            }
            if unsafe PQstatus(handle) == CONNECTION_BAD { break }
        }
        if let failure { throw failure }
        guard unsafe PQstatus(handle) == CONNECTION_OK else { throw lost() }
        return rows
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
            $0.trimmingPrefix { $0 == "\t" || $0 == " " }
        }.joined(separator: "; ")
    }

    /// libpq frees them with the result, so they are copied.
    private static func rows(of result: OpaquePointer) -> [SQLRow] {
        let width = unsafe PQnfields(result)
        return unsafe (0..<PQntuples(result)).map { row in
            SQLRow(
                columns: (0..<width).map { column in
                    guard unsafe PQgetisnull(result, row, column) == 0 else { return nil }
                    let length = unsafe Int(PQgetlength(result, row, column))
                    let start = unsafe PQgetvalue(result, row, column)
                    return unsafe UnsafeBufferPointer(start: start, count: length).map {
                        UInt8(bitPattern: $0)
                    }
                })
        }
    }
}
