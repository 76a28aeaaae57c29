// The command line: parse, start, wait. Program does the starting.

import ArgumentParser
import Crypto
import Server
import System
import UV

@main
struct ObieTokens: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "obie-tokens",
        abstract: "Exchanges one-time authorization codes for access tokens (OBIE open banking).",
        version: Version.current,
        subcommands: [
            Serve.self, Institutions.self, Providers.self, TokensCommand.self,
            AuditCommand.self, BackUp.self, RestoreCommand.self, Reset.self, CheckStore.self,
            CompactStore.self, StoreCommand.self, Keys.self,
            ReportCommand.self, ConfigCommand.self, TLSCommand.self,
            HealthCheck.self,
        ])

    /// Every failure of every command ends here: one sentence on stderr, and its exit status. The
    /// sentence about a wrong option has the usage behind it.
    static func main() {
        if CommandLine.arguments.dropFirst().first == Serve._commandName {
            // Before anything takes time: it would end the process.
            Signal.hold(Signal.hangUp)
        }
        StandardOutput.fillGaps()
        var kind: any ParsableCommand.Type = Self.self
        do {
            let words = try words()
            var command = try parseAsRoot(SettingFlags<EverySetting>.wordsForParser(words))
            kind = type(of: command)
            try checkOpenSSL()
            try command.run()
        } catch let failure as ProgramFailure where failure.status == 64 {
            refuse(failure.description, kind)
        } catch let error as ValidationError {
            if kind == Self.self { exit(withError: error) }
            refuse(error.message, kind)
        } catch let failure as ProgramFailure {
            Program.log("error: \(failure)")
            exit(withError: ExitCode(failure.status))
        } catch {
            exit(withError: error)
        }
    }

    /// Swift takes the words of the command line from /proc: without it there are none, not even the first.
    private static func words() throws(ProgramFailure) -> [String] {
        let words = CommandLine.arguments
        if words.isEmpty {
            throw ProgramFailure(
                description:
                    "the words of the command line cannot be read, since /proc is not there: "
                    + "mount it (mount -t proc proc /proc)")
        }
        return Array(words.dropFirst())
    }

    private static func checkOpenSSL() throws(ProgramFailure) {
        if OpenSSL.isUsable { return }
        throw ProgramFailure(
            description: "OpenSSL has no AES-128, no SHA-256 or no random numbers here: mend its "
                + "configuration (the file that OPENSSL_CONF names, or openssl.cnf in the folder that "
                + "`openssl version -d` says)", status: 78)
    }

    /// As ArgumentParser does it for what it finds itself: with how this very command is used.
    private static func refuse(_ message: String, _ kind: any ParsableCommand.Type) -> Never {
        let path = words(to: kind, from: Self.self) ?? [_commandName]
        Log.line(
            "Error: \(message)\nUsage: \(usageString(for: kind))\n"
                + "  See '\(path.joined(separator: " ")) --help' for more information.")
        exit(withError: ExitCode(64))
    }

    /// What is typed for a command; nil where it is not below this one.
    private static func words(
        to kind: any ParsableCommand.Type, from start: any ParsableCommand.Type
    ) -> [String]? {
        if start == kind { return [start._commandName] }
        for next in start.configuration.subcommands {
            if let rest = words(to: kind, from: next) { return [start._commandName] + rest }
        }
        return nil
    }
}

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves the API until SIGTERM or SIGINT.",
        discussion: """
            Without options this is a sandbox on 127.0.0.1:8080 with well-known credentials.

            Every option can also be set by a variable of the environment, such as \
            OBIE_TOKENS_LISTEN or OBIE_TOKENS_CODE_LIFETIME, and by a line of the file of --config. A \
            flag counts before a variable, and a variable before the file. `obie-tokens config show` \
            says what is in force.

            \(DurationText.explanation) yes|no takes true|false and on|off as well.

            SIGTERM and SIGINT let requests under way finish; a second signal ends the server at \
            once. After SIGHUP the server reads the file again. It takes over what can change while \
            it runs, and names the rest.

            Exit status: 0 after SIGTERM or SIGINT; 64 for a wrong flag; 66 if the file of --config \
            cannot be read; 71 if the server cannot listen on an address or open the store; 74 if \
            the disk failed to sync the store, or did not answer at the end; 77 if the server may not read the keys; 78 for a \
            wrong setting in the file or the environment, and for missing keys.
            """)

    @OptionGroup var flags: SettingFlags<EverySetting>

    func run() throws {
        let reload = try Reload(flags)
        let settings = reload.settings
        let logger: Logger
        do throws(UVError) {
            logger = try Logger(
                settings.logFormat, settings.logLevel, isAccessLogged: settings.accessLog)
        } catch {
            throw ProgramFailure(description: "there is no thread for the log: \(error)")
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
