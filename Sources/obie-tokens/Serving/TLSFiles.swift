// The files that a listener speaks TLS with: read, judged, and what to say where they are not good.

import System
import TLS

/// Reads the files of one listener. The main thread; blocks.
struct TLSFiles {
    private let settings: Settings
    private let listener: TLSListener
    private let environment: [String: String]

    /// Lists of 400,000 certificates; a bundle of every authority there is has less.
    private static let bytesMax = 16 << 20

    init(
        _ settings: Settings, _ listener: TLSListener,
        environment: [String: String] = Environment.all
    ) {
        (self.settings, self.listener, self.environment) = (settings, listener, environment)
    }

    /// - Parameter now: in milliseconds since 1970.
    /// - Returns: nil where the listener does not speak TLS.
    /// - Throws: 78, with what to do.
    func context(now: Int64) throws(ProgramFailure) -> TLSContext? {
        guard let certificate = try text(.certificate), let key = try text(.key) else {
            return nil
        }
        var material = TLSMaterial(certificate: certificate, key: key)
        material.clientAuthentication = settings.value(listener.clientAuth)
        material.clientCA = try text(.clientCA)
        material.clientCRL = try text(.clientCRL)
        material.oldest = settings.tlsMinVersion
        if isOpen { material.otherCA = try settings.forwardedAuthorities() }
        do throws(TLSFault) {
            return try TLSContext(material, now: now)
        } catch {
            throw complaint(error)
        }
    }

    /// In PEM; nil: there are none.
    func clientAuthorities() throws(ProgramFailure) -> [UInt8]? { try text(.clientCA) }

    private var isOpen: Bool { listener.name == TLSListener.open.name }

    /// The lists for clients that a proxy passes on, where the listener itself asks nobody for a certificate.
    ///
    /// - Parameter now: in milliseconds since 1970.
    /// - Returns: nil where there are none, or the context looks into them.
    /// - Throws: 78, with what to do.
    func forwardedLists(now: Int64) throws(ProgramFailure) -> ClientLists? {
        guard isOpen, settings.clientCertificateHeader != nil,
            settings.value(listener.clientAuth) == .off, let lists = try text(.clientCRL)
        else { return nil }
        guard let authorities = try settings.forwardedAuthorities() else {
            throw wrong(
                .clientCRL,
                "it needs client-certificate-ca as well: the CAs of the clients that a proxy passes on"
            )
        }
        do throws(TLSFault) {
            return try ClientLists(lists, of: authorities, now: now)
        } catch {
            throw complaint(error)
        }
    }

    private func source(_ part: TLSPart) -> SecretSource? {
        switch part {
        case .certificate: settings.value(listener.certificate)
        case .key: settings.value(listener.key)
        case .clientCA: settings.value(listener.clientCA)
        case .clientCRL: settings.value(listener.clientCRL)
        }
    }

    private func text(_ part: TLSPart) throws(ProgramFailure) -> [UInt8]? {
        switch source(part) {
        case nil: return nil
        case .file(let path): return try read(path, part, isOfService: false)
        case .credential(let name):
            guard let folder = environment["CREDENTIALS_DIRECTORY"] else {
                throw wrong(
                    part,
                    "systemd has passed no credentials: put LoadCredential=\(name):/etc/obie-tokens/"
                        + "\(name) into the unit, or name a file")
            }
            return try read("\(folder)/\(name)", part, isOfService: true)
        }
    }

    private func read(
        _ path: String, _ part: TLSPart, isOfService: Bool
    ) throws(ProgramFailure) -> [UInt8] {
        let secret: PrivateFile.Secret
        do throws(PrivateFile.Failure) {
            secret = try PrivateFile.readSecret(path, bytesMax: TLSFiles.bytesMax)
        } catch {
            let advice =
                if error.isForbidden {
                    "give it to the user that the server runs as (chown)"
                } else if error.isTooLong {
                    "leave out what is no PEM, and what has ended"
                } else {
                    "put it there, or name another file"
                }
            throw wrong(part, "cannot read \(error); \(advice)")
        }
        // A credential's folder is the service's alone, whatever its mode.
        if part == .key, !isOfService, secret.access.isOpenToOthers() {
            throw wrong(
                part,
                "other users may read or change \(path) (mode \(String(secret.access.mode, radix: 8))): "
                    + "run `chmod 600 \(path)`; if others could read it, have a new certificate made"
            )
        }
        return secret.content
    }

