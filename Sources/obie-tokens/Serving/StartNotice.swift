// What the log begins with: what this server is, and for whom.

import Server
import Tokens

/// The first lines of the log. A value.
struct StartNotice {
    private let mode: IssuerSettings.Mode
    private let store: String
    private let registry: Registry?
    private let seesCertificates: Bool

    /// - Parameter registry: nil where nobody knows yet who is registered.
    init(_ settings: Settings, _ registry: Registry?) {
        mode = settings.mode
        store = settings.written(SettingsTable.rows.store).text
        seesCertificates = settings.tlsClientAuth != .off || settings.clientCertificateHeader != nil
        self.registry = registry
    }

    /// Such as `production on the store sqlite:./obie-tokens.db: 2 institutions, 1 provider, 2 clients`.
    var line: String {
        guard let counts = registry?.counts else { return "\(mode.rawValue) on the store \(store)" }
        let parts = [
            StartNotice.count(counts.institutions, "institution"),
            StartNotice.count(counts.providers, "provider"),
            StartNotice.count(counts.clients, "client"),
        ]
        return "\(mode.rawValue) on the store \(store): \(parts.joined(separator: ", "))"
    }

    private static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// Who is turned away though nobody may have meant it; nil where it is nobody.
    var lockedOut: String? {
        guard let rules = registry?.certificateRules, rules > 0, !seesCertificates else {
            return nil
        }
        let (auth, header) = (
            SettingsTable.rows.tlsClientAuth, SettingsTable.rows.clientCertificateHeader
        )
        return "\(StartNotice.count(rules, "client")) must show a certificate, and this server "
            + "sees none, so every request of theirs gets 401; set \(auth.name), or \(header.name) behind a proxy that "
            + "ends TLS"
    }

    /// What is not as an operator may think that it is; nil where there is nothing to say.
    var warning: String? {
        switch mode {
        case .sandbox:
            "SANDBOX: this sandbox takes well-known credentials; never expose it. "
                + "Open its address in a browser to try it. Use --mode production for a real one."
        case .production where registry?.counts.institutions == 0:
            "no institution is registered, so every request is refused; register one with "
                + "`obie-tokens fi add REFERENCE`"
        case .production where registry?.counts.providers == 0:
            "no provider is registered, so no code can be made; register one with `obie-tokens psp "
                + "add REFERENCE --redirect-uri URI`"
        case .production: nil
        }
    }
}

extension Settings {
    /// What has to be said of the way to clients; nil where there is nothing.
    func frontNotices(_ server: Server) -> [String?] {
        let (publicURL, trusted) = (SettingsTable.rows.publicURL, SettingsTable.rows.trustedProxies)
        return [
            written(publicURL).origin == .fallback && server.address.isEvery
                ? "\(publicURL.name) is not set, and nobody can connect to \(server.address.host): links "
                    + "in answers begin with \(server.publicURL); set it to the URL that clients use"
                : nil,
            self.trustedProxies.ofEverybody.isEmpty
                ? nil
                : "\(trusted.name) names everybody with "
                    + self.trustedProxies.ofEverybody.joined(separator: " and ")
                    + ", so each client can say any address; name the networks of the proxies only",
            self.clientCertificateHeader != nil && self.trustedProxies.isEmpty
                ? "with client-certificate-header and without \(trusted.name), every certificate in it is "
                    + "refused; name the proxies' networks"
                : nil,
            self.proxyProtocol && self.trustedProxies.isEmpty
                ? "with proxy-protocol and without \(trusted.name), whoever can connect can say any "
                    + "address of a client; name the balancers' networks"
                : nil,
        ]
    }
}
