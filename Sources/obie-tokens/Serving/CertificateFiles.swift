// From the settings about certificates to what the server does about them: the files of authorities are read
// here, at the start and after SIGHUP.

import Certificates
import Server
import System

extension Settings {
    /// Every list of trusted services there is fits.
    private static let authoritiesBytesMax = 4 << 20

    /// Whose certificates are trusted.
    ///
    /// - Throws: 78 where a file of authorities cannot be read, or holds none.
    func certificateAuthorities() throws(ProgramFailure) -> (
        providers: TrustedAuthorities?, clients: TrustedAuthorities?
    ) {
        let setting = SettingsTable.rows.eidasCA
        let providers = try self.eidasCA.map { (path) throws(ProgramFailure) in
            try authorities(setting, content(setting, path))
        }
        let clients = try clientAuthorities()
        return (providers, try clients.map(authorities))
    }

    /// Whoever ends clients' handshakes here has said already whom to trust.
    private func clientAuthorities() throws(ProgramFailure) -> (any AnySetting, [UInt8])? {
        let setting = SettingsTable.rows.clientCertificateCA
        if let path = self.clientCertificateCA { return (setting, try content(setting, path)) }
        guard let bytes = try TLSFiles(self, .open).clientAuthorities() else { return nil }
        return (TLSListener.open.clientCA, bytes)
    }

    /// The authorities of clients that a proxy passes on, in PEM; nil where none passes any on, or there are
    /// none.
    func forwardedAuthorities() throws(ProgramFailure) -> [UInt8]? {
        self.clientCertificateHeader == nil ? nil : try clientAuthorities()?.1
    }

    private func authorities(
        _ setting: any AnySetting, _ bytes: [UInt8]
    ) throws(ProgramFailure) -> TrustedAuthorities {
        do throws(AuthoritiesFailure) {
            return try TrustedAuthorities(pem: bytes)
        } catch {
            throw refusal(setting, written(setting).text, error.description)
        }
    }

    private func content(
        _ setting: any AnySetting, _ path: String
    ) throws(ProgramFailure) -> [UInt8] {
        do throws(PrivateFile.Failure) {
            return try PrivateFile.read(path, bytesMax: Settings.authoritiesBytesMax)
        } catch {
            throw refusal(
                setting, path,
                error.isTooLong
                    ? "it has more than \(Settings.authoritiesBytesMax >> 20) MiB"
                    : "it cannot be read: \(error)")
        }
    }

    private func refusal(
        _ setting: any AnySetting, _ path: String, _ reason: String
    ) -> ProgramFailure {
        ProgramFailure(
            description:
                "\(place(of: setting)) names \(path), and \(reason); name a file with the "
                + "certificates of the authorities in PEM", status: 78)
    }
}
