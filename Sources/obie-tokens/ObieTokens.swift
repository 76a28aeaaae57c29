// The command line: parse, start, wait. What is started stands in Program.

import ArgumentParser
import Server
import UV

@main
struct ObieTokens: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "obie-tokens",
        abstract: "Exchanges one-time authorization codes for access tokens (OBIE open banking).",
        version: Version.current,
        subcommands: [
            Serve.self, Institutions.self, Providers.self, TokensCommand.self,
            AuditCommand.self, BackUp.self, Keys.self, ConfigCommand.self,
            HealthCheck.self,
        ])
}

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves the API until SIGTERM or SIGINT.",
        discussion: """
            Without options this is a sandbox on 127.0.0.1:8080 with well-known credentials.

            Every option can also be set by a variable of the environment – OBIE_TOKENS_LISTEN, \
            OBIE_TOKENS_CODE_LIFETIME – and by a line of the file of --config. A flag goes before a \
            variable, a variable before the file. `obie-tokens config show` says what is in force.

            SIGTERM and SIGINT end it orderly, a second one at once. SIGHUP reads the file again; what \
            can change while it runs does, the rest is named.

            Exit status: 0 after SIGTERM or SIGINT, 64 for a wrong flag, 66 where the file of --config \
            cannot be read, 71 where an address cannot be listened on or the store cannot be opened, \
            74 where the disk did not answer in the end, 77 where the keys may not be read, 78 for a \
            wrong setting in the file or the environment, and for keys that are not there.
            """)

    @OptionGroup var options: Options

    func run() throws {
        let loaded: Configuration
        let reload: Reload
        do throws(ConfigurationFailure) {
            loaded = try options.load()
            reload = try Reload(options, loaded)
        } catch {
            throw error.reported
        }
        let settings = reload.settings
        let logger: Logger
        do throws(UVError) {
            logger = try Logger(
                settings.logFormat, settings.logLevel, isAccessLogged: settings.isAccessLogged)
        } catch {
            Program.log("error: there is no thread for the log: \(error)")
            throw ExitCode(71)
        }
        defer { logger.close() }
        do throws(ProgramFailure) {
            try Program(settings, reload, logger).run()
        } catch {
            logger.log(.error, error.description)
            throw ExitCode(error.status)
        }
    }
}
