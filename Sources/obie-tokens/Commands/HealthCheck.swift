// `obie-tokens healthcheck`: asks a server once whether it is ready. Container runtimes run it, because
// the image has no curl.

import ArgumentParser
import Bytes
import System
import TLS
import UV

struct HealthCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Asks a server whether it is ready, for HEALTHCHECK in a container.",
        discussion: """
            Where the server's admin address speaks TLS, or --url begins with https://, so does this \
            command. Without --ca it takes any certificate, as Kubernetes does: it asks an address, and \
            sends nothing secret.

            Exit status: 0 if the answer is 200; 1 if it is another one, or if none comes in time. \
            Standard error then says which. 65 or 66 for a file with certificates that is not good.
            """)

    @OptionGroup var flags: SettingFlags<NoSetting>

    @Option(
        help: ArgumentHelp(
            "What to ask. (default: /readyz at the admin-listen of the server's settings)",
            valueName: "http[s]://ip:port/path"),
        transform: { try ProbeURL($0) })
    var url: ProbeURL?

    @Option(
        help: ArgumentHelp(
            "How long to wait for the whole answer: 1 to 60 seconds. (default: 2)",
            valueName: "seconds"),
        transform: { try SettingValue.seconds(1...60)($0) })
    var timeout: Int64 = 2

    @Option(
        help: ArgumentHelp(
            "Take only a certificate of one of the CAs in this file, or one that is in it (PEM). Its name is "
                + "not compared.", valueName: "file"), completion: .file())
    var ca: String?

    @Option(
        help: ArgumentHelp(
            "The certificate to show, where the server asks for one (PEM).", valueName: "file"),
        completion: .file())
    var certificate: String?

    @Option(
        help: ArgumentHelp("The private key of --certificate (PEM).", valueName: "file"),
        completion: .file())
    var key: String?

    func validate() throws {
        if (certificate == nil) != (key == nil) {
            throw ValidationError("--certificate and --key go together: name both, or neither")
        }
    }

    func run() throws {
        let url = try self.url ?? local()
        let context = url.isEncrypted ? try context() : nil
        let outcome: ProbeOutcome
        do {
            outcome = try Probe.ask(url, context, withinMilliseconds: UInt64(timeout) * 1000)
        } catch {
            outcome = .failed(.connection(error))
        }
        switch outcome {
        case .answered(status: 200, _):
            print("\(url) answered 200")
        case .answered(let status, let body):
            try fail("\(url) answered \(status) \(body); the server's log says why")
        case .noHTTP:
            try fail(
                "\(url) does not speak HTTP; write the server's --admin-listen into --url, with "
                    + "https:// where that speaks TLS")
        case .timedOut:
            try fail("\(url) did not answer within \(timeout) s; the server is stuck or overloaded")
        case .failed(.handshake(let reason)):
            try fail("\(url): the TLS handshake failed: \(reason)" + advice(reason))
        case .failed(let error):
            try fail("\(url): \(error); does the server run, with this --admin-listen?")
        }
    }

    private func fail(_ why: String) throws {
        Program.log("not ready: \(why)")
        throw ExitCode(1)
    }

    /// The readiness of the server that has the same settings.
    private func local() throws -> ProbeURL {
        let settings = try flags.read()
        let address = settings.adminListen
        guard address.port != 0 else {
            throw ValidationError("the server chose its port itself; give it with --url")
        }
        let isEncrypted = settings.adminTLSCertificate != nil
        return ProbeURL(
            scheme: isEncrypted ? StreamKind.encryptedScheme : StreamKind.plain.scheme,
            address: address.fromThisMachine, path: "/readyz")
    }

    private func context() throws -> TLSClientContext {
        let authorities = try ca.map(HealthCheck.read)
        var identity: (certificate: [UInt8], key: [UInt8])?
        if let certificate, let key {
            identity = (try HealthCheck.read(certificate), try HealthCheck.read(key))
        }
        do throws(TLSFault) {
            return try TLSClientContext(
                authorities: authorities, identity: identity, now: Clock.wallMilliseconds())
        } catch {
            throw ProgramFailure(description: complaint(error), status: 65)
        }
    }

    private func complaint(_ fault: TLSFault) -> String {
        switch fault {
        case .absent(.clientCA), .malformed(.clientCA):
            "\(ca ?? "") holds no CA's certificate in PEM"
        case .absent(.key), .malformed(.key), .encrypted:
            "\(key ?? "") holds no private key in PEM without a pass phrase"
        case .mistyped(let part, let line):
            "line \(line) of \((part == .clientCA ? ca : certificate) ?? "") is meant to begin or end a "
                + "certificate and does not: write -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----"
        case .mismatched: "\(key ?? "") is not the key of \(certificate ?? "")"
        case .expired(_, let end):
            "\(certificate ?? "") ended on \(Timestamp.text(end)): put a new one in its place"
        case .absent, .malformed, .notYetValid, .unknownIssuer, .partialList,
            .namelessLists, .refused:
            "\(certificate ?? "") holds no certificate in PEM that is good now"
        }
    }

    private static func read(_ path: String) throws(ProgramFailure) -> [UInt8] {
        do throws(PrivateFile.Failure) {
            return try PrivateFile.read(path, bytesMax: 1 << 20)
        } catch {
            throw ProgramFailure(description: "cannot read \(error)", status: 66)
        }
    }

    /// What to do about what OpenSSL says.
    private func advice(_ reason: String) -> String {
        if reason.includes("certificate is refused") { return "; does --ca name its CA?" }
        if reason.includes("wrong version number") { return "; it speaks no TLS: ask http://" }
        if reason.includes("alert") {
            return certificate == nil
                ? "; where the server wants a client's certificate, name one with --certificate and --key"
                : "; the server does not take the certificate"
        }
        return ""
    }
}
