// What servers must agree on before one of them seals, and how a new key becomes the one that does.

import CryptoForTests
import Testing
import Tokens

@testable import PostgresStore

@Suite struct KeyAgreementTests {
    private static func key(_ number: UInt8) -> SealingKey {
        SealingKey { bytes in for index in bytes.indices { bytes[index] = number } }
    }

    /// The first seals.
    private func ring(_ numbers: [UInt8]) -> Keyring {
        numbers.dropFirst().reduce(Keyring(Self.key(numbers[0]))) {
            $0.followed(by: Keyring(Self.key($1)))
        }
    }

    private func node(_ name: String, _ numbers: [UInt8]) -> Nodes.Alive {
        Nodes.Alive(
            id: Array(name.utf8), name: name, registryVersion: 1,
            keys: numbers.map { Self.key($0).fingerprint })
    }

    @Test(
        arguments: [
            ([1], [[1], [1]]), ([1], [[1, 2]]), ([1, 2], [[1]]), ([2, 1], [[1, 2], [2, 1]]),
            ([1], []), ([1], [[]]),
        ] as [([UInt8], [[UInt8]])])
    func serverBeginsWhereEachOpensWhatAnySeals(ours: [UInt8], theirs: [[UInt8]]) {
        let others = theirs.map { node("other", $0) }
        #expect(KeyAgreement.refusal(of: ring(ours), beside: others) == nil)
    }

    @Test(
        arguments: [
            ([1], [[2]]), ([1], [[2, 1]]), ([2, 1], [[1]]), ([2, 1], [[1, 2], [1]]),
            ([1, 3], [[2, 1]]),
        ] as [([UInt8], [[UInt8]])])
    func serverDoesNotBeginWhereOneWouldNotOpenWhatAnotherSeals(
        ours: [UInt8], theirs: [[UInt8]]
    ) throws {
        let others = theirs.enumerated().map { node("other-\($0.offset)", $0.element) }
        let failure = try #require(KeyAgreement.refusal(of: ring(ours), beside: others))
        #expect(failure.kind == .configuration)
        #expect(failure.description.contains("other-\(theirs.count - 1)"))
    }

    @Test func newKeySealsOnlyOnceAllServersOpenIt() {
        var history = KeyHistory()
        history.begin(ring([1]), now: 100, lastIssuedAt: nil)
        let waiting = Self.key(2).fingerprint
        #expect(KeyRotation.step(ring([1]), history, [node("a", [1])]) == .begins)
        let nodes = [node("a", [1]), node("b", [1, 2]), node("c", [1])]
        #expect(
            KeyRotation.step(ring([1, 2]), history, nodes)
                == .waits(waiting, lackedBy: ["a", "c"]))
        #expect(KeyRotation.step(ring([1, 2]), history, [nodes[1]]) == .mayGoOn(waiting))
        #expect(KeyRotation.step(ring([1, 2]), history, []) == .mayGoOn(waiting))
        // It has sealed: the next one may come.
        history.begin(ring([2, 1]), now: 200, lastIssuedAt: 190)
        #expect(KeyRotation.step(ring([2, 1]), history, []) == .begins)
    }
}
