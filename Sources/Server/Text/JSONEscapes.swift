// What a backslash means in a JSON string (RFC 8259 §7).

import Bytes

enum JSONEscapes {
    /// Resolves the escapes of a string that `JSONReader` has accepted.
    static func resolve(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        var output: [UInt8] = []
        var at = range.lowerBound
        while at < range.upperBound {
            guard bytes[at] == UInt8(ascii: "\\") else {
                output.append(bytes[at])
                at += 1
                continue
            }
            let kind = bytes[at + 1]
            guard kind == UInt8(ascii: "u") else {
                output.append(simpleEscape(kind))
                at += 2
                continue
            }
            let (scalar, length) = escapedScalar(bytes, at)
            output.append(contentsOf: String(scalar).utf8)
            at += length
        }
        return output
    }

    private static func simpleEscape(_ kind: UInt8) -> UInt8 {
        switch kind {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: kind
        }
    }

    /// The character of a `\uXXXX`, or of a pair of them, and the length of its escape.
    private static func escapedScalar(
        _ bytes: Span<UInt8>, _ at: Int
    ) -> (scalar: Unicode.Scalar, length: Int) {
        do throws(JSONInvalid) {
            let unit = try codeUnit(bytes, at)
            if let scalar = Unicode.Scalar(unit) { return (scalar, 6) }
            let low = try codeUnit(bytes, at + 6)
            let value = 0x10000 + (unit & 0x3FF) << 10 + low & 0x3FF
            guard let scalar = Unicode.Scalar(value) else { throw JSONInvalid() }
            return (scalar, 12)
        } catch {
            preconditionFailure("JSONReader has checked every escape")
        }
    }

    /// The four digits of the `\uXXXX` at `at`.
    static func codeUnit(_ bytes: Span<UInt8>, _ at: Int) throws(JSONInvalid) -> UInt32 {
        guard at + 6 <= bytes.count, bytes[at] == UInt8(ascii: "\\"),
            bytes[at + 1] == UInt8(ascii: "u")
        else { throw JSONInvalid() }
        var unit: UInt32 = 0
        for index in at + 2..<at + 6 {
            guard let digit = Hexadecimal.value(bytes[index]) else { throw JSONInvalid() }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }
}
