// What a log says of itself, line by line.

import System

/// What a whole log says of itself, in one file or several.
public struct AuditSummary: Equatable, Sendable {
    public var lines = 0
    /// RFC 3339; nil where there is no line.
    public var firstTime: String?
    public var lastTime: String?
    /// The hash of the last line as 64 hexadecimal digits: to be noted elsewhere, and given to a
    /// later verification. 64 zeros where there is no line.
    public var head = AuditHash.start.text
    /// The last line of the file before the first one, which was not given; nil where the log begins
    /// with that file.
    public var goesOnFrom: String?
    /// Events that the lines say were dropped.
    public var droppedEvents = 0
    /// How often the end of the file was repaired.
    public var repairs = 0
    public var starts = 0
    /// When a server started although the one before it had not ended in order.
    public var crashes: [String] = []
    /// The last start, where no line says that the server has ended: it runs, or has crashed.
    public private(set) var openStart: String?

    public init() {}

    mutating func add(_ line: ArraySlice<UInt8>) {
        lines += 1
        let members = line.dropFirst(AuditRecord.opening.count)
        let time = String(decoding: members.prefix(Timestamp.length), as: UTF8.self)
        if firstTime == nil { firstTime = time }
        lastTime = time
        switch AuditSummary.name(of: line) {
        case AuditRecord.repairedName: repairs += 1
        case AuditRecord.droppedName:
            if let count = AuditLine(line)?["count"] { droppedEvents += Int(count) ?? 0 }
        case "started":
            starts += 1
            if openStart != nil { crashes.append(time) }
            openStart = time
        case "stopped": openStart = nil
        default: break
        }
    }

    private static let event = Array(#"","event":""#.utf8)
    private static let nameBytesMax = 32

    /// Of the event, as far as it can matter here.
    static func name(of line: ArraySlice<UInt8>) -> String {
        let rest = line.dropFirst(AuditRecord.opening.count + Timestamp.length)
        guard rest.starts(with: event) else { return "" }
        let name = rest.dropFirst(event.count).prefix(nameBytesMax).prefix {
            $0 != UInt8(ascii: "\"")
        }
        return String(decoding: name, as: UTF8.self)
    }
}

public enum AuditVerdict: Equatable, Sendable {
    case whole(AuditSummary)
    /// The first line that does not fit, counted from 1 in its file, and why in one sentence.
    case broken(line: Int, reason: String, file: String)
}
