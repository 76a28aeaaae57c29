// The store in memory, with a registry and keys that nobody else sees. The only file that names it.

import Crypto
import Metrics
import System
import Tokens
import UV

struct MemoryChoice: StoreChoice {
    var path: String? { nil }

    func open(
        _ keys: KeySource, _ settings: IssuerSettings, _ clock: Timekeeper,
        report: @escaping @Sendable (String) -> Void, onLoss: @escaping @Sendable () -> Void
    ) throws(ProgramFailure) -> any OpenedStore {
        // Its registry is empty, and no command reaches it.
        guard settings.mode == .sandbox else {
            throw ProgramFailure(
                description:
                    "in production mode nobody could ever be registered in a store in memory; "
                    + "write --store sqlite:PATH", status: 78)
        }
        return OpenedMemory(settings)
    }

    var administration: Result<any StoreAdministration, StoreFailure> {
        .failure(
            StoreFailure("a store in memory has nothing for a command; write --store sqlite:PATH"))
    }
}

private final class OpenedMemory: OpenedStore {
    let name = "memory"
    let keyring = Keyring(SealingKey(OpenSSL(), random: SystemRandom.fill))
    let registry: RegistryFeed
    private let store: MemoryStore

    init(_ settings: IssuerSettings) {
        store = MemoryStore(
            codeLifetime: settings.codeLifetime, tokenLifetime: settings.tokenLifetime,
            ccgTokenLifetime: settings.ccgTokenLifetime)
        registry = RegistryFeed(Registry(.sandbox, now: 0, OpenSSL()))
    }

    // No command can do anything with it.
    func note(_ settings: [String: String]) {}
    func face(_ loop: EventLoop) -> any TokenStore { store }
    func isStuck(longerThan milliseconds: UInt64) -> Bool { false }
    func appendMetrics(to text: inout MetricsText) {}
    var newestTime: Milliseconds? { nil }
    var summary: String? { nil }
    func close() {}
}
