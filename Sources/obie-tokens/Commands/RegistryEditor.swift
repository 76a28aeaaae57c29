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

    /// nil: there is none yet, and the first change makes one.
    private let opened: (any RegistryStore)?
    let mode: IssuerSettings.Mode
    private let administration: any StoreAdministration
    private let settings: Settings

    /// - Parameter makes: whether the first change makes a registry, for production, where there is none.
    init(_ flags: SettingFlags<StoreSettings>, makes: Bool = false) throws(ProgramFailure) {
        try self.init(try flags.readForStore(), makes: makes)
    }

    /// The same where the settings have been read.
    init(_ settings: Settings, makes: Bool) throws(ProgramFailure) {
        // A closed pipe is an error, like a full disk.
        Signal.ignoreWriteSignals()
        if makes {
            try settings.checkStoreFolder(makes: true)
            try settings.checkAuditFolder()
        }
        let administration = try settings.storeAdministration()
        self.settings = settings
        self.administration = administration
        opened = try RegistryEditor.explaining {
            if makes, try administration.mode() == nil {
                try administration.refuseLoss()
                return nil
            }
            return try administration.registry(makes: false)
        }
        mode = opened?.mode ?? .production
    }

    /// Looks something up.
    func read<Answer>(
        _ body: (RegistryContent) throws -> Answer
    ) throws(ProgramFailure) -> Answer {
        try RegistryEditor.explaining {
            try body(try opened?.load() ?? RegistryContent(mode: mode))
        }
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
                description:
                    "no server has used \(place) yet, so nothing has been issued that could be "
                    + "revoked; choose the right store with --store",
                status: 66)
        }
        return try RegistryEditor.explaining {
            let now = times.newest ?? 0
            try opened?.forgetConsents(
                revokedBefore: ConsentRevocation.outlivedBefore(oldest: times.oldest, now: now))
            return now
        }
    }

    /// Changes the registry, once the audit log says that the change has begun; then it says that it is
    /// made. Returns when a running server answers its next request accordingly, or when it has had 5 s
    /// for that.
    ///
    /// A process that is killed in between leaves a line that promises nothing: whether the change was
    /// made, the registry's version tells.
    ///
    /// - Parameters:
    ///   - words: what is done, for the audit log: a line each. The first says all; how it ends is told
    ///     with that one alone.
    ///   - body: may run twice.
    ///   - print: prints the secret, which must arrive: nothing changes where it cannot be printed.
    func change<Answer>(
        _ words: (Answer) -> [some ChangeWords], _ body: (inout RegistryContent) throws -> Answer,
        print: ((Answer) throws -> Void)? = nil
    ) throws(ProgramFailure) -> (answer: Answer, outcome: ChangeOutcome) {
        // Before a secret is printed that would be void.
        try settings.checkAuditFolder()
        if let refusal = settings.missingAuditLog(mode) { throw refusal }
        var begun: Begun?
        func attempt(_ content: inout RegistryContent) throws -> Answer {
            let before = content
            let answer = try body(&content)
            try print?(answer)
            begun = try begin(
                words(answer).map(\.line), version: content == before ? nil : before.version + 1)
            return answer
        }
        let answer: Answer
        let version: Int64
        let registry: any RegistryStore
        do throws(ProgramFailure) {
            (answer, version, registry) = try RegistryEditor.explaining {
                guard let registry = opened else { return try first(body, attempt) }
                let (answer, version) = try registry.update(attempt)
                return (answer, version, registry)
            }
        } catch {
            guard let begun else { throw error }
            throw try abandon(begun, error, printed: print != nil)
        }
        if let begun {
            let line = begun.version == nil ? begun.change.saying("nothing new") : begun.change
            try settings.record(
                [line], .registryChanged, version: begun.version.map { _ in version }, mode,
                "done, but")
        }
        return (answer, outcome(registry, version))
    }

    /// A change of which the audit log knows.
    private struct Begun {
        /// What it is.
        let change: ChangeLine
        /// The registry's, with it; nil where it changes nothing, and the version stays another change's.
        let version: Int64?
    }

    private func begin(_ lines: [ChangeLine], version: Int64?) throws(ProgramFailure) -> Begun? {
        try settings.record(
            lines, .registryChangeBegun, version: version, mode, "nothing was changed, since")
        return lines.first.map { Begun(change: $0, version: version) }
    }

    /// - Returns: the failure, as people are told of it.
    private func abandon(
        _ begun: Begun, _ failure: ProgramFailure, printed: Bool
    ) throws(ProgramFailure) -> ProgramFailure {
        let void = printed && !failure.isUncertain ? "; the secret that was printed is void" : ""
        let words = failure.isUncertain ? "perhaps not done" : "not done"
        try settings.record(
            [begun.change.saying(words)], .registryChangeFailed, version: begun.version, mode,
            "\(failure)\(void); and")
        return failure.isUncertain
            ? failure : ProgramFailure(description: "\(failure)\(void)", status: failure.status)
    }

    /// The first change of all makes the registry. What would be refused makes none: so it is tried before,
    /// and all is done that can fail.
    private func first<Answer>(
        _ body: (inout RegistryContent) throws -> Answer,
        _ attempt: (inout RegistryContent) throws -> Answer
    ) throws -> (Answer, Int64, any RegistryStore) {
        var trial = RegistryContent(mode: mode)
        _ = try attempt(&trial)
        let registry = try administration.registry(makes: true)
        let (answer, version) = try registry.update(body)
        return (answer, version, registry)
    }

    /// The same with one line that is known before.
    func change<Answer>(
        _ change: some ChangeWords, _ body: (inout RegistryContent) throws -> Answer,
        print: ((Answer) throws -> Void)?
    ) throws(ProgramFailure) -> (answer: Answer, outcome: ChangeOutcome) {
        try self.change({ _ in [change] }, body, print: print)
    }

    /// The same where nothing has to be printed.
    func change(
        _ change: some ChangeWords, _ body: (inout RegistryContent) throws -> Void
    ) throws(ProgramFailure) -> ChangeOutcome {
        try self.change(change, body, print: nil).outcome
    }

    private func outcome(_ registry: any RegistryStore, _ version: Int64) -> ChangeOutcome {
        let takeover: Result<RegistryTakeover, any Error> = Result {
            try registry.wait(
                forTakeover: version, milliseconds: RegistryEditor.takeOverMilliseconds)
        }
        return ChangeOutcome(
            takeover, place: place, isShared: settings.store.isShared,
            silent: registry.silentServers,
            news: opened == nil ? administration.newRegistry : nil)
    }

    private var place: String { settings.chosenStore.place }

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
