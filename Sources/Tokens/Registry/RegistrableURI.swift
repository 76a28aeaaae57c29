// Which redirect URIs may be registered. Stricter than what a request may name (`AbsoluteURI`): a code is
// sent where such a URI says, by a browser that follows it. What was registered before stays as it is.

import Bytes

/// Why a URI may not be registered. Each says what to write instead.
public enum RedirectURIFault: Equatable, Sendable {
    case empty, tooLong, notASCII, hasSpaceOrControl, hasFragment, malformed
    case scheme(String)
    case hostMissing, hostMalformed, portMalformed, hasUserInfo
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
            "its host is neither a name of letters, digits, hyphens and dots nor an address: write one such "
                + "as psp.example or [::1]"
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
        // All that a browser itself obeys, such as javascript: and data:, has no dot (RFC 8252 §8.4).
        guard isWeb || scheme.contains(".") else { return .scheme(scheme) }
        let rest = bytes[(colon + 1)...]
        guard rest.starts(with: "//".utf8) else { return isWeb ? .hostMissing : nil }
        let authority = Authority(rest.dropFirst(2))
        if authority.hasUserInfo { return .hasUserInfo }
        guard isWeb else { return nil }
        if let fault = authority.fault { return fault }
        return scheme == "http" && !allowsPlainText && !authority.isLoopback ? .plainText : nil
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
        if !isName && !isIPv6 { return .hostMalformed }
        guard let port else { return nil }
        let isNumber = port.allSatisfy { $0 &- 0x30 < 10 } && port.count <= 5
        guard isNumber, let number = Int(String(decoding: port, as: UTF8.self)) else {
            return .portMalformed
        }
        return (1...65_535).contains(number) ? nil : .portMalformed
    }

    private var isName: Bool {
        // Nothing that one reader of URIs decodes and another does not.
        let isPlain = host.allSatisfy {
            ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 || "-._".utf8.contains($0)
        }
        return isPlain && host.contains { ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 }
    }

    private var isIPv6: Bool {
        guard host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]"), host.count > 3
        else { return false }
        return host.dropFirst().dropLast().allSatisfy {
            Hexadecimal.value($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
        }
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
