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
        let providers = try authorities(SettingsTable.rows.eidasCA, self.eidasCA)
        let clients = try authorities(SettingsTable.rows.clientCertificateCA, clientAuthorities)
        return (providers, clients)
    }

    /// Whoever ends clients' handshakes here has said already whom to trust.
    private var clientAuthorities: String? {
        if let path = self.clientCertificateCA { return path }
        guard let setting = SettingsTable.named("tls-client-ca") else { return nil }
        let (text, origin) = written(setting)
        return origin == .fallback ? nil : text
    }

    private func authorities(
        _ setting: any AnySetting, _ path: String?
    ) throws(ProgramFailure) -> TrustedAuthorities? {
        guard let path else { return nil }
        func refusal(_ reason: String) -> ProgramFailure {
            ProgramFailure(
                description:
                    "\(place(of: setting)) names \(path), and \(reason); name a file with the "
                    + "certificates of the authorities in PEM", status: 78)
        }
        let bytes: [UInt8]
        do throws(PrivateFile.Failure) {
            bytes = try PrivateFile.read(path, bytesMax: Settings.authoritiesBytesMax)
        } catch {
            throw refusal(
                error.isTooLong
                    ? "it has more than \(Settings.authoritiesBytesMax >> 20) MiB"
                    : "it cannot be read: \(error)")
        }
        do throws(AuthoritiesFailure) {
            return try TrustedAuthorities(pem: bytes)
        } catch {
            throw refusal(error.description)
        }
    }
}
