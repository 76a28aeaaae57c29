// One line of `Forwarded` (RFC 7239 §4): elements between commas, pairs between semicolons, values that
// may be quoted. Pure.

import Bytes

/// Reads one line, once.
struct ForwardedReader {
    private let bytes: [UInt8]
    private var at = 0
    private static let nodeName = [UInt8]("for".utf8)

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// What each element says after `for`, without quotes; nil for one that says nothing.
    ///
    /// - Returns: nil for a line that breaks the rules, or says `for` twice in one element.
    mutating func nodes() -> [[UInt8]?]? {
        var nodes: [[UInt8]?] = []
        while true {
            guard let element = element() else { return nil }
            if element.hasPairs { nodes.append(element.node) }
            if at == bytes.count { return nodes }
            at += 1  // the comma
        }
    }

    /// Up to a comma or the end.
    private mutating func element() -> (node: [UInt8]?, hasPairs: Bool)? {
        var node: [UInt8]?
        var hasPairs = false
        while true {
            skipBlanks()
            if !isEnd, bytes[at] != UInt8(ascii: ";") {
                guard let name = token(), skip(UInt8(ascii: "=")), let value = value() else {
                    return nil
                }
                hasPairs = true
                if equalIgnoringCase(bytes.span, name, ForwardedReader.nodeName) {
                    if node != nil { return nil }
                    node = value
                }
            }
            skipBlanks()
            if isEnd { return (node, hasPairs) }
            guard skip(UInt8(ascii: ";")) else { return nil }
        }
    }

    private var isEnd: Bool { at == bytes.count || bytes[at] == UInt8(ascii: ",") }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    private mutating func skipBlanks() {
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
    }

    /// Anything but what ends it; nil where there is nothing. Wider than RFC 9110 §5.6.2, as some proxies
    /// leave the quotes away that an address with colons needs.
    private mutating func token() -> Range<Int>? {
        let start = at
        loop: while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x09, UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="),
                UInt8(ascii: "\""):
                break loop
            default: at += 1
            }
        }
        return at > start ? start..<at : nil
    }

    /// A token, or what stands between quotes (RFC 9110 §5.6.4).
    private mutating func value() -> [UInt8]? {
        guard skip(UInt8(ascii: "\"")) else {
            guard let range = token() else { return nil }
            return Array(bytes[range])
        }
        var text: [UInt8] = []
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            if byte == UInt8(ascii: "\"") { return text }
            if byte == UInt8(ascii: "\\") {
                guard at < bytes.count else { return nil }
                text.append(bytes[at])
                at += 1
            } else {
                text.append(byte)
            }
        }
        return nil
    }
}
