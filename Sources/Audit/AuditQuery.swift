// What somebody looks for in a log.

import Bytes
import System
import Tokens

/// All that is given must be so in a line. At least one thing should be given, or every line is found.
public struct AuditQuery: Sendable {
    /// Of an error object, as `isErrorID` takes it; capitals are the same.
    public var errorID: String?
    /// As the answer had it.
    public var requestID: String?
    public var interactionID: String?
    public var consentID: String?
    /// By reference.
    public var institution: String?
    /// By reference.
    public var provider: String?
    /// By id.
    public var client: String?
    /// The beginning of a time as lines have it, such as `2026-11-28T10`: then, or later.
    public var since: String?
    /// The same: earlier.
    public var until: String?

    public init() {}

    /// Nothing is given.
    public var isEmpty: Bool {
        since == nil && until == nil && needles.isEmpty && names.isEmpty
    }

    /// True for 32 hexadecimal digits in groups of 8-4-4-4-12.
    public static func isErrorID(_ text: String) -> Bool {
        SealedIdentifier(token: Array(text.lowercased().utf8).span) != nil
    }

    /// A time in UTC as people write it – a date, and as much of a time behind it as they like – as
    /// the beginning of what lines have; nil where it is none, or there is no such time.
    public static func time(_ text: String) -> String? {
        var text = text.replacing(every: " ", by: "T")
        if text.hasSuffix("Z") || text.hasSuffix("z") { text.removeLast() }
        let form = Array("0000-00-00T00:00:00.000".utf8)
        let bytes = Array(text.uppercased().utf8)
        guard (10...form.count).contains(bytes.count), bytes.last != UInt8(ascii: "T") else {
            return nil
        }
        for (byte, expected) in zip(bytes, form) {
            let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
            guard expected == UInt8(ascii: "0") ? isDigit : byte == expected else { return nil }
        }
        return isTime(bytes + form.dropFirst(bytes.count)) ? text.uppercased() : nil
    }

    /// - Parameter digits: in the form of lines, to the millisecond.
    private static func isTime(_ digits: [UInt8]) -> Bool {
        func number(_ places: Range<Int>) -> Int {
            digits[places].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        }
        let (year, month, day) = (number(0..<4), number(5..<7), number(8..<10))
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...12).contains(month), (1...lengths[month - 1]).contains(day) else { return false }
        return number(11..<13) < 24 && number(14..<16) < 60 && number(17..<19) < 60
    }

    /// What must stand in a line, byte for byte. Within a text a quote is escaped, so no client can
    /// bring these about.
    var needles: [[UInt8]] {
        var needles: [[UInt8]] = []
        func add(_ opening: String, _ text: String?) {
            guard let text else { return }
            var needle = Array(opening.utf8)
            AuditText.appendString(text, to: &needle)
            needles.append(needle)
        }
        add(#"{"id":"#, errorID?.lowercased())
        add(#","request_id":"#, requestID)
        add(#","interaction_id":"#, interactionID)
        add(#","consent":"#, consentID)
        return needles
    }

    /// Whom a line must be about, each with the member that has the name.
    var names: [AuditName] {
        [("fi", institution), ("psp", provider), ("client", client)].compactMap { member, text in
            text.map { AuditName($0, member: member) }
        }
    }

    /// Whether a line came in the time that is looked at. Times are compared as texts: all have the
    /// same form.
    func isInTime(_ line: ArraySlice<UInt8>) -> Bool {
        if since == nil, until == nil { return true }
        let members = line.dropFirst(AuditRecord.opening.count)
        let time = String(decoding: members.prefix(Timestamp.length), as: UTF8.self)
        return since.map { time >= $0 } != false && until.map { time < $0 } != false
    }
}
