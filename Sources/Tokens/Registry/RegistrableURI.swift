// Which redirect URIs may be registered. Stricter than what a request may name (`AbsoluteURI`): a code is
// sent where such a URI says, by a browser that follows it. What was registered before stays as it is.

import Bytes

/// Why a URI may not be registered. Each says what to write instead.
public enum RedirectURIFault: Equatable, Sendable {
    case empty, tooLong, notASCII, hasSpaceOrControl, hasFragment, malformed
    case scheme(String)
    case hostMissing, hostMalformed, addressMalformed, portMalformed, hasUserInfo
    case plainText

    public var description: String {
        switch self {
        case .empty: "it is empty: write an absolute URI, such as https://psp.example/callback"
        case .tooLong: "it is longer than \(AbsoluteURI.bytesMax) bytes: write a shorter one"
        case .notASCII:
            "it has characters beyond ASCII: write a host in its xn-- form, and all else with %XX"
        case .hasSpaceOrControl:
            "it has a space or a control character: write %20 for a space, and leave out the others"
        case .hasFragment:
            "it has a fragment (RFC 6749 §3.1.2): write it without # and what follows"
        case .malformed: "write an absolute URI, such as https://psp.example/callback"
        case .scheme(let scheme):
            "the scheme \(scheme): is not taken: write https://…, or a private-use scheme that is a domain "
                + "name in reverse, such as com.example.app:/callback (RFC 8252 §7.1)"
        case .hostMissing: "it names no host: write https://psp.example/callback"
        case .hostMalformed:
            "its host is neither a name nor an address: write a name of letters, digits and hyphens with "
                + "single dots in between, such as psp.example, or an address such as [2001:db8::1]"
        case .addressMalformed:
            "its host ends in a number, so browsers read it as an address, and it is none: write four numbers "
                + "from 0 to 255 without leading zeros, such as 192.0.2.1"
        case .portMalformed:
            "its port is no number from 1 to 65535: write one, or leave out the colon"
        case .hasUserInfo:
            "it has a user name before the host, which hides where it leads: leave out what stands "
                + "before the @"
        case .plainText:
            "a code would cross the network in plain text: write https://…; http is taken for the "
                + "machine itself only, such as http://127.0.0.1/callback (RFC 8252 §7.3)"
        }
    }
}

public enum RegistrableURI {
    /// - Parameter allowsPlainText: takes `http` to any host.
    /// - Returns: nil where it may be registered.
    public static func fault(of text: String, allowsPlainText: Bool) -> RedirectURIFault? {
        let bytes = Array(text.utf8)
        if bytes.isEmpty { return .empty }
        if bytes.count > AbsoluteURI.bytesMax { return .tooLong }
        if bytes.contains(where: { $0 <= 0x20 || $0 == 0x7F }) { return .hasSpaceOrControl }
        if bytes.contains(where: { $0 > 0x7F }) { return .notASCII }
        if bytes.contains(UInt8(ascii: "#")) { return .hasFragment }
        guard AbsoluteURI.isValid(text), let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
            return .malformed
        }
        let scheme = String(decoding: bytes[..<colon], as: UTF8.self).lowercased()
        let isWeb = scheme == "https" || scheme == "http"
        guard isWeb || isReversedDomain(scheme) else { return .scheme(scheme) }
        let rest = bytes[(colon + 1)...]
        guard rest.starts(with: "//".utf8) else { return isWeb ? .hostMissing : nil }
        let authority = Authority(rest.dropFirst(2))
        if authority.hasUserInfo { return .hasUserInfo }
        guard isWeb else { return nil }
        if let fault = authority.fault { return fault }
        return scheme == "http" && !allowsPlainText && !authority.isLoopback ? .plainText : nil
    }

    /// Schemes that something obeys, and that are no top-level domain. With a dot behind it such a word is
    /// another scheme, but a filter or a reader of lists takes it for the one without.
    private static let obeyed: Set<String> = [
        "about", "blob", "data", "file", "filesystem", "ftp", "http", "https", "intent", "jar",
        "javascript", "mailto", "resource", "sms", "ssh", "tel", "urn", "vbscript", "view-source",
        "ws", "wss",
    ]

    /// A domain name from its end, so that nobody else has it (RFC 8252 §7.1, RFC 7595 §3.8). All that a
    /// browser itself obeys, such as javascript: and data:, has no dot (RFC 8252 §8.4).
    private static func isReversedDomain(_ scheme: String) -> Bool {
        let labels = scheme.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count > 1, let top = labels.first, top.utf8.count > 1,
            !obeyed.contains(String(top))
        else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                && !label.contains("+")
        }
    }
}

