// What came of one statement, and the rows of it.

import CPostgres

/// An error of the server, with its code (SQLSTATE).
struct ServerError: Error, Equatable {
    let state: String
    let message: String
    /// The server ends the connection.
    let isFatal: Bool

    enum Field: Int32 {
        case severity = 86  // 'V', PG_DIAG_SEVERITY_NONLOCALIZED
        case state = 67  // 'C'
        case message = 77  // 'M'
    }

    @unsafe static func field(_ result: OpaquePointer?, _ field: Field) -> String? {
        guard let text = unsafe PQresultErrorField(result, field.rawValue) else { return nil }
        return unsafe String(cString: text)
    }
}

/// A result (`PGresult`), freed with its last reference.
@safe final class ServerResult {
    enum Kind {
        case done, rows, synced
        /// A statement before it in the pipeline has failed.
        case skipped
        case failed(ServerError)
    }

    let kind: Kind
    let rowCount: Int
    // Freed in `deinit`. What is read out of it is copied.
    private let raw: OpaquePointer

    @unsafe init(_ raw: OpaquePointer) {
        unsafe self.raw = raw
        switch unsafe PQresultStatus(raw) {
        case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: kind = .done
        case PGRES_TUPLES_OK: kind = .rows
        case PGRES_PIPELINE_SYNC: kind = .synced
        case PGRES_PIPELINE_ABORTED: kind = .skipped
        default:
            let severity = unsafe ServerError.field(raw, .severity)
            kind = .failed(
                ServerError(
                    state: unsafe ServerError.field(raw, .state) ?? "",
                    message: PipelineConnection.line(
                        unsafe ServerError.field(raw, .message)
                            ?? String(cString: PQresultErrorMessage(raw))),
                    isFatal: severity == "FATAL" || severity == "PANIC"))
        }
        rowCount = unsafe Int(PQntuples(raw))
    }

    deinit { unsafe PQclear(raw) }

    private func isNull(_ row: Int, _ column: Int32) -> Bool {
        unsafe PQgetisnull(raw, Int32(row), column) == 1
    }

    /// The bytes of a value, as long as the call lasts. A NULL has none.
    private func value<Value>(
        _ row: Int, _ column: Int32, _ body: (UnsafeRawBufferPointer) -> Value
    ) -> Value {
        let count = unsafe PQgetlength(raw, Int32(row), column)
        return unsafe body(
            UnsafeRawBufferPointer(
                start: PQgetvalue(raw, Int32(row), column), count: Int(count)))
    }

    /// A number of whatever size, in the format of the pipeline, which is binary; 0 for NULL.
    func number(_ row: Int, _ column: Int32) -> Int64 {
        unsafe value(row, column) { bytes in
            switch bytes.count {
            case 8: Int64(bigEndian: unsafe bytes.loadUnaligned(as: Int64.self))
            case 4: Int64(Int32(bigEndian: unsafe bytes.loadUnaligned(as: Int32.self)))
            case 2: Int64(Int16(bigEndian: unsafe bytes.loadUnaligned(as: Int16.self)))
            case 1: Int64(unsafe bytes[0])
            default: 0
            }
        }
    }

    func optionalNumber(_ row: Int, _ column: Int32) -> Int64? {
        isNull(row, column) ? nil : number(row, column)
    }

    func bytes(_ row: Int, _ column: Int32) -> [UInt8] {
        unsafe value(row, column) { unsafe Array($0) }
    }

    func optionalBytes(_ row: Int, _ column: Int32) -> [UInt8]? {
        isNull(row, column) ? nil : bytes(row, column)
    }

    /// Our texts are bytes there. They were UTF-8 when they went in.
    func text(_ row: Int, _ column: Int32) -> String {
        unsafe value(row, column) { unsafe String(decoding: $0, as: UTF8.self) }
    }

    func optionalText(_ row: Int, _ column: Int32) -> String? {
        isNull(row, column) ? nil : text(row, column)
    }
}
