// What a place that keeps the registry must do. The suite in Tests/contracts/StoreContract holds them to it.

/// Keeps the registry. Commands change it, in processes of their own; running servers look whether it
/// has changed. One thread at a time; blocks. What fails is a `StoreFailure`.
public protocol RegistryStore {
    /// Whose world this is; never changes.
    var mode: IssuerSettings.Mode { get }

    /// All of it as it stands at one moment.
    func load() throws -> RegistryContent

    /// The version that `load` would have now. Cheap: a running server asks ten times a second.
    func version() throws -> Int64

    /// Changes it in one atomic step, one such step after the other, also between processes.
    /// Where something has changed, the version counts on. The work is the same however many consents
    /// have been revoked.
    ///
    /// - Parameter change: throws to leave everything as it was.
    /// - Returns: what `change` returned, and the version that has it.
    func update<Answer>(
        _ change: (inout RegistryContent) throws -> Answer
    ) throws -> (answer: Answer, version: Int64)

    /// A running server says that from now on each of its requests sees this version: a later one than
    /// before, or what has come in the place of one that is lost. By then its store of tokens has revoked
    /// the consents that changes have revoked.
    ///
    /// - Throws: where nobody can be told; commands then wait for nothing, and say so.
    func takenOver(_ version: Int64) throws

    /// Forgets some of the consents that were revoked until before a moment: nothing that old is alive.
    /// The work is bounded.
    func forgetConsents(revokedBefore moment: Milliseconds) throws

    /// Waits until all running servers have taken over a version. For commands.
    ///
    /// - Parameter milliseconds: how long at the most.
    func wait(forTakeover version: Int64, milliseconds: Int) throws -> RegistryTakeover

    /// The servers that the last wait has found connected and has not waited for.
    var silentServers: [SilentServer] { get }
}

extension RegistryStore {
    /// A server of its own is waited for.
    public var silentServers: [SilentServer] { [] }
}

/// A server that is connected and has not been heard of for so long that it answers nobody any more.
public struct SilentServer: Equatable, Sendable {
    public let name: String
    /// By the clock of the store.
    public let lastSeenAt: Milliseconds

    public init(name: String, lastSeenAt: Milliseconds) {
        self.name = name
        self.lastSeenAt = lastSeenAt
    }
}

/// What has become of a change, as far as running servers go.
public enum RegistryTakeover: Equatable, Sendable {
    /// Nobody has to take it over: no server is running.
    case notRunning
    /// The next request sees the change.
    case hasTakenOver
    /// A server is still on an older version; `on` names those that do, where they have names.
    case isLate(on: [String] = [])
}

extension RegistryContent {
    /// The step of `RegistryStore.update`: the same for every place.
    public mutating func apply<Answer>(
        _ change: (inout RegistryContent) throws -> Answer
    ) throws -> Answer {
        var changed = self
        let answer = try change(&changed)
        changed.version = version
        guard changed != self else { return answer }
        changed.version += 1
        self = changed
        return answer
    }
}

/// A registry in memory, gone with the process. Its server is whoever calls `takenOver`, and runs as
/// long as the registry.
public final class MemoryRegistry: RegistryStore {
    private var content: RegistryContent
    private var takenOver: Int64?
    /// What changes have revoked: for a store of tokens, if there is one beside it.
    public private(set) var revokedConsents: [ConsentRevocation: Milliseconds] = [:]

    public init(_ content: RegistryContent) { self.content = content }

    public var mode: IssuerSettings.Mode { content.mode }

    public func load() -> RegistryContent { content }

    public func version() -> Int64 { content.version }

    public func update<Answer>(
        _ change: (inout RegistryContent) throws -> Answer
    ) throws -> (answer: Answer, version: Int64) {
        let answer = try content.apply(change)
        revokedConsents.merge(content.revokedConsents) { max($0, $1) }
        content.revokedConsents = [:]
        return (answer, content.version)
    }

    public func forgetConsents(revokedBefore moment: Milliseconds) {
        revokedConsents = revokedConsents.filter { $0.value >= moment }
    }

    public func takenOver(_ version: Int64) { takenOver = version }

    /// Waits for nobody: there is one thread.
    public func wait(forTakeover version: Int64, milliseconds: Int) -> RegistryTakeover {
        guard let takenOver else { return .notRunning }
        return takenOver >= version ? .hasTakenOver : .isLate()
    }
}
