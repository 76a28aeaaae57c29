// Certificates as they stand in header fields: base64 of DER, or PEM with percent escapes, since a field has
// no line ends. Pure; what a certificate says is read elsewhere.

import Bytes

enum CertificateText {
    /// More of a chain helps nobody.
    static let chainMax = 8

    /// The certificates in a text, each in DER, the one that it is about first. nil for anything but base64
    /// of one, or PEM with nothing around its blocks.
    static func chain(_ text: Span<UInt8>) -> [[UInt8]]? {
        guard let plain = unescaped(text) else { return nil }
        guard plain.starts(with: begin) else {
            return Base64.decode(plain.span, 0..<plain.count).map { [$0] }
        }
        return blocks(plain)
    }

    /// With percent escapes resolved (RFC 3986 §2.1); nil where one is broken. Base64 has no `%`.
    private static func unescaped(_ text: Span<UInt8>) -> [UInt8]? {
        var plain: [UInt8] = []
        plain.reserveCapacity(text.count)
        var at = 0
        while at < text.count {
            guard text[at] == UInt8(ascii: "%") else {
                plain.append(text[at])
                at += 1
                continue
            }
            guard at + 2 < text.count, let high = digit(text[at + 1]), let low = digit(text[at + 2])
            else { return nil }
            plain.append(high << 4 | low)
            at += 3
        }
        return plain
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 0x30
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 0x41 + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 0x61 + 10
        default: nil
        }
    }

    private static let begin = [UInt8]("-----BEGIN CERTIFICATE-----".utf8)
    private static let end = [UInt8]("-----END CERTIFICATE-----".utf8)

    /// RFC 7468 §3: blocks, with blanks between them.
    private static func blocks(_ text: [UInt8]) -> [[UInt8]]? {
        var rest = text[...]
        var chain: [[UInt8]] = []
        while !rest.isEmpty {
            guard chain.count < chainMax, rest.starts(with: begin) else { return nil }
            rest = rest.dropFirst(begin.count)
            guard let dash = rest.firstIndex(of: UInt8(ascii: "-")) else { return nil }
            let body = rest[..<dash].filter { !isBlank($0) }
            guard let der = Base64.decode(body.span, 0..<body.count) else { return nil }
            chain.append(der)
            rest = rest[dash...]
            guard rest.starts(with: end) else { return nil }
            rest = rest.dropFirst(end.count).drop(while: isBlank)
        }
        return chain
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }
}
