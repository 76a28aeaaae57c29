// The command line: parse, start, wait. What is started stands in Program.

import ArgumentParser
import Tokens
import UV

@main
struct ObieTokens: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "obie-tokens",
        abstract: "Exchanges one-time authorization codes for access tokens (OBIE open banking).",
        version: Version.current,
        subcommands: [
            Serve.self, Institutions.self, Providers.self, TokensCommand.self,
            AuditCommand.self, BackUp.self,
            Keys.self,
        ])
}

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves the API until SIGTERM or SIGINT.",
        discussion: """
            Without options this is a sandbox on 127.0.0.1:8080 with well-known credentials.

            Exit status: 0 after SIGTERM or SIGINT, 64 for a wrong option, 71 where an address \
            cannot be listened on or the store cannot be opened.
            """)

    @OptionGroup var options: Options

    func run() throws {
        let program: Program
        do {
            program = try Program(options)
        } catch {
            Program.log("error: \(error)")
            throw ExitCode(71)
        }
        program.run()
    }
}
