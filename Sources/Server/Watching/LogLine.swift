// One line of the log, as JSON or as text.

import Bytes
import System
import Tokens

/// A line in the making. A value.
struct LogLine {
    private(set) var bytes: [UInt8] = []
    private let format: Logger.Format

    init(_ format: Logger.Format, _ level: Logger.Level, _ message: String) {
        self.format = format
        switch format {
        case .json:
            bytes.append(contentsOf: #"{"time":""#.utf8)
            Timestamp.append(Clock.wallMilliseconds(), to: &bytes)
            bytes.append(contentsOf: #"","level":"\#(level.name)","message":"#.utf8)
            JSONWriter.appendString(message, to: &bytes)
        case .text:
            bytes.append(contentsOf: "obie-tokens: ".utf8)
            if level >= .warning { bytes.append(contentsOf: "\(level.name): ".utf8) }
            bytes.append(contentsOf: message.utf8)
        }
    }

    /// - Parameter value: nil adds nothing.
    mutating func add(_ name: String, _ value: String?) {
        guard let value else { return }
        switch format {
        case .json:
            bytes.append(contentsOf: #","\#(name)":"#.utf8)
            JSONWriter.appendString(value, to: &bytes)
        case .text: bytes.append(contentsOf: " \(name)=\(value)".utf8)
        }
    }

    /// A number, written out.
    mutating func add(_ name: String, number: String) {
        let text = format == .json ? #","\#(name)":\#(number)"# : " \(name)=\(number)"
        bytes.append(contentsOf: text.utf8)
    }

    mutating func end() {
        if format == .json { bytes.append(UInt8(ascii: "}")) }
        bytes.append(UInt8(ascii: "\n"))
    }
}

extension Logger {
    /// The access log's line for one answer.
    func answered(
        _ response: Response, _ ids: [SealedIdentifier],
        _ record: borrowing RequestRecord, _ microseconds: Int, bytes: Int,
        _ origin: RequestOrigin
    ) {
        let notes = record.notes
        var line = LogLine(lineFormat, .info, "answered")
        line.add("method", record.method.text)
        line.add("route", record.route.template)
        line.add("status", number: "\(response.status.code)")
        let fraction = String(microseconds % 1000)
        let zeros = String(repeating: "0", count: 3 - fraction.count)
        line.add("duration_ms", number: "\(microseconds / 1000).\(zeros)\(fraction)")
        line.add("bytes", number: "\(bytes)")
        line.add("peer", AddressText.text(origin.peer))
        line.add("proxy", AddressText.text(origin.proxy))
        line.add("tls", origin.security?.version)
        line.add("cipher", origin.security?.cipher)
        line.add("thumbprint", origin.security?.thumbprint)
        if !ids.isEmpty {
            line.add("errors", response.errorObjects.map(\.code.rawValue).joined(separator: ","))
            line.add("error_ids", ids.map(Logger.text).joined(separator: ","))
        }
        if notes?.isAuthenticated == true { line.add("client", notes?.clientID) }
        line.add("fi", notes?.institution)
        line.add("interaction_id", notes?.interactionID)
        line.add("request_id", origin.id.text)
        line.add("trace_id", notes?.trace?.traceID)
        line.add("parent_id", notes?.trace?.parentID)
        line.end()
        add(line.bytes)
    }

    private static func text(_ id: SealedIdentifier) -> String {
        var bytes: [UInt8] = []
        id.appendToken(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
