// What all commands about the registry share: open it, change it, wait until a running server
// knows, say what went wrong.

import ArgumentParser
import SQLiteStore
import System
import Tokens

/// The registry of the store that a command is about.
struct RegistryEditor {
    /// How long a running server is waited for. It looks ten times a second.
    private static let takeOverMilliseconds = 5000

    private let store: String
    private let registry: SQLiteRegistry
    private let option: StoreOption

    /// - Parameter makes: whether a registry is made where there is none.
    init(_ option: StoreOption, makes: Bool = false) throws {
        let path = try option.path()
        store = path
        registry = try RegistryEditor.explaining {
            guard makes || SQLiteRegistry.exists(store: path) else {
                throw SQLiteStoreFailure(
                    "there is no registry beside the store \(path); `obie-tokens fi add` makes "
                        + "one, or choose the right store with --store")
            }
            return try SQLiteRegistry(store: path, mode: nil)
        }
        self.option = option
        if registry.isNew {
            Program.log("made a new registry for production: \(registry.path)")
        }
    }

    func load() throws -> RegistryContent {
        try RegistryEditor.explaining { try registry.load() }
    }

    /// Looks something up.
    func read<Answer>(_ body: (RegistryContent) throws -> Answer) throws -> Answer {
        try RegistryEditor.explaining { try body(try registry.load()) }
    }

    /// Changes the registry. Returns once a running server answers its next request accordingly.
    ///
    /// - Parameter change: what is done, for the audit log.
    @discardableResult
    func change<Answer>(
        _ change: String, _ body: (inout RegistryContent) throws -> Answer
    ) throws -> Answer {
        let (answer, version) = try RegistryEditor.explaining { try registry.update(body) }
        try option.record(change, registry.mode)
        let seen = RunningServer.wait(
            registryVersion: version, store: store,
            milliseconds: RegistryEditor.takeOverMilliseconds)
        if seen == .isLate {
            Program.log(
                "warning: saved, but the running server has not taken it over within "
                    + "\(RegistryEditor.takeOverMilliseconds / 1000) s; see its log")
        }
        return answer
    }

    /// Errors as one sentence, with an exit status: 65 for what cannot be done, 71 for a file.
    private static func explaining<Answer>(_ body: () throws -> Answer) throws -> Answer {
        do {
            return try body()
        } catch let error as RegistryError {
            Program.log("error: \(error)")
            throw ExitCode(65)
        } catch let error as SQLiteStoreFailure {
            Program.log("error: \(error)")
            throw ExitCode(71)
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
