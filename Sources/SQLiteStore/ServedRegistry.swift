// The registry of a running server. It takes over only what belongs to its store, and the store
// remembers how far that has come before any request sees it.

import Glibc
import Tokens

/// The server's side of a registry file, which may be changed, moved or replaced at any moment. One
/// thread at a time; blocks.
public final class ServedRegistry: RegistryStore {
    public let mode: IssuerSettings.Mode
    private let store: String
    private let lock: StoreLock
    private let files: FileWatch
    private let health: StoreHealth
    private let memory: RegistryMemory
    private let consents: ConsentHandover
    private var registry: SQLiteRegistry
    private var status: FileStatus?

    init(
        _ registry: SQLiteRegistry, store: String, _ lock: StoreLock, _ health: StoreHealth,
        _ memory: RegistryMemory, _ consents: ConsentHandover
    ) {
        self.registry = registry
        self.store = store
        self.lock = lock
        self.health = health
        self.memory = memory
        self.consents = consents
        mode = registry.mode
        files = FileWatch(store, lock, health)
        status = FileStatus.at(registry.path)
    }

    /// Also looks whether all files are still where they were: it is asked ten times a second.
    public func version() throws -> Int64 {
        try files.look()
        memory.retry()
        return try watched { try checkedMark().version }
    }

    public func load() throws -> RegistryContent {
        try watched {
            var mark = try checkedMark()
            let content = try registry.load()
            mark.version = content.version
            mark.nextNumber = Int64(content.nextNumber)
            try memory.newest.check(mark, at: registry.path, store: store)
            memory.remember(mark)
            return content
        }
    }

    /// Tells the health what came of it. Whoever asked tells people.
    private func watched<Answer>(_ body: () throws -> Answer) throws -> Answer {
        do {
            let answer = try body()
            health.set(.registry, isFailing: false)
            return answer
        } catch {
            health.set(.registry, isFailing: true)
            throw error
        }
    }

    private func checkedMark() throws(StoreFailure) -> RegistryMark {
        try openAgainIfReplaced()
        let mark = try registry.currentMark()
        try memory.newest.check(mark, at: registry.path, store: store)
        return mark
    }

    /// An open file stays the one it was, whatever comes in its place, and so does what was read of it.
    private func openAgainIfReplaced() throws(StoreFailure) {
        let now = FileStatus.at(registry.path)
        guard now != status else { return }
        registry = try SQLiteRegistry(store: store, mode: mode, makes: false)
        status = now
        consents.beginAnew()
    }

    /// A command must not be told that its change is in force while the files are not those that it has
    /// read: its moment may be older than what is served.
    public func takenOver(_ version: Int64) throws {
        try files.look()
        guard !health.isFailing(.files) else {
            throw StoreFailure(
                "changes of the registry are not confirmed while a file of the store is not where it "
                    + "was", .configuration)
        }
        try consents.handOver(from: registry)
        try lock.announce(registryVersion: version)
    }

    public func update<Answer>(
        _ change: (inout RegistryContent) throws -> Answer
    ) throws -> (answer: Answer, version: Int64) {
        try registry.update(change)
    }

    public func forgetConsents(revokedBefore moment: Milliseconds) throws {
        try registry.forgetConsents(revokedBefore: moment)
    }

    public func wait(forTakeover version: Int64, milliseconds: Int) throws -> RegistryTakeover {
        try registry.wait(forTakeover: version, milliseconds: milliseconds)
    }
}