    private func wrong(_ part: TLSPart, _ reason: String) -> ProgramFailure {
        ProgramFailure(
            description: "\(settings.place(of: listener.setting(part))): \(reason)", status: 78)
    }

    private func name(_ part: TLSPart) -> String {
        settings.written(listener.setting(part)).text
    }
}

// MARK: What is wrong with them

extension TLSFiles {
    private var partialList: ProgramFailure {
        wrong(
            .clientCRL,
            "a revocation list in \(name(.clientCRL)) does not stand by itself: it only adds to another "
                + "one (a delta list), or is about some reasons or other CAs' certificates only; take the "
                + "whole list of its CA")
    }

    private var namelessLists: ProgramFailure {
        wrong(
            .clientCRL,
            "two CAs of the same name have lists in \(name(.clientCRL)), and one of these does not say whose "
                + "key has signed it, so clients would be held against the wrong one; have the lists made with "
                + "the extension authorityKeyIdentifier (`openssl ca -gencrl -crlexts`)")
    }

    private func complaint(_ fault: TLSFault) -> ProgramFailure {
        switch fault {
        case .absent(let part): wrong(part, "\(name(part)) has no \(noun(part)): \(form(part))")
        case .malformed(let part):
            wrong(
                part,
                "\(name(part)) has a \(noun(part)) that cannot be read; bring back a whole one, as "
                    + "`openssl \(command(part))` reads it")
        case .mistyped(let part, let line):
            wrong(
                part,
                "line \(line) of \(name(part)) is meant to begin or end a block and does not, so the block "
                    + "would be passed over; \(form(part)), with its END line, or put # in front of a comment"
            )
        case .encrypted:
            wrong(
                .key,
                "the key in \(name(.key)) is under a pass phrase, and nobody is there to type it; "
                    + "write it without one (`openssl pkey -in OLD -out NEW`)")
        case .mismatched:
            wrong(
                .key,
                "the key in \(name(.key)) does not belong to the first certificate in "
                    + "\(name(.certificate)); name a pair, with the server's own certificate first")
        case .unknownIssuer:
            wrong(
                .clientCRL,
                "a revocation list in \(name(.clientCRL)) is signed by none of the CAs in "
                    + "\(name(.clientCA)); take the list of such a CA. Where a CA below them has signed it, "
                    + "put that CA's certificate beside its list")
        case .partialList: partialList
        case .namelessLists: namelessLists
        case .refused(let part, let reason):
            wrong(
                part,
                "OpenSSL refuses the \(noun(part)) in \(name(part)) (\(reason)); it must have 2048 "
                    + "bits of RSA or a curve such as P-256, and be signed with SHA-256 or better")
        case .expired(let part, let end):
            wrong(
                part,
                "a \(noun(part)) in \(name(part)) ended on \(Timestamp.text(end)); put a new one in "
                    + "its place")
        case .notYetValid(let part, let begin):
            wrong(
                part,
                "a \(noun(part)) in \(name(part)) is good from \(Timestamp.text(begin)) on only; put "
                    + "one in its place that is good now, or set the machine's clock right")
        }
    }

    private func noun(_ part: TLSPart) -> String {
        switch part {
        case .certificate, .clientCA: "certificate"
        case .key: "private key"
        case .clientCRL: "revocation list"
        }
    }

    private func form(_ part: TLSPart) -> String {
        switch part {
        case .certificate:
            "write the server's certificate, and behind it those that lead to its CA, in PEM "
                + "(-----BEGIN CERTIFICATE-----)"
        case .key: "write the key in PEM (-----BEGIN PRIVATE KEY-----)"
        case .clientCA: "write those of the CAs in PEM (-----BEGIN CERTIFICATE-----)"
        case .clientCRL: "write it in PEM (-----BEGIN X509 CRL-----)"
        }
    }

    private func command(_ part: TLSPart) -> String {
        switch part {
        case .certificate, .clientCA: "x509"
        case .key: "pkey"
        case .clientCRL: "crl"
        }
    }
}
