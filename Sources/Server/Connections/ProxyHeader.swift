// What a balancer says in front of a connection's own bytes: the PROXY protocol, versions 1 and 2, as
// HAProxy's doc/proxy-protocol.txt (2020-03-05) has them. Pure.

import Bytes

/// Whom a connection was accepted for.
struct ProxyHeader: Equatable {
    enum Outcome: Equatable {
        /// More bytes are needed.
        case incomplete
        case complete(ProxyHeader)
        /// It is none, and never becomes one.
        case refused(ProxyRefusal)
    }

    /// In bytes: the connection's own begin behind it.
    let length: Int
    /// 4 bytes, or 16; nil where the balancer speaks for itself, as in its health checks, or does not say.
    let source: [UInt8]?

    /// Version 1, with its CR LF (§2.1).
    static let textBytesMax = 107
    /// Version 2, with all that follows the addresses; balancers send some hundred bytes.
    static let binaryBytesMax = 4096

    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]
    private static let textStart = [UInt8]("PROXY ".utf8)

    /// - Parameter bytes: all that have come, from the first.
    static func read(_ bytes: Span<UInt8>) -> Outcome {
        if bytes.isEmpty { return .incomplete }
        let isText = bytes[0] == textStart[0]
        let start = isText ? textStart : signature
        for at in 0..<min(start.count, bytes.count) where bytes[at] != start[at] {
            return .refused(.missing)
        }
        if bytes.count < start.count { return .incomplete }
        return isText ? readText(bytes) : readBinary(bytes)
    }

    // MARK: Version 1

    private static func readText(_ bytes: Span<UInt8>) -> Outcome {
        let limit = min(bytes.count, textBytesMax)
        var end = textStart.count
        while end < limit, bytes[end] != 0x0D { end += 1 }
        guard end + 1 < limit else {
            return bytes.count < textBytesMax
                ? .incomplete : .refused(.tooLong(textBytesMax))
        }
        guard bytes[end + 1] == 0x0A, let source = textSource(bytes, end) else {
            return .refused(.malformed("is malformed"))
        }
        return .complete(ProxyHeader(length: end + 2, source: source.address))
    }

    /// `TCP4` or `TCP6`, two addresses, two ports, with one space between each; or `UNKNOWN` and
    /// anything.
    private static func textSource(
        _ bytes: Span<UInt8>, _ end: Int
    ) -> (address: [UInt8]?, Void)? {
        var words: [Range<Int>] = []
        var start = textStart.count
        for at in start...end where at == end || bytes[at] == UInt8(ascii: " ") {
            words.append(start..<at)
            start = at + 1
        }
        let family = String(decoding: words[0].map { bytes[$0] }, as: UTF8.self)
        if family == "UNKNOWN" { return (nil, ()) }
        guard family == "TCP4" || family == "TCP6", words.count == 5,
            let source = AddressText.bytes(bytes.extracting(words[1])),
            AddressText.bytes(bytes.extracting(words[2])) != nil,
            isOf(family, bytes.extracting(words[1])), isOf(family, bytes.extracting(words[2])),
            isPort(bytes.extracting(words[3])), isPort(bytes.extracting(words[4]))
        else { return nil }
        return (source, ())
    }

    private static func isOf(_ family: String, _ address: Span<UInt8>) -> Bool {
        var hasColon = false
        for at in address.indices where address[at] == UInt8(ascii: ":") { hasColon = true }
        return hasColon == (family == "TCP6")
    }

    /// 0 to 65535 without leading zeros.
    private static func isPort(_ text: Span<UInt8>) -> Bool {
        guard (1...5).contains(text.count), text.count == 1 || text[0] != UInt8(ascii: "0") else {
            return false
        }
        var number = 0
        for at in text.indices {
            let digit = text[at] &- UInt8(ascii: "0")
            guard digit < 10 else { return false }
            number = number * 10 + Int(digit)
        }
        return number <= 65535
    }

    // MARK: Version 2

    private static func readBinary(_ bytes: Span<UInt8>) -> Outcome {
        guard bytes.count >= 16 else { return .incomplete }
        let (command, family) = (bytes[12], bytes[13])
        let length = 16 + Int(bytes[14]) << 8 + Int(bytes[15])
        guard command == 0x20 || command == 0x21 else {
            return .refused(.malformed("has an unknown version or command"))
        }
        guard length <= binaryBytesMax else { return .refused(.tooLong(binaryBytesMax)) }
        guard let addresses = Addresses(family) else {
            return .refused(.malformed("is about no TCP connection"))
        }
        // LOCAL: the balancer speaks for itself, whatever else stands there (§2.2).
        let isLocal = command == 0x20
        guard isLocal || length - 16 >= addresses.bytes else {
            return .refused(.malformed("is too short for its addresses"))
        }
        guard bytes.count >= length else { return .incomplete }
        if isLocal || addresses == .unspecified {
            return .complete(ProxyHeader(length: length, source: nil))
        }
        guard isExtended(bytes.extracting(16 + addresses.bytes..<length)) else {
            return .refused(.malformed("has something at its end that reaches beyond it"))
        }
        let source = (16..<16 + addresses.sourceBytes).map { bytes[$0] }
        return .complete(
            ProxyHeader(
                length: length, source: source.isEmpty ? nil : AddressText.unmapped(source)))
    }

    /// What stands behind the length (§2.2).
    private enum Addresses {
        case unspecified, ipv4, ipv6, unix

        init?(_ family: UInt8) {
            switch family {
            case 0x00: self = .unspecified
            case 0x11: self = .ipv4
            case 0x21: self = .ipv6
            case 0x31: self = .unix
            default: return nil
            }
        }

        /// Two addresses, and two ports where there are any.
        var bytes: Int {
            switch self {
            case .unspecified: 0
            case .ipv4: 12
            case .ipv6: 36
            case .unix: 216
            }
        }

        var sourceBytes: Int {
            switch self {
            case .unspecified, .unix: 0
            case .ipv4: 4
            case .ipv6: 16
            }
        }
    }

    /// Nothing, or extensions up to the end: each a type, a length of two bytes, and as many bytes (§2.2).
    private static func isExtended(_ rest: Span<UInt8>) -> Bool {
        var at = 0
        while at < rest.count {
            guard rest.count - at >= 3 else { return false }
            at += 3 + Int(rest[at + 1]) << 8 + Int(rest[at + 2])
        }
        return at == rest.count
    }
}
