// The watch over a registry, whatever keeps it: what is published, announced, and told.

import CryptoForTests
import Foundation
import Synchronization
import System
import Testing
import Tokens

@testable import Server

/// A registry that a test changes, and lets fail, while it is watched.
private final class WatchedRegistry: RegistryStore, Sendable {
    struct State {
        var content = RegistryContent(mode: .production)
        var isBroken = false
        var isMute = false
        /// Its number is the same, and it is another.
        var isOther = false
        var announced: [Int64] = []
        var loads = 0
    }
    let state = Mutex(State())

    var mode: IssuerSettings.Mode { .production }

    func load() throws -> RegistryContent {
        try state.withLock { state in
            if state.isBroken { throw StoreFailure("it is broken") }
            state.loads += 1
            state.isOther = false
            return state.content
        }
    }

    func version() throws -> Int64 {
        try state.withLock { state in
            if state.isBroken { throw StoreFailure("it is broken") }
            return state.isOther ? -1 : state.content.version
        }
    }

    func update<Answer>(
        _ change: (inout RegistryContent) throws -> Answer
    ) throws -> (answer: Answer, version: Int64) {
        // Only the test changes it.
        var content = state.withLock { $0.content }
        let answer = try content.apply(change)
        state.withLock { [content] in $0.content = content }
        return (answer, content.version)
    }

    func takenOver(_ version: Int64) throws {
        try state.withLock { state in
            if state.isMute { throw StoreFailure("nobody hears it") }
            state.announced.append(version)
        }
    }

    func forgetConsents(revokedBefore moment: Milliseconds) {}

    func wait(forTakeover version: Int64, milliseconds: Int) -> RegistryTakeover { .notRunning }
}

@Suite struct RegistryWatcherTests {
    private let registry = WatchedRegistry()
    private let lines = Lines()

    private final class Lines: Sendable {
        private let all = Mutex<[String]>([])
        func add(_ line: String) { all.withLock { $0.append(line) } }
        var texts: [String] { all.withLock { $0 } }
    }

    private func watch(now: @escaping @Sendable () -> Milliseconds = { 0 }) throws
        -> RegistryWatcher.Watch
    {
        try RegistryWatcher.watch(registry, cryptography, now: now) { [lines] in lines.add($0) }
    }

    private func eventually(_ isTrue: () -> Bool) -> Bool {
        for _ in 0..<1000 where !isTrue() { usleep(10_000) }
        return isTrue()
    }

    private func add(_ provider: String) throws {
        _ = try registry.update { try $0.addProvider(provider, redirectURIs: []) }
    }

    @Test func whatIsThereAtTheStartIsPublishedAndAnnouncedAtOnce() throws {
        try add("psp-1")
        let watch = try watch()
        #expect(watch.feed.registry.provider(reference: "psp-1") != nil)
        #expect(registry.state.withLock { $0.announced } == [1])
        watch.stop()
    }

    @Test func changeIsPublishedBeforeItIsAnnounced() throws {
        let watch = try watch()
        try add("psp-1")
        #expect(eventually { registry.state.withLock { $0.announced } == [0, 1] })
        #expect(watch.feed.registry.provider(reference: "psp-1") != nil)
        watch.stop()
        #expect(registry.state.withLock { $0.loads } == 2, "only what has changed is loaded")
        #expect(lines.texts.isEmpty)
    }

    /// A fail-over has lost a change, and another has its number.
    @Test func changeWithTheNumberOfALostOneIsAnnouncedToo() throws {
        let watch = try watch()
        registry.state.withLock { $0.isOther = true }
        #expect(eventually { registry.state.withLock { $0.announced } == [0, 0] })
        watch.stop()
        #expect(registry.state.withLock { $0.loads } == 2)
        #expect(lines.texts.isEmpty)
    }

    private struct Witness {
        weak var registry: Registry?
    }

    /// To free a large one takes tens of milliseconds, which no event loop has.
    @Test func watchIsTheLastToLetGoOfWhatItHasReplaced() throws {
        let watch = try watch()
        var request: Registry? = watch.feed.registry
        let witness = Witness(registry: request)
        try add("psp-1")
        #expect(eventually { registry.state.withLock { $0.announced } == [0, 1] })
        usleep(300_000)
        #expect(witness.registry === request)
        request = nil
        #expect(witness.registry != nil, "the request is not the last to have it")
        #expect(eventually { witness.registry == nil })
        watch.stop()
    }

