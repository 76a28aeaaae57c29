// What may be a redirect URI (RFC 6749 §3.1.2): an absolute URI without a fragment.

import Bytes

public enum AbsoluteURI {
    /// Longer ones are refused.
    public static let bytesMax = 2048

    /// scheme ":" hier-part [ "?" query ] by its characters (RFC 3986 §4.3, §2).
    public static func isValid(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0,
            isLetter(bytes[0]), bytes[..<colon].allSatisfy(isScheme), colon + 1 < bytes.count
        else { return false }
        var at = colon + 1
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "%") {
                guard at + 2 < bytes.count, Hexadecimal.value(bytes[at + 1]) != nil,
                    Hexadecimal.value(bytes[at + 2]) != nil
                else { return false }
                at += 3
            } else {
                guard isURI(bytes[at]) else { return false }
                at += 1
            }
        }
        return true
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10
    }

    private static func isScheme(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || "+-.".utf8.contains(byte)
    }

    /// unreserved and reserved, without "#".
    private static func isURI(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || "-._~:/?[]@!$&'()*+,;=".utf8.contains(byte)
    }
}
