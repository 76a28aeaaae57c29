// What a context is made of: PEM texts, and what is asked of clients.

/// The oldest version of TLS that is spoken.
public enum TLSVersion: String, CaseIterable, Sendable {
    case tls12 = "1.2"
    case tls13 = "1.3"

    /// As in metrics and logs, such as `TLSv1.3`.
    public var name: String { "TLSv\(rawValue)" }
}

/// Whether clients show a certificate.
public enum ClientAuthentication: String, CaseIterable, Sendable {
    /// They are not asked for one.
    case off
    /// They may come without; one that is not good is refused.
    case optional
    /// They may not.
    case required
}

/// The texts that a context is made of. A value; the key in it is secret.
public struct TLSMaterial: Sendable, CustomStringConvertible {
    /// PEM: the server's certificate first, then those that lead to its CA.
    public var certificate: [UInt8]
    /// PEM, without a pass phrase.
    public var key: [UInt8]
    /// PEM: whom clients' certificates must come from. Any of them is trusted, root or not.
    public var clientCA: [UInt8]?
    /// PEM: a list of each CA on the way from a client's certificate to the one that is trusted, and the
    /// certificates of those among them that `clientCA` does not have.
    public var clientCRL: [UInt8]?
    /// PEM: of other clients, whose handshakes a proxy ends. Nobody is trusted for it here, and lists of these
    /// may stand in `clientCRL`.
    public var otherCA: [UInt8]?
    public var clientAuthentication = ClientAuthentication.off
    public var oldest = TLSVersion.tls12

    public init(certificate: [UInt8], key: [UInt8]) {
        self.certificate = certificate
        self.key = key
    }

    public var description: String { "TLSMaterial(redacted)" }
}