    @Test func registryThatCannotBeReadAtTheStartIsRefused() {
        registry.state.withLock { $0.isBroken = true }
        #expect(throws: StoreFailure.self) { try watch() }
    }

    @Test func failureToReadIsToldOnceAndWhatWasKnownStillCounts() throws {
        try add("psp-1")
        let watch = try watch()
        registry.state.withLock { $0.isBroken = true }
        #expect(eventually { !lines.texts.isEmpty })
        usleep(300_000)
        #expect(lines.texts == ["it is broken; what was registered until now still counts"])
        #expect(watch.feed.registry.provider(reference: "psp-1") != nil)
        registry.state.withLock { $0.isBroken = false }
        #expect(eventually { lines.texts.count == 2 })
        #expect(lines.texts.last == "the registry can be read again")
        watch.stop()
    }

    @Test func failureToAnnounceIsToldOnceAndTriedAgain() throws {
        let watch = try watch()
        registry.state.withLock { $0.isMute = true }
        try add("psp-1")
        #expect(eventually { !lines.texts.isEmpty })
        usleep(300_000)
        #expect(lines.texts.count == 1)
        #expect(lines.texts.first?.hasPrefix("nobody hears it; ") == true)
        #expect(watch.feed.registry.provider(reference: "psp-1") != nil, "it counts all the same")
        registry.state.withLock { $0.isMute = false }
        #expect(eventually { lines.texts.count == 2 })
        #expect(registry.state.withLock { $0.announced } == [0, 1])
        watch.stop()
    }

    @Test func sharedRegistryMayBeOutOfReachAtTheStart() throws {
        try add("psp-1")
        registry.state.withLock { $0.isBroken = true }
        let watch = try RegistryWatcher.watchShared(
            registry, cryptography, isReachable: false, now: { 0 }
        ) {
            [lines] in lines.add($0)
        }
        usleep(600_000)
        #expect(lines.texts.isEmpty, "that is known")
        #expect(watch.feed.registry.provider(reference: "psp-1") == nil)
        registry.state.withLock { $0.isBroken = false }
        #expect(eventually { registry.state.withLock { $0.announced } == [1] })
        #expect(watch.feed.registry.provider(reference: "psp-1") != nil)
        #expect(lines.texts == ["the registry can be read again"])
        registry.state.withLock { $0.isBroken = true }
        #expect(eventually { lines.texts.count == 2 })
        #expect(lines.texts.last?.contains("requests get 503 soon") == true)
        watch.stop()
    }

    @Test func sharedRegistryThatIsInReachIsThereAtOnce() throws {
        try add("psp-1")
        let watch = try RegistryWatcher.watchShared(
            registry, cryptography, isReachable: true, now: { 0 }
        ) {
            [lines] in lines.add($0)
        }
        #expect(watch.feed.registry.provider(reference: "psp-1") != nil)
        #expect(registry.state.withLock { $0.announced } == [1])
        #expect(lines.texts.isEmpty)
        watch.stop()
    }

    /// By the time that the server lives by, whatever the wall clock says.
    @Test func oldSecretRunsOutByTheTimeThatIsGiven() throws {
        let time = Mutex(Milliseconds(1999))
        let (old, new) = (Array("old".utf8), Array("new".utf8))
        _ = try registry.update { content in
            _ = try content.addInstitution(
                "bank-1", clientID: "c", secret: SecretDigest(of: old))
            _ = try content.rotateSecret(
                "bank-1", clientID: "c", secret: SecretDigest(of: new), oldUntil: 2000, now: 0)
        }
        let watch = try watch { time.withLock { $0 } }
        usleep(300_000)
        #expect(watch.feed.registry.client(id: "c", secret: old) != nil, "1999 has not come")
        time.withLock { $0 = 2000 }
        #expect(eventually { watch.feed.registry.client(id: "c", secret: old) == nil })
        #expect(watch.feed.registry.client(id: "c", secret: new) != nil)
        watch.stop()
    }
}