/// What stands between `//` and the path (RFC 3986 §3.2).
private struct Authority {
    let hasUserInfo: Bool
    private let host: ArraySlice<UInt8>
    /// nil: there is none.
    private let port: ArraySlice<UInt8>?

    init(_ bytes: ArraySlice<UInt8>) {
        let end = bytes.firstIndex { "/?".utf8.contains($0) } ?? bytes.endIndex
        let authority = bytes[..<end]
        let at = authority.lastIndex(of: UInt8(ascii: "@"))
        hasUserInfo = at != nil
        let place = authority[(at.map { $0 + 1 } ?? authority.startIndex)...]
        // The colons of an IPv6 address stand in brackets.
        let bracket = place.lastIndex(of: UInt8(ascii: "]")) ?? place.startIndex
        let colon = place[bracket...].firstIndex(of: UInt8(ascii: ":"))
        host = place[..<(colon ?? place.endIndex)]
        port = colon.map { place[($0 + 1)...] }
    }

    var fault: RedirectURIFault? {
        if host.isEmpty { return .hostMissing }
        if host.first == UInt8(ascii: "[") {
            guard isIPv6 else { return .hostMalformed }
        } else {
            guard isName else { return .hostMalformed }
            if endsInNumber, AddressText.bytes(Array(host).span) == nil { return .addressMalformed }
        }
        guard let port else { return nil }
        let isNumber = port.allSatisfy { $0 &- 0x30 < 10 } && port.count <= 5
        guard isNumber, let number = Int(String(decoding: port, as: UTF8.self)) else {
            return .portMalformed
        }
        return (1...65_535).contains(number) ? nil : .portMalformed
    }

    private var labels: [ArraySlice<UInt8>] {
        host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    }

    /// Labels with a dot between each, as DNS has them (RFC 1035 §2.3.4), and nothing that one reader of
    /// URIs decodes and another does not.
    private var isName: Bool {
        host.count <= 253
            && labels.allSatisfy { label in
                (1...63).contains(label.count) && label.first != UInt8(ascii: "-")
                    && label.last != UInt8(ascii: "-")
                    && label.allSatisfy {
                        ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 || "-_".utf8.contains($0)
                    }
            }
    }

    /// Browsers make an IPv4 address of any host whose last label is a number, `127.1` and `0x7f000001` too
    /// (URL Standard, "ends in a number").
    private var endsInNumber: Bool {
        guard let last = labels.last else { return false }
        if last.allSatisfy({ $0 &- 0x30 < 10 }) { return true }
        return last.count > 1 && last.first == UInt8(ascii: "0")
            && last[last.startIndex + 1] | 0x20 == UInt8(ascii: "x")
            && last.dropFirst(2).allSatisfy { Hexadecimal.value($0) != nil }
    }

    private var isIPv6: Bool {
        guard host.last == UInt8(ascii: "]"), host.contains(UInt8(ascii: ":")) else { return false }
        return AddressText.bytes(Array(host.dropFirst().dropLast()).span) != nil
    }

    /// 127.0.0.0/8, ::1 and localhost (RFC 8252 §7.3).
    var isLoopback: Bool {
        let text = String(decoding: host, as: UTF8.self).lowercased()
        if text == "localhost" || text == "[::1]" { return true }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { part in
                (1...3).contains(part.count) && part.utf8.allSatisfy { $0 &- 0x30 < 10 }
                    && (part.count == 1 || part.first != "0") && UInt8(part) != nil
            }
    }
}
