// The settings of TLS, listener by listener.

import TLS

/// One listener that may speak TLS, with the rows of the table that are about it.
struct TLSListener: Sendable {
    /// In metrics.
    let name: String
    /// What the names of its settings begin with.
    let prefix: String
    let certificate: Setting<SecretSource?>
    let key: Setting<SecretSource?>
    let clientCA: Setting<SecretSource?>
    let clientAuth: Setting<ClientAuthentication>
    let clientCRL: Setting<SecretSource?>

    static let open = TLSListener(
        name: "public", prefix: "", certificate: SettingsTable.rows.tlsCertificate,
        key: SettingsTable.rows.tlsKey, clientCA: SettingsTable.rows.tlsClientCA,
        clientAuth: SettingsTable.rows.tlsClientAuth, clientCRL: SettingsTable.rows.tlsClientCRL)
    static let admin = TLSListener(
        name: "admin", prefix: "admin-", certificate: SettingsTable.rows.adminTLSCertificate,
        key: SettingsTable.rows.adminTLSKey, clientCA: SettingsTable.rows.adminTLSClientCA,
        clientAuth: SettingsTable.rows.adminTLSClientAuth,
        clientCRL: SettingsTable.rows.adminTLSClientCRL)
    static let all = [open, admin]

    /// The one that a part of what is served with comes from.
    func setting(_ part: TLSPart) -> any AnySetting {
        switch part {
        case .certificate: certificate
        case .key: key
        case .clientCA: clientCA
        case .clientCRL: clientCRL
        }
    }
}

extension Settings {
    /// - Throws: where settings of TLS contradict each other.
    func checkTogether(_ listener: TLSListener) throws(ProgramFailure) {
        let (certificate, key) = (isSet(listener.certificate), isSet(listener.key))
        if certificate, !key { throw lacks(listener.certificate, listener.key) }
        if key, !certificate { throw lacks(listener.key, listener.certificate) }
        guard value(listener.clientAuth) != .off else { return }
        if !certificate { throw lacks(listener.clientAuth, listener.certificate) }
        if !isSet(listener.clientCA) { throw lacks(listener.clientAuth, listener.clientCA) }
    }

    /// What is set of TLS and does nothing: an operator may think that it does.
    func idle(_ listener: TLSListener) -> String? {
        guard value(listener.clientAuth) == .off else { return nil }
        var settings = [listener.clientCA, listener.clientCRL].filter(isSet)
        // Certificates that a proxy passes on are held against the list, and against this CA where they have
        // no other.
        if listener.name == TLSListener.open.name, self.clientCertificateHeader != nil {
            settings.removeAll {
                $0.name == listener.clientCRL.name || self.clientCertificateCA == nil
            }
        }
        guard !settings.isEmpty else { return nil }
        let idle = settings.map { place(of: $0) }.joined(separator: " and ")
        let name = listener.clientAuth.name
        return "\(idle) \(settings.count == 1 ? "does" : "do") nothing: \(name) is off, and nobody "
            + "is asked for a certificate; set it to optional or required"
    }

    private func isSet(_ setting: Setting<SecretSource?>) -> Bool { value(setting) != nil }

    private func lacks(_ setting: any AnySetting, _ other: any AnySetting) -> ProgramFailure {
        failure(setting, "it needs \(other.name) as well; set both, or neither")
    }
}
