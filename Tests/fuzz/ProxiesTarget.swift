// Target `proxies`: the bytes are what a client sends through a proxy, or in front of a connection: a
// PROXY header, a list of addresses, a network. What a client says never becomes its address.

import Bytes
import HTTP1

@testable import Server

enum ProxiesTarget {
    private static let peer: [UInt8] = [10, 0, 0, 1]
    private static let client: [UInt8] = [192, 0, 2, 7]
    private static let proxies: TrustedProxies = {
        guard let proxies = try? TrustedProxies("10.0.0.0/8,fd00::/8") else {
            preconditionFailure("it is a list of networks")
        }
        return proxies
    }()

    static func run(_ input: [UInt8]) {
        checkHeader(input)
        checkAddress(input)
        checkNetworks(input)
        checkFields(input)
    }

    // MARK: The PROXY protocol

    private static func checkHeader(_ input: [UInt8]) {
        let whole = ProxyHeader.read(input.span)
        var random = InputRandom(input)
        for end in random.portionEnds(input.count) {
            switch (ProxyHeader.read(Array(input.prefix(end)).span), whole) {
            case (.incomplete, _): break
            case (.complete(let part), .complete(let all)):
                require(part == all && all.length <= end, "a header does not depend on the split")
            case (.refused, .refused): break
            case (.complete, _), (.refused, _): require(false, "what it is, it stays")
            }
        }
        guard case .complete(let header) = whole else {
            require(input.count < ProxyHeader.binaryBytesMax || whole != .incomplete, "it ends")
            return
        }
        let most =
            input[0] == UInt8(ascii: "P") ? ProxyHeader.textBytesMax : ProxyHeader.binaryBytesMax
        require(
            (15...most).contains(header.length) && header.length <= input.count, "a bounded length")
        require([0, 4, 16].contains(header.source?.count ?? 0), "an address, or none")
        let short = Array(input.prefix(header.length - 1))
        require(ProxyHeader.read(short.span) == .incomplete, "not a byte less")
    }

    // MARK: Addresses and networks

    private static func checkAddress(_ input: [UInt8]) {
        guard let address = AddressText.bytes(input.span) else { return }
        require([4, 16].contains(address.count), "an address has 4 bytes, or 16")
        require(AddressText.unmapped(address) == address, "IPv4 is IPv4 in whatever clothes")
        let written = Array((AddressText.text(address) ?? "").utf8)
        require(AddressText.bytes(written.span) == address, "what is written is read again")
        let text = String(decoding: input, as: UTF8.self)
        guard let own = try? TrustedProxies(text) else { return require(false, "it is a network") }
        require(own.contains(address), "which holds it")
    }

    private static func checkNetworks(_ input: [UInt8]) {
        guard let networks = try? TrustedProxies(String(decoding: input, as: UTF8.self)) else {
            return
        }
        require(!networks.isEmpty && !networks.contains([]), "somebody, and not nobody")
        require(
            input.allSatisfy { "0123456789abcdefABCDEF:./, ".utf8.contains($0) },
            "nothing but addresses")
    }

    // MARK: What a client says in front of what the proxy adds

    private static func checkFields(_ input: [UInt8]) {
        let plain = "X-Forwarded-For: "
        let standard = "Forwarded: "
        for (name, own) in [(plain, "192.0.2.7"), (standard, "for=192.0.2.7")] {
            var proxies = proxies
            proxies.header = name == plain ? .xForwardedFor : .forwarded
            func found(_ lines: [(String, [UInt8])]) -> [UInt8]? { Self.found(lines, proxies) }
            guard found([(name, input)]) != nil else { return }
            let added = found([(name, input), (name, Array(own.utf8))])
            require(added == client, "a line that the proxy adds says who asks")
            let behind = found([(name, input + Array(", \(own)".utf8))])
            require(
                behind == client || name == standard && behind == peer,
                "what it appends to a line says it, or nobody does")
            let hidden = found([
                (name, Array(own.utf8)), (name == plain ? standard : plain, input),
            ])
            require(hidden == client, "another field says nothing")
        }
    }

    /// nil where the lines are none of a request.
    private static func found(
        _ lines: [(String, [UInt8])], _ proxies: TrustedProxies
    ) -> [UInt8]? {
        var text = Array("GET / HTTP/1.1\r\nHost: x\r\n".utf8)
        for (name, value) in lines { text += Array(name.utf8) + value + [13, 10] }
        text += [13, 10]
        var reader = RequestReader()
        var offset = 0
        guard case .request(.input) = reader.read(text.span, from: &offset), offset == text.count,
            reader.head.fields.count == lines.count + 1
        else { return nil }
        return ForwardedAddress.client(reader.head.fields, text.span, behind: peer, proxies)
    }
}
