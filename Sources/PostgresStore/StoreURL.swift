// What `--store postgres://…` says. Reads no file, and knows no library: how to connect is
// ConnectionSettings' business.

import Bytes

/// A database that somebody has named, such as `postgres://obie@db1:5432,db2:5432/obie?sslmode=…`.
public struct StoreURL: Equatable, Sendable {
    /// Why a text names no database. The sentence says what to write, and never repeats the text: there
    /// may be a password in it.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    struct Host: Equatable, Sendable {
        /// A name, an IP address, or the folder of a Unix socket.
        let name: String
        let port: String

        /// What is said to it does not leave this machine.
        var isLocal: Bool {
            name.hasPrefix("/") || name == "localhost" || name == "::1"
                || StoreURL.isLoopback(name)
        }
    }

    /// Tried in this order.
    let hosts: [Host]
    /// nil: the one of the operating system.
    let user: String?
    let database: String
    /// What is given to the library as it is.
    let parameters: [String: String]

    public static let schemes = ["postgres://", "postgresql://"]
    /// Hosts, at the most: each has its time to answer.
    private static let hostsMax = 8

    /// nil: another kind of store.
    ///
    /// - Throws: `Failure` where the text begins like one of ours, and cannot be used.
    public init?(_ text: String) throws(Failure) {
        guard let scheme = StoreURL.schemes.first(where: { text.hasPrefix($0) }) else { return nil }
        let (address, query) = StoreURL.halves(text.dropFirst(scheme.count), at: "?")
        let (authority, path) = StoreURL.halves(address, at: "/")
        var (credentials, places): (Substring?, Substring?) = (nil, authority)
        if let at = authority.lastIndex(of: "@") {
            (credentials, places) = (authority[..<at], authority[authority.index(after: at)...])
        }
        if credentials?.contains(":") == true { throw StoreURL.passwordRefusal }
        var parameters = try StoreURL.parameters(query ?? "")
        if let folder = parameters.removeValue(forKey: "host") {
            guard places?.isEmpty != false else {
                throw Failure(description: "hosts stand before the database or in host=, not both")
            }
            hosts = [Host(name: folder, port: parameters.removeValue(forKey: "port") ?? "5432")]
        } else {
            hosts = try StoreURL.hosts(places ?? "")
        }
        user = try credentials.map { (text) throws(Failure) in try StoreURL.decoded(text) }
        if user?.isEmpty == true { throw Failure(description: "the user before @ has no name") }
        database = try StoreURL.decoded(path ?? "")
        guard !database.isEmpty else {
            throw Failure(description: "name the database behind the hosts, such as /obie_tokens")
        }
        self.parameters = parameters
    }

    /// As people may read it: nothing in it is a secret.
    public var place: String {
        let places = hosts.map { host in
            let name = host.name.contains(":") ? "[\(host.name)]" : host.name
            return host.name.hasPrefix("/") ? name : "\(name):\(host.port)"
        }
        return "\(database) on \(places.joined(separator: ", "))"
    }

    /// Nothing that is said to any host leaves this machine.
    var isLocal: Bool { hosts.allSatisfy(\.isLocal) }
}

// MARK: Reading

extension StoreURL {
    private static let passwordRefusal = Failure(
        description:
            "a password in it would show in `ps`, in shells' histories and in logs: leave it "
            + "out, and name its file with store-password-file")

    private static func halves(
        _ text: Substring, at mark: Character
    ) -> (Substring, Substring?) {
        guard let index = text.firstIndex(of: mark) else { return (text, nil) }
        return (text[..<index], text[text.index(after: index)...])
    }

    /// Without `%20` and the like (RFC 3986 §2.1).
    private static func decoded(_ text: Substring) throws(Failure) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(Hexadecimal.value),
                let low = rest.popFirst().flatMap(Hexadecimal.value)
            else { throw Failure(description: "behind % there must be two hexadecimal digits") }
            bytes.append(high << 4 | low)
        }
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw Failure(description: "it is no text in UTF-8 once its % are decoded")
        }
        return text
    }

    private static func hosts(_ text: Substring) throws(Failure) -> [Host] {
        var hosts: [Host] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            hosts.append(try host(part))
        }
        guard hosts.count <= hostsMax else {
            throw Failure(
                description: "\(hosts.count) hosts are too many; \(hostsMax) may be named")
        }
        return hosts
    }

    private static func host(_ text: Substring) throws(Failure) -> Host {
        var (name, port) = (text, Substring("5432"))
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else {
                throw Failure(description: "a [ of an IPv6 address has no ]")
            }
            name = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw Failure(description: "behind ] there may be a port only, such as ]:5432")
            }
            if !rest.isEmpty { port = rest.dropFirst() }
        } else if let colon = text.firstIndex(of: ":") {
            (name, port) = (text[..<colon], text[text.index(after: colon)...])
        }
        guard !name.isEmpty else {
            throw Failure(
                description: "name the host of the database, or the folder of its socket with "
                    + "?host=/run/postgresql")
        }
        guard let number = UInt16(port), number > 0 else {
            throw Failure(description: "a port is a number from 1 to 65535")
        }
        return Host(name: try decoded(name), port: String(number))
    }

    /// 127.0.0.0/8 in four decimal numbers. A name that merely begins like one is no such address.
    private static func isLoopback(_ name: String) -> Bool {
        let numbers = name.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers.first == "127"
            && numbers.allSatisfy { UInt8($0) != nil }
    }
}

// MARK: Parameters

extension StoreURL {
    /// Those of the library that say how the connection is protected and kept alive. The others are
    /// the store's business.
    private static let allowed: Set<String> = [
        "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir", "sslsni",
        "ssl_min_protocol_version", "ssl_max_protocol_version", "channel_binding", "gssencmode",
        "krbsrvname", "gsslib", "requirepeer", "passfile", "application_name", "keepalives",
        "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "host",
        "port",
    ]
    private static let secrets: Set<String> = ["password", "sslpassword"]

    private static func parameters(_ query: Substring) throws(Failure) -> [String: String] {
        var parameters: [String: String] = [:]
        for part in query.split(separator: "&") {
            let (name, value) = halves(part, at: "=")
            if secrets.contains(String(name)) { throw passwordRefusal }
            guard allowed.contains(String(name)), let value else {
                let known = allowed.sorted().joined(separator: ", ")
                // A name that is unknown may be the rest of a password with an & in it.
                let named = isWord(name) ? "the parameter \(name)" : "a parameter"
                throw Failure(
                    description: value == nil
                        ? "\(named) has no value; write name=value"
                        : "\(named) is not known; there are \(known)")
            }
            guard parameters.updateValue(try decoded(value), forKey: String(name)) == nil else {
                throw Failure(description: "the parameter \(name) is given twice")
            }
        }
        return parameters
    }

    private static func isWord(_ text: Substring) -> Bool {
        text.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "_")
        }
    }
}
