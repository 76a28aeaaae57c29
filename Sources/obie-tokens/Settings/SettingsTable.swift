// The table of everything that can be set. Flags, variables, the file, --help, the sample and the
// documentation are all made from it. A new setting is one more row here, and is read where it is
// needed as `settings.theRow`.

import Server
import TLS
import Tokens
import UV

/// The settings in the order in which people read them.
struct SettingsTable: Sendable {
    let mode = Setting(
        "mode", "sandbox|production", default: "sandbox",
        SettingValue.word(IssuerSettings.Mode.allCases.map { ($0.rawValue, $0) }),
        help: "A sandbox has well-known credentials. Production starts with an empty registry.")
    let listen = Setting(
        "listen", "ip:port", default: "127.0.0.1:8080", SettingValue.address,
        help: "The address of the public API. Port 0 takes a free port.")
    let adminListen = Setting(
        "admin-listen", "ip:port", default: "127.0.0.1:9090", SettingValue.address,
        help: "The address of /livez, /readyz and /metrics.")
    let publicURL = Setting<String?>(
        "public-url", "url", without: nil,
        meaning:
            "http://, or https:// with tls-certificate, and the listen address, or the machine's name "
            + "where that is 0.0.0.0 or [::]",
        SettingValue.url,
        help: "The start of the links in error answers, as clients see the server.")
    let trustedProxies = Setting(
        "trusted-proxies", "network,…|none", default: "none", SettingValue.proxies,
        help:
            "The networks of the proxies in front of the server, such as 10.0.0.0/8,2001:db8::/32. "
            + "They are believed when they say for whom they ask; others are not.")
    let clientAddressHeader = Setting(
        "client-address-header", "x-forwarded-for|forwarded", default: "x-forwarded-for",
        SettingValue.word(TrustedProxies.Header.allCases.map { ($0.rawValue, $0) }),
        help: "Where trusted proxies say for whom they ask; the other header is not read.")
    let proxyProtocol = Setting(
        "proxy-protocol", "yes|no", default: "no", SettingValue.truth,
        help:
            "Take connections only with a header of the PROXY protocol, version 1 or 2, and where "
            + "trusted-proxies is set, only from there.")
    let tlsCertificate = Setting<SecretSource?>(
        "tls-certificate", "file|credential:name", without: nil, meaning: "no TLS",
        SettingValue.secret,
        help:
            "Speak TLS on the public API, with the certificates in this file: the server's first, then "
            + "those that lead to its CA (PEM). Or the name of a systemd credential. SIGHUP reads the file "
            + "again.")
    let tlsKey = Setting<SecretSource?>(
        "tls-key", "file|credential:name", without: nil, meaning: "no TLS", SettingValue.secret,
        help:
            "The file with the private key of tls-certificate (PEM), for its owner only and without a "
            + "pass phrase. Or the name of a systemd credential. SIGHUP reads the file again.")
    let tlsClientCA = Setting<SecretSource?>(
        "tls-client-ca", "file|credential:name", without: nil, meaning: "no client certificates",
        SettingValue.secret,
        help:
            "The file with the CAs whose client certificates are accepted (PEM). SIGHUP reads the file "
            + "again.")
    let tlsClientAuth = Setting(
        "tls-client-auth", "off|optional|required", default: "off",
        SettingValue.word(ClientAuthentication.allCases.map { ($0.rawValue, $0) }),
        help:
            "Whether clients show a certificate: off does not ask for one, optional lets them come "
            + "without, required does not. One that is not good is refused in both.")
    let tlsClientCRL = Setting<SecretSource?>(
        "tls-client-crl", "file|credential:name", without: nil, meaning: "no revocation lists",
        SettingValue.secret,
        help:
            "The file with the revocation lists of the CAs of clients, one for each CA on the way, and "
            + "the certificates of those CAs that tls-client-ca does not have (PEM). SIGHUP reads the file "
            + "again.")
    let tlsMinVersion = Setting(
        "tls-min-version", "1.2|1.3", default: "1.2",
        SettingValue.word(TLSVersion.allCases.map { ($0.rawValue, $0) }),
        help: "The oldest version of TLS that is spoken, on all listeners.")
    let adminTLSCertificate = Setting<SecretSource?>(
        "admin-tls-certificate", "file|credential:name", without: nil, meaning: "no TLS",
        SettingValue.secret,
        help: "As tls-certificate, for the admin address.")
    let adminTLSKey = Setting<SecretSource?>(
        "admin-tls-key", "file|credential:name", without: nil, meaning: "no TLS",
        SettingValue.secret, help: "As tls-key, for the admin address.")
    let adminTLSClientCA = Setting<SecretSource?>(
        "admin-tls-client-ca", "file|credential:name", without: nil,
        meaning: "no client certificates", SettingValue.secret,
        help: "As tls-client-ca, for the admin address.")
    let adminTLSClientAuth = Setting(
        "admin-tls-client-auth", "off|optional|required", default: "off",
        SettingValue.word(ClientAuthentication.allCases.map { ($0.rawValue, $0) }),
        help: "As tls-client-auth, for the admin address.")
    let adminTLSClientCRL = Setting<SecretSource?>(
        "admin-tls-client-crl", "file|credential:name", without: nil,
        meaning: "no revocation lists", SettingValue.secret,
        help: "As tls-client-crl, for the admin address.")
    let store = Setting<any StoreChoice>(
        "store", StoreKinds.form, default: "sqlite:./obie-tokens.db", SettingValue.store,
        help: "Where the server keeps codes and tokens: in a file, in memory, which forgets "
            + "them when the server stops, or in a PostgreSQL database, which any number of servers "
            + "share.")
    let storePasswordFile = Setting<SecretSource?>(
        "store-password-file", "file|credential:name", without: nil,
        meaning: "libpq's password file, or no password", SettingValue.secret,
        help:
            "The file with the password of the store's database, for its owner only. Or the name of "
            + "a systemd credential (LoadCredential=).")
    let storeTimeout = Setting(
        "store-timeout", "seconds", default: "5", SettingValue.seconds(1...60),
        help:
            "How long a request waits for the store's database before it is answered with 503: 1 to "
            + "60 seconds.")
    let requireStandby = Setting(
        "require-standby", "yes|no", default: "no", SettingValue.truth,
        help: "Say 503 on /readyz while the store's database waits for no standby, so that what is "
            + "answered is on one machine only.")
    let keysFile = Setting(
        "keys-file", "file|credential:name", without: KeySource.besideTheStore,
        meaning: "PATH.keys beside the store", SettingValue.keys,
        help: "The file with the keys that seal codes and tokens, for its owner only; the server "
            + "makes it together with a new store. Or the name of a systemd credential "
            + "(LoadCredential=).")
    let auditLog = Setting(
        "audit-log", "file|none", without: AuditLogChoice.byMode,
        meaning: "PATH.audit beside a store in production mode, else none", SettingValue.auditLog,
        help: "The file that gets a line for everything that is issued, refused, revoked or "
            + "changed. Or none.")
    let audit = Setting(
        "audit", "relaxed|strict", default: "relaxed",
        SettingValue.word(AuditChoice.allCases.map { ($0.rawValue, $0) }),
        help:
            "When a success is answered: relaxed does not wait for the audit log; strict waits until "
            + "the line is on disk, and answers 503 where it cannot be.")
    let codeLifetime = Setting(
        "code-lifetime", "seconds", default: "60",
        SettingValue.seconds(1...IssuerSettings.codeLifetimeMax / 1000),
        help: "How long an authorization code can be exchanged: 1 to 3600 seconds.")
    let accessTokenLifetime = Setting(
        "access-token-lifetime", "seconds|never", default: "31104000", SettingValue.lifetime,
        help: "How long an access token is valid: 1 to 3155760000 seconds. With never, tokens do "
            + "not expire.")
    let introspectionExpMax = Setting<Int64?>(
        "introspection-exp-max", "seconds", without: nil, meaning: "the end of the token's life",
        SettingValue.optionalSeconds(1...31_104_000),
        help: "How far ahead the exp in an introspection answer may lie: 1 to 31104000 seconds. "
            + "Gateways that cache such answers until exp ask again then.")
    let requireCNF = Setting(
        "require-cnf", "yes|no", default: "no", SettingValue.truth,
        help:
            "Refuse an exchange that names no certificate to bind its token to, by cnf in the body or "
            + "the header eidas.")
    let eidasCA = Setting<String?>(
        "eidas-ca", "file", without: nil,
        meaning: "chains of providers' certificates are not verified", SettingValue.path,
        help: "The file with the authorities, in PEM, that may have issued the certificates of "
            + "providers in the header eidas. SIGHUP reads the file again.")
    let clientCertificateHeader = Setting<CertificateField?>(
        "client-certificate-header", "name", without: nil, meaning: "none",
        SettingValue.certificateField,
        help:
            "The header in which trusted proxies pass on the certificate of their client: client-cert "
            + "(RFC 9440), x-forwarded-client-cert (Envoy), or any other name, such as "
            + "x-ssl-client-cert, for PEM with percent escapes (nginx). From others it is refused.")
    let clientCertificateCA = Setting<String?>(
        "client-certificate-ca", "file", without: nil,
        meaning: "the file of tls-client-ca, where that is set", SettingValue.path,
        help:
            "The file with the authorities, in PEM, that may have issued the certificates of clients; "
            + "a rule in the registry names one of them. SIGHUP reads the file again.")
    let throttle = Setting(
        "throttle", "yes|no", default: "yes", SettingValue.truth,
        help: "Answer failures with 429 once a client or an address has failed too often. A "
            + "correct request is never refused.")
    let loops = Setting<Int?>(
        "loops", "n", without: nil, meaning: "the processors that the control group allows",
        SettingValue.count(1...256),
        help: "The number of event loops for the public API, each with its own thread: 1 to 256.")
    let maxConnections = Setting<Int?>(
        "max-connections", "n", without: nil, meaning: "what the limit of open files allows",
        SettingValue.count(1...1_000_000),
        help: "How many connections the public API has at a time: 1 to 1000000. Its loops share "
            + "them out. The next client waits until a connection closes.")
    let headTimeout = Setting(
        "head-timeout", "seconds", default: "10", isReloadable: true,
        SettingValue.seconds(1...3600),
        help: "How long the head of a request may take from its first byte: 1 to 3600 seconds.")
    let idleTimeout = Setting(
        "idle-timeout", "seconds", default: "75", isReloadable: true,
        SettingValue.seconds(1...3600),
        help:
            "How long a connection may wait for its next request: 1 to 3600 seconds. Longer than the "
            + "proxies in front keep theirs.")
    let drainDelay = Setting(
        "drain-delay", "seconds", default: "0", isReloadable: true, SettingValue.seconds(0...600),
        help: "How long the server still accepts connections after SIGTERM, while /readyz answers "
            + "503, so that a load balancer can turn to other servers first: 0 to 600 seconds.")
    let drainTimeout = Setting(
        "drain-timeout", "seconds", default: "20", isReloadable: true,
        SettingValue.seconds(1...3600),
        help: "How long requests under way may take once the server accepts no more connections: 1 "
            + "to 3600 seconds.")
    let logLevel = Setting(
        "log-level", "debug|info|warning|error", default: "info", isReloadable: true,
        SettingValue.word(Logger.Level.allCases.map { ($0.name, $0) }),
        help: "The least important level that is logged.")
    let logFormat = Setting(
        "log-format", "auto|json|text", default: "auto", SettingValue.logFormat,
        help: "How the lines on standard error look. With auto they are text on a terminal, and "
            + "JSON everywhere else.")
    let accessLog = Setting(
        "access-log", "yes|no", default: "no", isReloadable: true, SettingValue.truth,
        help: "Log a line for every answer.")

    static let variablePrefix = "OBIE_TOKENS_"
    static let rows = SettingsTable()
    /// Every row above, found by reflection, so that none can be forgotten.
    static let all: [any AnySetting] = Mirror(reflecting: rows).children.compactMap {
        $0.value as? any AnySetting
    }

    static func named(_ name: String) -> (any AnySetting)? { all.first { $0.name == name } }
}
