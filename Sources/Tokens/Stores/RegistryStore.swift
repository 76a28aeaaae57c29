// What a place that keeps the registry must do. The suite in Tests/contracts/StoreContract holds them to it.

/// Keeps the registry. One thread at a time; blocks.
public protocol RegistryStore {
    /// All of it as it stands at one moment.
    func load() throws -> RegistryContent

    /// Changes it in one atomic step, one such step after the other, also between processes.
    /// Where something has changed, the version counts on.
    ///
    /// - Parameter change: throws to leave everything as it was.
    /// - Returns: what `change` returned, and the version that has it.
    func update<Answer>(
        _ change: (inout RegistryContent) throws -> Answer
    ) throws -> (answer: Answer, version: Int64)
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

/// A registry in memory, gone with the process.
public final class MemoryRegistry: RegistryStore {
    private var content: RegistryContent

    public init(_ content: RegistryContent) { self.content = content }

    public func load() -> RegistryContent { content }

    public func update<Answer>(
        _ change: (inout RegistryContent) throws -> Answer
    ) throws -> (answer: Answer, version: Int64) {
        let answer = try content.apply(change)
        return (answer, content.version)
    }
}
