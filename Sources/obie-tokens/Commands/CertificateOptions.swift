// From the files that an operator has to the rule that the registry keeps: which certificate a client must
// show.

import ArgumentParser
import Certificates
import System
import Tokens

/// By what of its certificate a client is known.
enum CertificateMatch: String, CaseIterable, ExpressibleByArgument {
    case subject, san, organization, thumbprint
}

/// Which certificate a client must show beside its secret.
struct CertificateOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The certificate that the client must show beside its secret, in PEM; or none.",
            valueName: "file|none"), completion: .file())
    var certificate: String?

    @Option(
        help: ArgumentHelp(
            "By what of it the client is known, so that a renewed one is taken, too: subject, san (which "
                + "must be its only alternative name), organization (its organizationIdentifier), or "
                + "thumbprint: this one and no other. (default: subject)", valueName: "what"))
    var certificateMatch: CertificateMatch?

    @Option(
        help: ArgumentHelp(
            "The authority that must have issued it, in PEM. It is known by its thumbprint. Only a match "
                + "by thumbprint can do without, as for a certificate that is signed by itself.",
            valueName: "file"), completion: .file())
    var certificateCA: String?

    /// What is said of a rule.
    enum Change {
        /// Nothing.
        case unchanged
        /// nil: there is to be none.
        case rule(CertificateRule?)

        /// For the audit log.
        var words: String? {
            switch self {
            case .unchanged: nil
            case .rule(let rule): "certificate \(rule?.text ?? "none")"
            }
        }
    }

    func validate() throws {
        guard certificate == nil || certificate == "none" else { return }
        if certificateMatch != nil || certificateCA != nil {
            throw ValidationError(
                "--certificate-match and --certificate-ca are about a certificate: name its file with "
                    + "--certificate")
        }
    }

    /// - Throws: where a file cannot be read, or the rule could never be met.
    func change() throws(ProgramFailure) -> Change {
        let now = Clock.wallMilliseconds()
        guard let certificate else { return .unchanged }
        if certificate == "none" { return .rule(nil) }
        let pem = try CertificateOptions.read(certificate)
        let chain = PEMCertificates.read(pem)
        guard let first = chain.first, let found = X509Reader().read(first) else {
            throw CertificateOptions.refusal(certificate, "it holds no certificate in PEM")
        }
        let match = try match(found, certificate)
        let authority = try authority(chain, certificate, now: now)
        guard let rule = CertificateRule(match, authority: authority) else {
            throw CertificateOptions.refusal(
                certificate,
                "anybody could have a certificate like it made: say with --certificate-ca which authority "
                    + "must have issued it, or --certificate-match thumbprint")
        }
        // Of two equal attributes a rule has one.
        guard rule.isMet(by: found, authorities: authority.map { [$0] } ?? [], now: now) else {
            throw CertificateOptions.refusal(
                certificate, "it is out of its time, or its subject says something twice")
        }
        return .rule(rule)
    }

    private func match(
        _ found: Certificate, _ path: String
    ) throws(ProgramFailure) -> CertificateRule.Match {
        switch certificateMatch ?? .subject {
        case .subject:
            guard !found.subject.isEmpty else {
                throw CertificateOptions.refusal(path, "its subject is empty: choose another match")
            }
            return .subject(Set(found.subject))
        case .san:
            guard found.alternativeNames.count == 1 else {
                throw CertificateOptions.refusal(
                    path,
                    "it has \(found.alternativeNames.count) alternative names, and nobody can tell which "
                        + "one counts: choose another match")
            }
            return .alternativeName(found.alternativeNames[0])
        case .organization:
            guard let identifier = found.organizationIdentifier else {
                throw CertificateOptions.refusal(
                    path, "it has no organizationIdentifier (2.5.4.97): choose another match")
            }
            return .organization(identifier)
        case .thumbprint: return .thumbprint(found.thumbprint)
        }
    }

    private func authority(
        _ chain: [[UInt8]], _ path: String, now: Milliseconds
    ) throws(ProgramFailure) -> Thumbprint? {
        guard let certificateCA else { return nil }
        let pem = try CertificateOptions.read(certificateCA)
        let certificates = PEMCertificates.read(pem)
        guard certificates.count == 1, let authority = X509Reader().read(certificates[0]) else {
            throw CertificateOptions.refusal(certificateCA, "it must hold one certificate in PEM")
        }
        guard authority.isAuthority else {
            throw CertificateOptions.refusal(
                certificateCA,
                "its certificate is no CA's (basicConstraints), so it has issued none: name the CA's with "
                    + "--certificate-ca, or take --certificate-match thumbprint without a CA")
        }
        let trusted: TrustedAuthorities
        do throws(AuthoritiesFailure) {
            trusted = try TrustedAuthorities(pem: pem)
        } catch {
            throw CertificateOptions.refusal(certificateCA, error.description)
        }
        guard X509Reader(clients: trusted).authorities(of: chain, among: .clients, now: now) != nil
        else {
            throw CertificateOptions.refusal(
                path,
                "\(certificateCA) has not issued it, or it is out of its time, or not made to prove a "
                    + "client; put the certificates between the two behind it in the file")
        }
        return authority.thumbprint
    }

    private static func read(_ path: String) throws(ProgramFailure) -> [UInt8] {
        do throws(PrivateFile.Failure) {
            return try PrivateFile.read(path)
        } catch {
            throw ProgramFailure(description: "\(error)", status: 66)
        }
    }

    private static func refusal(_ path: String, _ reason: String) -> ProgramFailure {
        ProgramFailure(description: "\(path) cannot be registered: \(reason)", status: 65)
    }
}
