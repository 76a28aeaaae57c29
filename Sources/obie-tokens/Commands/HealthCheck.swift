// `obie-tokens healthcheck`: asks a server once whether it is ready. For container runtimes, in
// whose images there is no curl.

import ArgumentParser
import System
import UV

struct HealthCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Asks a server whether it is ready, for HEALTHCHECK in a container.",
        discussion: """
            Exit status: 0 where the answer is 200, 1 where it is another one or none comes in time; \
            standard error then says which.
            """)

    @OptionGroup var file: ConfigOption

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
        transform: { try OptionValue.number($0, 1...60) })
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
        let address: SocketAddress
        do throws(ConfigurationFailure) {
            address = try Configuration.load(
                flags: [:], file: file.config, environment: Environment.all
            ).value(Settings.adminListen)
        } catch {
            throw error.reported
        }
        guard address.port != 0 else {
            throw ValidationError("the server chose its port itself; write it into --url")
        }
        return ProbeURL(address: address.fromThisMachine, path: "/readyz")
    }
}
