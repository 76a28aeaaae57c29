// What all commands about the registry share: open it, change it, wait until a running server knows
// of the change, and say what went wrong.

import ArgumentParser
import System
import Tokens

/// The registry of the store that a command is about.
struct RegistryEditor {
    /// How long a running server is waited for. It looks ten times a second.
    private static let takeOverMilliseconds = 5000

    private let registry: any RegistryStore
    private let administration: any StoreAdministration
    private let settings: Settings

    /// - Parameter makes: whether to make a registry where there is none.
    init(_ flags: SettingFlags<StoreSettings>, makes: Bool = false) throws(ProgramFailure) {
        let settings = try flags.read()
        let administration = try settings.storeAdministration()
        self.settings = settings
        self.administration = administration
        registry = try RegistryEditor.explaining { try administration.registry(makes: makes) }
    }

    /// Looks something up.
    func read<Answer>(
        _ body: (RegistryContent) throws -> Answer
    ) throws(ProgramFailure) -> Answer {
        try RegistryEditor.explaining { try body(try registry.load()) }
    }

    /// The moment of a revocation: now, and not before anything that has been issued, whatever this
    /// process's clock says.
    ///
    /// Forgets some of the revocations of before that nobody needs any more.
    func momentOfRevocation() throws(ProgramFailure) -> Milliseconds {
        let found = try RegistryEditor.explaining { try administration.issueTimes() }
        guard let times = found else {
            throw ProgramFailure(
                description:
                    "\(settings.store.path ?? "the store") is not there, so nothing has been "
                    + "issued that could be revoked; choose the right store with --store",
                status: 66)
        }
        return try RegistryEditor.explaining {
            let now = max(Clock.wallMilliseconds(), times.newest ?? 0)
            try registry.forgetConsents(
                revokedBefore: ConsentRevocation.outlivedBefore(oldest: times.oldest, now: now))
            return now
        }
    }

    /// Changes the registry. Returns once a running server answers its next request accordingly.
    ///
    /// - Parameter change: what is done, for the audit log.
    @discardableResult
    func change<Answer>(
        _ change: String, _ body: (inout RegistryContent) throws -> Answer
    ) throws(ProgramFailure) -> Answer {
        let (answer, version) = try RegistryEditor.explaining { try registry.update(body) }
        try settings.record(change, registry.mode)
        waitForServers(version)
        return answer
    }

    private func waitForServers(_ version: Int64) {
        do {
            let seen = try registry.wait(
                forTakeover: version, milliseconds: RegistryEditor.takeOverMilliseconds)
            guard seen == .isLate else { return }
            Program.log(
                "warning: saved, but the running server has not taken it over within "
                    + "\(RegistryEditor.takeOverMilliseconds / 1000) s; see its log")
        } catch {
            Program.log("warning: saved, but \(error)")
        }
    }

    /// Gives each error its exit status: 65 for what cannot be done, 71 for a file.
    private static func explaining<Answer>(
        _ body: () throws -> Answer
    ) throws(ProgramFailure) -> Answer {
        do {
            return try body()
        } catch let error as RegistryError {
            throw ProgramFailure(description: error.explanation, status: 65)
        } catch let failure as StoreFailure {
            throw ProgramFailure(failure)
        } catch {
            throw ProgramFailure(description: "\(error)", status: 71)
        }
    }
}

/// Removing asks first.
struct ConfirmationOption: ParsableArguments {
    @Flag(help: "Do not ask.")
    var yes = false

    /// - Throws: where the answer is no, or nobody can be asked.
    func confirm(_ question: String) throws {
        if yes { return }
        guard Terminal.isInteractive else {
            throw ValidationError("nobody can be asked here: confirm with --yes")
        }
        guard Terminal.confirm(question) else { throw ExitCode(1) }
    }
}
