// What all commands about the registry share: open it, change it, wait until a running server knows
// of the change, and say what went wrong.

import ArgumentParser
import System
import Tokens
import UV

/// The registry of the store that a command is about.
struct RegistryEditor {
    /// How long a running server is waited for. It looks ten times a second.
    private static let takeOverMilliseconds = 5000

    private let registry: any RegistryStore
    var mode: IssuerSettings.Mode { registry.mode }
    private let administration: any StoreAdministration
    private let settings: Settings

    /// - Parameter makes: whether to make a registry where there is none.
    init(_ flags: SettingFlags<StoreSettings>, makes: Bool = false) throws(ProgramFailure) {
        // A closed pipe is an error, like a full disk.
        Signal.ignoreWriteSignals()
        let settings = try flags.readForStore()
        if makes {
            try settings.checkStoreFolder(makes: true)
            try settings.checkAuditFolder()
        }
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

    /// Now, and not before anything that has been issued: whatever this process's clock says.
    func now() throws(ProgramFailure) -> Milliseconds {
        try RegistryEditor.explaining { try administration.now() }
    }

    /// The moment of a revocation: until when everything was issued that there is; 0 where there is
    /// nothing. By the server's own time, which no wall clock has moved: one that is ahead would void
    /// what is issued next.
    ///
    /// Forgets some of the revocations of before that nobody needs any more.
    func momentOfRevocation() throws(ProgramFailure) -> Milliseconds {
        let found = try RegistryEditor.explaining { try administration.issueTimes() }
        guard let times = found else {
            throw ProgramFailure(
                description: "\(place) is not there, so nothing has been issued that could be "
                    + "revoked; choose the right store with --store",
                status: 66)
        }
        return try RegistryEditor.explaining {
            let now = times.newest ?? 0
            try registry.forgetConsents(
                revokedBefore: ConsentRevocation.outlivedBefore(oldest: times.oldest, now: now))
            return now
        }
    }

    /// Changes the registry, once its line is in the audit log. Returns when a running server answers
    /// its next request accordingly, or when it has had 5 s for that.
    ///
    /// - Parameters:
    ///   - words: what is done, for the audit log: a line each. One that is not done has the first.
    ///   - print: prints the secret, which must arrive: nothing changes where it cannot be printed.
    func change<Answer>(
        _ words: (Answer) -> [String], _ body: (inout RegistryContent) throws -> Answer,
        print: ((Answer) throws -> Void)? = nil
    ) throws(ProgramFailure) -> (answer: Answer, outcome: ChangeOutcome) {
        // Before a secret is printed that would be void.
        try settings.checkAuditFolder()
        if let refusal = settings.missingAuditLog(registry.mode) { throw refusal }
        var recorded: String?
        do throws(ProgramFailure) {
            let (answer, version) = try RegistryEditor.explaining {
                try registry.update { content in
                    let answer = try body(&content)
                    try print?(answer)
                    let lines = words(answer)
                    try settings.record(lines, registry.mode, "nothing was changed, since")
                    recorded = lines.first
                    return answer
                }
            }
            let takeover = takeover(of: version)
            let outcome = ChangeOutcome(
                takeover, place: place, isShared: settings.store.isShared,
                silent: registry.silentServers)
            return (answer, outcome)
        } catch {
            guard let change = recorded else { throw error }
            guard !error.isUncertain else {
                try settings.record("perhaps not done: \(change)", registry.mode, "\(error); and")
                throw error
            }
            let void = print == nil ? "" : "; the secret that was printed is void"
            try settings.record("not done: \(change)", registry.mode, "\(error)\(void); and")
            throw ProgramFailure(description: "\(error)\(void)", status: error.status)
        }
    }

    /// The same with one line that is known before.
    func change<Answer>(
        _ change: String, _ body: (inout RegistryContent) throws -> Answer,
        print: ((Answer) throws -> Void)?
    ) throws(ProgramFailure) -> (answer: Answer, outcome: ChangeOutcome) {
        try self.change({ _ in [change] }, body, print: print)
    }

    /// The same where nothing has to be printed.
    func change(
        _ change: String, _ body: (inout RegistryContent) throws -> Void
    ) throws(ProgramFailure) -> ChangeOutcome {
        try self.change(change, body, print: nil).outcome
    }

    private var place: String { settings.chosenStore.place }

    private func takeover(of version: Int64) -> Result<RegistryTakeover, any Error> {
        Result {
            try registry.wait(
                forTakeover: version, milliseconds: RegistryEditor.takeOverMilliseconds)
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
        } catch let failure as ProgramFailure {
            throw failure
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
