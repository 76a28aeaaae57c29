// Where the database may be.

/// One host, as libpq's connection parameters.
struct Host: Sendable {
    private let given: [(String, String)]

    init(_ keywords: [(String, String)]) { given = keywords }

    private func value(_ keyword: String) -> String? { given.last { $0.0 == keyword }?.1 }

    /// What libpq would look up while everybody waits; nil where it need not.
    var name: String? {
        guard value("hostaddr") == nil, let host = value("host"), !host.isEmpty else { return nil }
        let isPath = host.hasPrefix("/") || host.hasPrefix("@")
        let isAddress = host.contains(":") || host.allSatisfy { "0123456789.".contains($0) }
        return isPath || isAddress ? nil : host
    }

    /// For people.
    var description: String {
        let port = value("port") ?? "5432"
        return "\(value("host") ?? value("hostaddr") ?? "localhost"):\(port)"
    }

    /// What a connection is made with. What was given goes before what we would choose: no wait for
    /// Kerberos, and only a server that can be written to.
    ///
    /// - Parameter address: of `name`.
    func keywords(_ address: String?) -> [(String, String)] {
        let chosen = [
            ("target_session_attrs", "read-write"), ("gssencmode", "disable"),
            ("client_encoding", "UTF8"), ("fallback_application_name", "obie-tokens"),
        ]
        return given + chosen.filter { value($0.0) == nil }
            + (address.map { [("hostaddr", $0)] } ?? [])
    }
}
