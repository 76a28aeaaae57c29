// Host and port, as in the Host field and in an absolute target (RFC 3986 §3.2.2, §3.2.3).

import Bytes

enum Authority {
    /// uri-host [":" port] (RFC 9112 §3.2): a registered name, which may be empty and look like an
    /// IPv4 address, or an IPv6 address in brackets, then an optional port. An address of a future
    /// version is no known way to address anything and thus refused (RFC 3986 §3.2.2).
    static func isValid(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        let end = range.upperBound
        var at = range.lowerBound
        if at < end, bytes[at] == UInt8(ascii: "[") {
            let start = at + 1
            while at < end, bytes[at] != UInt8(ascii: "]") { at += 1 }
            guard at < end, isIPv6(bytes, start..<at) else { return false }
            at += 1
        } else {
            // Beyond the end too, so that a short host takes a word or two and no bytes one by one.
            while at < end, at &+ 8 <= bytes.count {
                let beyond = Grammar.beyondHosts(bytes.word(at: at))
                at &+= beyond == 0 ? 8 : beyond.trailingZeroBitCount &>> 3
                if beyond != 0 { break }
            }
            at = min(at, end)
            while at < end, isRegisteredName(bytes[at]) { at += 1 }
            while at < end, bytes[at] == UInt8(ascii: "%") {
                guard isEscape(bytes, at..<end) else { return false }
                at += 3
                while at < end, isRegisteredName(bytes[at]) { at += 1 }
            }
        }
        if at == end { return true }
        guard bytes[at] == UInt8(ascii: ":") else { return false }
        at += 1
        while at < end, Grammar.isDigit(bytes[at]) { at += 1 }
        return at == end
    }

    /// unreserved / sub-delims (RFC 3986 §3.2.2).
    private static func isRegisteredName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "#"), UInt8(ascii: "%"), UInt8(ascii: "^"), UInt8(ascii: "`"),
            UInt8(ascii: "|"):
            false
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: ","), UInt8(ascii: ";"),
            UInt8(ascii: "="):
            true
        default: Grammar.isToken(byte)
        }
    }

    /// "%" HEXDIG HEXDIG (RFC 3986 §2.1), at the start of `range`.
    private static func isEscape(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        range.count > 2 && Hexadecimal.value(bytes[range.lowerBound + 1]) != nil
            && Hexadecimal.value(bytes[range.lowerBound + 2]) != nil
    }

    /// Eight groups of up to four hexadecimal digits; `::` once for one or more that are zero; an
    /// IPv4 address for the last two (RFC 3986 §3.2.2).
    private static func isIPv6(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        let end = range.upperBound
        var at = range.lowerBound
        var groups = 0
        var hasGap = false
        if range.count >= 2, bytes[at] == UInt8(ascii: ":"), bytes[at + 1] == UInt8(ascii: ":") {
            hasGap = true
            at += 2
            if at == end { return true }
        }
        while true {
            let start = at
            while at < end, Hexadecimal.value(bytes[at]) != nil { at += 1 }
            if at < end, bytes[at] == UInt8(ascii: ".") {
                guard isIPv4(bytes, start..<end) else { return false }
                groups += 2
                break
            }
            guard (1...4).contains(at - start) else { return false }
            groups += 1
            if at == end { break }
            guard bytes[at] == UInt8(ascii: ":") else { return false }
            at += 1
            if at < end, bytes[at] == UInt8(ascii: ":") {
                guard !hasGap else { return false }
                hasGap = true
                at += 1
                if at == end { break }
            }
        }
        return hasGap ? groups <= 7 : groups == 8
    }

    /// Four numbers up to 255 without leading zeros (RFC 3986 §3.2.2).
    private static func isIPv4(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var at = range.lowerBound
        for index in 0..<4 {
            if index > 0 {
                guard at < range.upperBound, bytes[at] == UInt8(ascii: ".") else { return false }
                at += 1
            }
            let start = at
            var number = 0
            while at < range.upperBound, Grammar.isDigit(bytes[at]), at - start < 3 {
                number = number * 10 + Int(bytes[at] - UInt8(ascii: "0"))
                at += 1
            }
            guard at > start, number <= 255 else { return false }
            if bytes[start] == UInt8(ascii: "0"), at - start > 1 { return false }
        }
        return at == range.upperBound
    }
}
