// `obie-tokens healthcheck`: asks a server once whether it is ready. Container runtimes run it, because
// the image has no curl.

import ArgumentParser
import System
import UV

struct HealthCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Asks a server whether it is ready, for HEALTHCHECK in a container.",
        discussion: """
            Exit status: 0 if the answer is 200; 1 if it is another one, or if none comes in time. \
            Standard error then says which.
            """)

    @OptionGroup var flags: SettingFlags<NoSetting>

    @Option(
        help: ArgumentHelp(
            "What to ask. (default: /readyz at the admin-listen of the server's settings)",
            valueName: "http://ip:port/path"),
        transform: { try ProbeURL($0) })
    var url: ProbeURL?

    @Option(
        help: ArgumentHelp(
            "How long to wait for the whole answer: 1 to 60 seconds. (default: 2)",
            valueName: "seconds"),
        transform: { try SettingValue.seconds(1...60)($0) })
    var timeout: Int64 = 2

    func run() throws {
        let url = try self.url ?? local()
        let outcome: ProbeOutcome
        do {
            outcome = try Probe.ask(url, withinMilliseconds: UInt64(timeout) * 1000)
        } catch {
            outcome = .failed(.connection(error))
        }
        switch outcome {
        case .answered(status: 200, _):
            print("\(url) answered 200")
        case .answered(let status, let body):
            try fail("\(url) answered \(status) \(body); the server's log says why")
        case .noHTTP:
            try fail("\(url) does not speak HTTP; write the server's --admin-listen into --url")
        case .timedOut:
            try fail("\(url) did not answer within \(timeout) s; the server is stuck or overloaded")
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
        if settings.adminTLSCertificate != nil {
            try fail(
                "\(address) speaks TLS (admin-tls-certificate), and this command does not: let the "
                    + "load balancer or Kubernetes probe it with HTTPS")
        }
        guard address.port != 0 else {
            throw ValidationError("the server chose its port itself; give it with --url")
        }
        return ProbeURL(address: address.fromThisMachine, path: "/readyz")
    }
}
