// For whom a proxy asks: `X-Forwarded-For`, or `Forwarded` (RFC 7239). Pure. What is read here was
// written by clients too: only what trusted proxies have added is believed.

import Bytes
import HTTP1

enum ForwardedAddress {
    private static let plain = FieldName("x-forwarded-for")
    private static let standard = FieldName("forwarded")

    /// The address of the client: the last one in the list that no trusted proxy has.
    ///
    /// Each proxy appends whom it was asked by. So the list is read from its end, as long as its addresses
    /// are those of trusted proxies. Where a proxy does not say an address (`unknown`, `_hidden`), the
    /// client is as far as that is known: the proxy itself.
    ///
    /// Only the header that the proxies write is read: the other one may be the client's own, which they
    /// have passed on.
    ///
    /// - Parameter peer: the address that the connection came from, which is a trusted proxy's.
    static func client(
        _ fields: borrowing Fields, _ bytes: Span<UInt8>, behind peer: [UInt8],
        _ proxies: TrustedProxies
    ) -> [UInt8] {
        var walk = Walk(peer: peer, proxies: proxies)
        for index in stride(from: fields.count - 1, through: 0, by: -1) {
            let field = fields[index]
            switch proxies.header {
            case .xForwardedFor where field.isNamed(plain, bytes):
                self.walk(list: bytes.extracting(field.value), &walk)
            case .forwarded where field.isNamed(standard, bytes):
                self.walk(elements: bytes.extracting(field.value), &walk)
            case .xForwardedFor, .forwarded: continue
            }
        }
        return walk.address
    }

    /// From the last proxy towards the client.
    private struct Walk {
        let proxies: TrustedProxies
        /// Where it has come to.
        private(set) var address: [UInt8]
        private(set) var isOver = false

        init(peer: [UInt8], proxies: TrustedProxies) {
            (address, self.proxies) = (peer, proxies)
        }

        /// - Parameter next: nil where none is said.
        mutating func go(to next: [UInt8]?) {
            guard !isOver, let next else {
                isOver = true
                return
            }
            address = next
            isOver = !proxies.contains(next)
        }
    }

    /// One line of `X-Forwarded-For`: addresses between commas, from the end.
    private static func walk(list: Span<UInt8>, _ walk: inout Walk) {
        var end = list.count
        while end >= 0, !walk.isOver {
            var start = end
            while start > 0, list[start - 1] != UInt8(ascii: ",") { start -= 1 }
            let member = trimmed(list, start..<end)
            // An empty member is none (RFC 9110 §5.6.1.2).
            if !member.isEmpty { walk.go(to: node(list.extracting(member))) }
            end = start - 1
        }
    }

    private static func trimmed(_ text: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isBlank(text[start]) { start += 1 }
        while end > start, isBlank(text[end - 1]) { end -= 1 }
        return start..<end
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// One line of `Forwarded`: elements between commas, from the end. A line that is malformed says
    /// nothing about anybody.
    private static func walk(elements: Span<UInt8>, _ walk: inout Walk) {
        if walk.isOver { return }
        var reader = ForwardedReader(elements.indices.map { elements[$0] })
        guard let nodes = reader.nodes() else { return walk.go(to: nil) }
        for text in nodes.reversed() where !walk.isOver {
            walk.go(to: text.flatMap { node($0.span) })
        }
    }

    /// An address, with a port or without: `192.0.2.1`, `192.0.2.1:4711`, `[2001:db8::1]:4711`,
    /// `2001:db8::1` (RFC 7239 §6). nil for `unknown`, `_hidden` and anything else.
    static func node(_ text: Span<UInt8>) -> [UInt8]? {
        guard text.count > 0 else { return nil }
        if text[0] == UInt8(ascii: "[") {
            var at = 1
            while at < text.count, text[at] != UInt8(ascii: "]") { at += 1 }
            guard at < text.count, isPort(text.extracting(droppingFirst: at + 1)),
                let address = AddressText.bytes(text.extracting(1..<at)),
                address.count == 16 || holdsColon(text.extracting(1..<at))
            else { return nil }
            return address
        }
        if let address = AddressText.bytes(text) { return address }
        var colon = 0
        while colon < text.count, text[colon] != UInt8(ascii: ":") { colon += 1 }
        guard colon < text.count, isPort(text.extracting(droppingFirst: colon)) else { return nil }
        return AddressText.bytes(text.extracting(0..<colon))
    }

    private static func holdsColon(_ text: Span<UInt8>) -> Bool {
        for at in text.indices where text[at] == UInt8(ascii: ":") { return true }
        return false
    }

    /// Nothing; or a colon with one to five digits, or with an obfuscated port (RFC 7239 §6.3).
    private static func isPort(_ text: Span<UInt8>) -> Bool {
        if text.isEmpty { return true }
        guard text[0] == UInt8(ascii: ":"), text.count > 1 else { return false }
        if text[1] == UInt8(ascii: "_") { return text.count > 2 }
        guard text.count <= 6 else { return false }
        for at in 1..<text.count where text[at] &- 0x30 >= 10 { return false }
        return true
    }
}
