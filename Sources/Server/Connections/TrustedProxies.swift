// Whom to believe when it says for whom it asks: networks, written as CIDR has them (RFC 4632, RFC 4291
// §2.3).

import Bytes

/// The networks of proxies that are known to tell the truth about clients. A value; any thread.
public struct TrustedProxies: Equatable, Sendable {
    private struct Network: Equatable, Sendable {
        /// 4 bytes, or 16.
        let address: [UInt8]
        let bits: Int

        func contains(_ other: [UInt8]) -> Bool {
            guard other.count == address.count else { return false }
            let whole = bits / 8
            for index in 0..<whole where address[index] != other[index] { return false }
            let rest = bits % 8
            return rest == 0 || (address[whole] ^ other[whole]) >> UInt8(8 - rest) == 0
        }

        /// With no bits behind those that count.
        var whole: Network {
            let bytes = address.enumerated().map { index, byte in
                byte & ~UInt8(truncatingIfNeeded: 0xFF >> min(8, max(0, bits - 8 * index)))
            }
            return Network(address: bytes, bits: bits)
        }

        var text: String { "\(AddressText.text(address) ?? "")/\(bits)" }
    }

    /// A part that is no network; it says what would be one.
    public struct Malformed: Error, Equatable, CustomStringConvertible {
        public let text: String
        /// It is one, with an address in it: the network, and that address.
        fileprivate var meanings: (network: String, address: String)?

        public var description: String {
            if let meanings {
                return
                    "'\(text)' is an address within a network; write \(meanings.network) for the whole "
                    + "network, or \(meanings.address) for that address alone"
            }
            return
                "'\(text)' is no network; write an address, and how many of its bits count, such as "
                + "10.0.0.0/8 or 2001:db8::/32, and commas between several"
        }

        public static func == (one: Malformed, other: Malformed) -> Bool {
            one.description == other.description
        }
    }

    /// Where proxies say for whom they ask. The raw words stand in settings.
    public enum Header: String, CaseIterable, Sendable {
        case xForwardedFor = "x-forwarded-for"
        /// RFC 7239.
        case forwarded
    }

    /// The one that is read. A proxy passes the other on as the client wrote it.
    public var header = Header.xForwardedFor
    /// Where they pass on the certificate of their client; nil: nowhere.
    public var certificateField: CertificateField?
    private let networks: [Network]

    /// Nobody is believed.
    public static let none = TrustedProxies(networks: [])

    private init(networks: [Network]) { self.networks = networks }

    /// Reads a list such as `10.0.0.0/8, 2001:db8::/32, 192.0.2.1`. An address alone is that one only.
    public init(_ text: String) throws(Malformed) {
        var networks: [Network] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let trimmed = String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            guard let network = TrustedProxies.network(trimmed) else {
                throw Malformed(text: trimmed)
            }
            guard network == network.whole else {
                throw Malformed(
                    text: trimmed,
                    meanings: (
                        network.whole.text, AddressText.text(network.address) ?? trimmed
                    ))
            }
            networks.append(network)
        }
        self.networks = networks
    }

    private static func network(_ text: String) -> Network? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count),
            let address = AddressText.bytes(Array(parts[0].utf8).span)
        else { return nil }
        // An IPv4 network in IPv6 clothes counts 96 bits more.
        let clothes = address.count == 4 && parts[0].contains(":") ? 96 : 0
        let most = address.count * 8 + clothes
        guard parts.count == 2 else { return Network(address: address, bits: most - clothes) }
        guard (1...3).contains(parts[1].count), parts[1].allSatisfy({ ("0"..."9").contains($0) }),
            let bits = Int(parts[1]), (clothes...most).contains(bits)
        else { return nil }
        return Network(address: address, bits: bits - clothes)
    }

    public var isEmpty: Bool { networks.isEmpty }

    /// The networks that everybody is in, such as `0.0.0.0/0`.
    public var ofEverybody: [String] { networks.filter { $0.bits == 0 }.map(\.text) }

    /// - Parameter address: 4 bytes, or 16; an empty one is nobody's.
    public func contains(_ address: [UInt8]) -> Bool {
        networks.contains { $0.contains(address) }
    }
}
