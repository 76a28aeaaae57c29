// Addresses of the Internet as people write them.

public enum AddressText {
    /// `192.0.2.1` for 4 bytes, `2001:db8::1` for 16: the one form that RFC 5952 §4 has for each address,
    /// so that a search finds it. nil for anything else, such as no bytes, since the client has gone.
    public static func text(_ bytes: [UInt8]) -> String? {
        switch bytes.count {
        case 4: ipv4Text(bytes)
        case 16: ipv6Text(bytes)
        default: nil
        }
    }

    /// The longest, in bytes: of IPv6 with no zeros.
    public static let lengthMax = 39

    /// Puts the same; nothing for what is no address.
    public static func put(
        _ bytes: [UInt8], in output: inout MutableSpan<UInt8>, at place: inout Int
    ) {
        if bytes.count == 4 { return putIPv4(bytes.span, in: &output, at: &place) }
        if let text = text(bytes) { output.put(text.utf8Span.span, at: &place) }
    }

    private static func putIPv4(
        _ bytes: Span<UInt8>, in output: inout MutableSpan<UInt8>, at place: inout Int
    ) {
        for at in 0..<4 {
            if at > 0 { output.put(UInt8(ascii: "."), at: &place) }
            let byte = bytes[at]
            if byte >= 100 { output.put(UInt8(ascii: "0") &+ byte / 100, at: &place) }
            if byte >= 10 { output.put(UInt8(ascii: "0") &+ byte / 10 % 10, at: &place) }
            output.put(UInt8(ascii: "0") &+ byte % 10, at: &place)
        }
    }

    private static func ipv4Text(_ bytes: [UInt8]) -> String {
        bytes.map { String($0) }.joined(separator: ".")
    }

    private static func ipv6Text(_ bytes: [UInt8]) -> String {
        let four = unmapped(bytes)
        // §5: known to hold an IPv4 address.
        if four.count == 4 { return "::ffff:\(ipv4Text(four))" }
        let groups = stride(from: 0, to: 16, by: 2).map {
            Int(bytes[$0]) << 8 | Int(bytes[$0 + 1])
        }
        func join(_ part: ArraySlice<Int>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        let gap = zeros(groups)
        // A single group is not left out (§4.2.2).
        if gap.count < 2 { return join(groups[...]) }
        return "\(join(groups[..<gap.lowerBound]))::\(join(groups[gap.upperBound...]))"
    }

    /// The longest run of groups that are zero; the first of those (§4.2.3).
    private static func zeros(_ groups: [Int]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for index in groups.indices {
            if groups[index] != 0 {
                start = index + 1
            } else if index + 1 - start > longest.count {
                longest = start..<index + 1
            }
        }
        return longest
    }
}

extension AddressText {
    /// An address as people write it: 4 bytes, or 16 for IPv6 in any form of RFC 4291 §2.2. An IPv4
    /// address in IPv6 clothes (`::ffff:192.0.2.1`, §2.5.5.2) has 4, as sockets have it. nil for
    /// anything else, such as a zone behind a percent sign.
    public static func bytes(_ text: Span<UInt8>) -> [UInt8]? {
        for at in text.indices where text[at] == colon {
            return ipv6(text).map(unmapped)
        }
        return ipv4(text)
    }

    /// The four bytes of an IPv4 address that stands in an IPv6 one, or what was given.
    public static func unmapped(_ address: [UInt8]) -> [UInt8] {
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        return address.count == 16 && address.starts(with: mapped)
            ? Array(address[12...]) : address
    }

    /// Four numbers up to 255 without leading zeros.
    private static func ipv4(_ text: Span<UInt8>) -> [UInt8]? {
        var address: [UInt8] = []
        var number = 0
        var digits = 0
        for at in 0...text.count {
            if at == text.count || text[at] == UInt8(ascii: ".") {
                guard digits > 0, address.count < 4 else { return nil }
                address.append(UInt8(number))
                (number, digits) = (0, 0)
                continue
            }
            let digit = text[at] &- UInt8(ascii: "0")
            guard digit < 10, digits == 0 || number > 0 else { return nil }
            number = number * 10 + Int(digit)
            digits += 1
            if number > 255 { return nil }
        }
        return address.count == 4 ? address : nil
    }

    /// Eight groups of up to four hexadecimal digits; `::` once for one or more that are zero; an IPv4
    /// address for the last two.
    private static func ipv6(_ text: Span<UInt8>) -> [UInt8]? {
        var gap = 0
        while gap + 1 < text.count, text[gap] != colon || text[gap + 1] != colon { gap += 1 }
        guard gap + 1 < text.count else {
            return groups(text, mayEndAsIPv4: true).flatMap { $0.count == 16 ? $0 : nil }
        }
        guard let front = groups(text.extracting(0..<gap), mayEndAsIPv4: false),
            let back = groups(text.extracting(gap + 2..<text.count), mayEndAsIPv4: true),
            front.count + back.count <= 14
        else { return nil }
        return front + [UInt8](repeating: 0, count: 16 - front.count - back.count) + back
    }

    private static let colon = UInt8(ascii: ":")

    /// Groups with a colon between each; none for no text.
    private static func groups(_ text: Span<UInt8>, mayEndAsIPv4: Bool) -> [UInt8]? {
        var bytes: [UInt8] = []
        if text.isEmpty { return bytes }
        var start = 0
        for at in 0...text.count where at == text.count || text[at] == colon {
            let part = text.extracting(start..<at)
            if mayEndAsIPv4, at == text.count, let tail = ipv4(part) {
                bytes += tail
            } else {
                guard let value = group(part) else { return nil }
                bytes += [UInt8(value >> 8), UInt8(value & 0xFF)]
            }
            if bytes.count > 16 { return nil }
            start = at + 1
        }
        return bytes
    }

    private static func group(_ text: Span<UInt8>) -> Int? {
        guard (1...4).contains(text.count) else { return nil }
        var value = 0
        for at in text.indices {
            guard let digit = Hexadecimal.value(text[at]) else { return nil }
            value = value << 4 | Int(digit)
        }
        return value
    }
}
