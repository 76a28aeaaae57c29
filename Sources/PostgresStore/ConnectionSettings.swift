// From an address and a password to what libpq is told: one list of keywords and values for each host.

/// How to reach a database. May hold a password, so it has no printable form.
public struct ConnectionSettings: Sendable, CustomStringConvertible {
    /// A keyword of libpq and its value (PostgreSQL's manual, §34.1.2).
    public typealias Keywords = [(String, String)]

    /// One list for each host, in the order of trying.
    public let hosts: [Keywords]
    /// Which database that is, for people.
    public let place: String

    public var description: String { "ConnectionSettings(\(place), redacted)" }

    init(hosts: [Keywords], place: String) {
        (self.hosts, self.place) = (hosts, place)
    }

    /// - Parameters:
    ///   - password: nil: the server is to ask for none, or libpq finds one in its password file.
    ///   - hasPasswordFile: libpq finds one.
    ///   - name: how the database lists the connection, where the address says nothing else.
    public init(
        _ url: StoreURL, password: String?, hasPasswordFile: Bool, name: String
    ) {
        var shared = url.parameters
        shared["dbname"] = url.database
        shared["user"] = url.user
        shared["password"] = password
        shared["application_name"] = shared["application_name"] ?? name
        shared["client_encoding"] = "UTF8"
        // A standby answers too, and takes nothing.
        shared["target_session_attrs"] = "read-write"
        // Otherwise whoever sits between could read and change everything.
        shared["sslmode"] = shared["sslmode"] ?? (url.isLocal ? "prefer" : "verify-full")
        let proves = ["require", "verify-ca", "verify-full"].contains(shared["sslmode"])
        // Where the server asks for no password, there is nothing to bind.
        if !url.isLocal, proves, password != nil || hasPasswordFile {
            shared["channel_binding"] = shared["channel_binding"] ?? "require"
        }
        // Without it libpq asks for a Kerberos ticket first.
        shared["gssencmode"] = shared["gssencmode"] ?? "disable"
        hosts = url.hosts.map { host in
            var keywords = shared
            keywords["host"] = host.name
            keywords["port"] = host.port
            return keywords.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
        place = url.place
    }
}
