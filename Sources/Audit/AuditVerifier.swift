// Whether a log is as it was written: walks its chain from the first line to the last.

import System

/// What a whole log says of itself.
public struct AuditSummary: Equatable, Sendable {
    public var lines = 0
    /// RFC 3339; nil where there is no line.
    public var firstTime: String?
    public var lastTime: String?
    /// The hash of the last line as 64 hexadecimal digits: to be noted elsewhere, and given to a
    /// later verification. 64 zeros where there is no line.
    public var head = AuditHash.start.text
    /// Events that the lines say were dropped.
    public var droppedEvents = 0
    /// How often the end of the file was repaired.
    public var repairs = 0
}

public enum AuditVerdict: Equatable, Sendable {
    case whole(AuditSummary)
    /// The first line that does not fit, counted from 1, and why in one sentence.
    case broken(line: Int, reason: String)
}

public enum AuditVerifier {
    /// Reads the whole file, in bounded memory. Lines that come meanwhile are left for the next
    /// time. Blocks.
    ///
    /// - Parameter head: the hash of a line that must be there: the last one at an earlier time.
    ///   Without it, lines that were cut off the end are not missed.
    /// - Throws: `AuditFailure` where the file cannot be read.
    public static func verify(
        _ path: String, head: String? = nil
    ) throws(AuditFailure) -> AuditVerdict {
        var reader = try AuditReader(path)
        var summary = AuditSummary()
        var previous = AuditHash.start
        var isHeadFound = head == nil || head == previous.text
        let wanted = head.flatMap { AuditHash(digits: Array($0.utf8)) }
        while let line = try reader.next() {
            let number = summary.lines + 1
            switch line {
            case .tooLong:
                return .broken(
                    line: number,
                    reason: "line \(number) is longer than any line that an audit log has")
            case .torn(let bytes):
                return .broken(
                    line: number,
                    reason: "line \(number) has no end, only \(bytes) bytes: a crash left it, or "
                        + "somebody cut it; the next start of the server cuts it off and says so")
            case .whole(let bytes):
                if let reason = fault(in: bytes, number: number, previous: previous) {
                    return .broken(line: number, reason: reason)
                }
                previous = AuditHash(of: bytes)
                isHeadFound = isHeadFound || previous == wanted
                summary.add(bytes)
            }
        }
        guard isHeadFound else {
            return .broken(
                line: summary.lines,
                reason: "no line has the hash \(head ?? ""): lines were cut off the end, or all "
                    + "lines from some line on were written anew; \(summary.lines) are left")
        }
        summary.head = previous.text
        return .whole(summary)
    }

    private static func fault(
        in line: ArraySlice<UInt8>, number: Int, previous: AuditHash
    ) -> String? {
        guard let claimed = AuditChain.previous(of: line) else {
            return "line \(number) is no line of an audit log"
        }
        if claimed == previous { return nil }
        if number == 1 {
            return "line 1 is not the first line that was written: lines before it are missing"
        }
        return "line \(number) does not follow line \(number - 1): one of the two was changed or "
            + "moved, or lines between them were removed or inserted"
    }
}

extension AuditSummary {
    private static let dropped = Array(#"","event":"events_dropped""#.utf8)
    private static let repaired = Array(#"","event":"tail_repaired""#.utf8)

    fileprivate mutating func add(_ line: ArraySlice<UInt8>) {
        lines += 1
        let members = line.dropFirst(AuditRecord.opening.count)
        let time = String(decoding: members.prefix(Timestamp.length), as: UTF8.self)
        if firstTime == nil { firstTime = time }
        lastTime = time
        let event = members.dropFirst(Timestamp.length)
        if event.starts(with: AuditSummary.repaired) { repairs += 1 }
        if event.starts(with: AuditSummary.dropped), let count = AuditLine(line)?["count"] {
            droppedEvents += Int(count) ?? 0
        }
    }
}
