// One line of the log, as JSON or as text.

import Bytes
import System
import Tokens

/// What stands in front of a value, in either format.
struct LogName {
    fileprivate let json: [UInt8]
    fileprivate let text: [UInt8]

    init(_ name: String) {
        json = Array(#","\#(name)":"#.utf8)
        text = Array(" \(name)=".utf8)
    }
}

/// A line in the making, behind others. A value.
struct LogLine: ~Copyable {
    private var bytes: [UInt8]
    private let format: Logger.Format

    /// - Parameter lines: what it stands behind.
    init(
        _ format: Logger.Format, _ level: Logger.Level, _ message: String,
        behind lines: consuming [UInt8] = []
    ) {
        self.format = format
        // Without the word it would be a copy, which gets a little more room than the lines before it had.
        bytes = consume lines
        switch format {
        case .json:
            bytes.append(text: #"{"time":""#)
            Timestamp.append(Clock.wallMilliseconds(), to: &bytes)
            bytes.append(text: #"","level":""#)
            bytes.append(text: level.name)
            bytes.append(text: #"","message":"#)
            JSONWriter.appendString(message, to: &bytes)
        case .text:
            bytes.append(text: "obie-tokens: ")
            if level >= .warning { bytes.append(text: "\(level.name): ") }
            bytes.append(text: message)
        }
    }

    private mutating func begin(_ name: LogName) {
        bytes.append(contentsOf: format == .json ? name.json : name.text)
    }

    /// - Parameter value: nil adds nothing.
    mutating func add(_ name: LogName, _ value: String?) {
        guard let value else { return }
        begin(name)
        switch format {
        case .json: JSONWriter.appendString(value, to: &bytes)
        case .text: bytes.append(text: value)
        }
    }

    /// - Parameter write: appends what needs no escapes.
    mutating func add(_ name: LogName, _ write: (inout [UInt8]) -> Void) {
        begin(name)
        if format == .json { bytes.append(UInt8(ascii: "\"")) }
        write(&bytes)
        if format == .json { bytes.append(UInt8(ascii: "\"")) }
    }

    mutating func add(_ name: LogName, number: Int) {
        begin(name)
        bytes.append(decimal: Int64(number))
    }

    /// Microseconds as milliseconds, with three digits behind the point.
    mutating func add(_ name: LogName, microseconds: Int) {
        add(name, number: microseconds / 1000)
        bytes.append(UInt8(ascii: "."))
        for divisor in [100, 10, 1] {
            bytes.append(UInt8(ascii: "0") + UInt8(microseconds / divisor % 10))
        }
    }

    /// - Returns: the lines before it, and this one.
    consuming func ended() -> [UInt8] {
        if format == .json { bytes.append(UInt8(ascii: "}")) }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }
}

extension LogName {
    fileprivate static let method = LogName("method")
    fileprivate static let route = LogName("route")
    fileprivate static let status = LogName("status")
    fileprivate static let duration = LogName("duration_ms")
    fileprivate static let bytes = LogName("bytes")
    fileprivate static let peer = LogName("peer")
    fileprivate static let proxy = LogName("proxy")
    fileprivate static let tls = LogName("tls")
    fileprivate static let cipher = LogName("cipher")
    fileprivate static let thumbprint = LogName("thumbprint")
    fileprivate static let errors = LogName("errors")
    fileprivate static let errorIDs = LogName("error_ids")
    fileprivate static let client = LogName("client")
    fileprivate static let institution = LogName("fi")
    fileprivate static let interactionID = LogName("interaction_id")
    fileprivate static let requestID = LogName("request_id")
    fileprivate static let traceID = LogName("trace_id")
    fileprivate static let parentID = LogName("parent_id")
}

extension Logger {
    /// The access log's line for one answer, behind those in `lines`.
    func appendAnswered(
        _ response: Response, _ ids: [SealedIdentifier],
        _ record: borrowing RequestRecord, _ microseconds: Int, bytes: Int,
        _ origin: RequestOrigin, to lines: inout [UInt8]
    ) {
        let notes = record.notes
        var before: [UInt8] = []
        swap(&before, &lines)
        var line = LogLine(lineFormat, .info, "answered", behind: consume before)
        line.add(.method) { $0.append(text: record.method.text) }
        line.add(.route) { $0.append(text: record.route.template) }
        line.add(.status, number: response.status.code)
        line.add(.duration, microseconds: microseconds)
        line.add(.bytes, number: bytes)
        if !origin.peer.isEmpty {
            line.add(.peer) { AddressText.append(origin.peer, to: &$0) }
        }
        if !origin.proxy.isEmpty {
            line.add(.proxy) { AddressText.append(origin.proxy, to: &$0) }
        }
        line.add(.tls, origin.security?.version)
        line.add(.cipher, origin.security?.cipher)
        line.add(.thumbprint, origin.security?.thumbprint)
        if !ids.isEmpty {
            line.add(.errors, response.errorObjects.map(\.code.rawValue).joined(separator: ","))
            line.add(.errorIDs, ids.map(Logger.text).joined(separator: ","))
        }
        if notes?.isAuthenticated == true { line.add(.client, notes?.clientID) }
        line.add(.institution, notes?.institution)
        if let id = notes?.interactionID { line.add(.interactionID) { id.append(to: &$0) } }
        switch origin.id {
        case .drawn(let id): line.add(.requestID) { id.appendCode(to: &$0) }
        case .given: line.add(.requestID, origin.id.text)
        }
        line.add(.traceID, notes?.trace?.traceID)
        line.add(.parentID, notes?.trace?.parentID)
        lines = line.ended()
    }

    private static func text(_ id: SealedIdentifier) -> String {
        var bytes: [UInt8] = []
        id.appendToken(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
