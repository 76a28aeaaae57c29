// What a store remembers of its keys, start after start.

import CryptoForTests
import Testing

@testable import Tokens

@Suite struct KeyHistoryTests {
    private static func key(_ number: UInt8) -> SealingKey {
        SealingKey { bytes in for index in bytes.indices { bytes[index] = number } }
    }

    /// The newest first.
    private func ring(_ numbers: UInt8...) -> Keyring {
        var ring = Keyring(Self.key(numbers.last ?? 0))
        for number in numbers.dropLast().reversed() { ring = ring.adding(Self.key(number)) }
        return ring
    }

    private func print(_ number: UInt8) -> KeyFingerprint { Self.key(number).fingerprint }

    private func times(_ history: KeyHistory) -> [ClosedRange<Milliseconds>] {
        history.records.map(\.issueTimes)
    }

    @Test func eachKeySealsFromItsStartToTheNext() {
        var history = KeyHistory()
        history.begin(ring(1), now: 100, lastIssuedAt: nil)
        #expect(history.sealing?.fingerprint == print(1))
        history.begin(ring(1), now: 150, lastIssuedAt: 140)
        #expect(times(history) == [100...Milliseconds.max], "nothing new")
        history.begin(ring(2, 1), now: 200, lastIssuedAt: 190)
        history.begin(ring(3, 2, 1), now: 300, lastIssuedAt: 290)
        #expect(history.records.map(\.fingerprint) == [print(3), print(2), print(1)])
        #expect(times(history) == [300...Milliseconds.max, 200...290, 100...190])
        #expect(history.records.allSatisfy(history.isExact))
    }

    /// The clock is behind what the store has seen: the server's time begins after that.
    @Test func slowClockMakesNoKeyShareItsTime() {
        var history = KeyHistory()
        history.begin(ring(1), now: 1000, lastIssuedAt: nil)
        history.begin(ring(2, 1), now: 10, lastIssuedAt: 1500)
        #expect(times(history) == [1501...Milliseconds.max, 1000...1500])
        #expect(history.records.allSatisfy(history.isExact))
    }

    /// A key that was rotated in and out of front again before any start has sealed nothing.
    @Test func onlyTheFirstKeyIsRemembered() {
        var history = KeyHistory()
        history.begin(ring(3, 2, 1), now: 100, lastIssuedAt: nil)
        #expect(history.records.map(\.fingerprint) == [print(3)])
    }

    @Test func keyThatSealsAgainSharesItsTime() {
        var history = KeyHistory()
        history.begin(ring(1), now: 100, lastIssuedAt: nil)
        history.begin(ring(2, 1), now: 200, lastIssuedAt: 190)
        history.begin(ring(1, 2), now: 300, lastIssuedAt: 290)
        #expect(history[print(1)]?.issueTimes == 100...Milliseconds.max)
        #expect(history[print(2)]?.issueTimes == 200...290)
        #expect(!history.records.contains(where: history.isExact))
    }

    /// 0.7.0 has remembered the last key only. One in front of it is new; those behind it have sealed.
    @Test func keysOfAnOldStoreShareTheirTime() {
        var history = KeyHistory(lastUsed: print(2), ring(3, 2, 1), lastIssuedAt: 500)
        #expect(history.records.map(\.fingerprint) == [print(2), print(1)])
        history.begin(ring(3, 2, 1), now: 600, lastIssuedAt: 500)
        #expect(history[print(3)]?.issueTimes == 600...Milliseconds.max)
        #expect(history[print(2)]?.issueTimes == 0...500)
        #expect(history[print(1)]?.issueTimes == 0...500)
        #expect(history.records.map(history.isExact) == [true, false, false])
        let foreign = KeyHistory(lastUsed: print(2), ring(4), lastIssuedAt: 500)
        #expect(foreign.isForeign(ring(4)))
    }

    @Test func missingKeysAreNamedUntilTheyAreGivenUp() {
        var history = KeyHistory()
        history.begin(ring(1), now: 100, lastIssuedAt: nil)
        history.begin(ring(2, 1), now: 200, lastIssuedAt: 190)
        #expect(history.missing(from: ring(3, 2)).map(\.fingerprint) == [print(1)])
        #expect(history.isForeign(ring(3)) && !history.isForeign(ring(3, 1)))
        history.giveUp(print(1))
        #expect(history.missing(from: ring(3, 2)).isEmpty)
        history.begin(ring(2), now: 300, lastIssuedAt: 290)
        #expect(history[print(1)]?.isGivenUp == true, "what it may have sealed is still its own")
        history.begin(ring(2, 1), now: 400, lastIssuedAt: 390)
        #expect(history[print(1)]?.isGivenUp == false, "it is there again")
        history.giveUp(print(1))
        history.giveUp(print(2))
        #expect(!history.isForeign(ring(3)), "nothing of the old keys is wanted any more")
    }

    @Test func keyThatIsGoneIsForgottenAtTheStart() {
        var history = KeyHistory()
        history.begin(ring(1), now: 100, lastIssuedAt: nil)
        history.begin(ring(2, 1), now: 200, lastIssuedAt: 190)
        history.begin(ring(2), now: 300, lastIssuedAt: 290)
        #expect(history.records.map(\.fingerprint) == [print(2)])
        #expect(times(history) == [200...Milliseconds.max])
    }

    @Test func ringNeverLosesItsLastKey() {
        #expect(ring(2, 1).removing(print(1))?.fingerprints == [print(2)])
        #expect(ring(1).removing(print(1)) == nil)
        #expect(ring(1).removing(print(2))?.fingerprints == [print(1)])
        #expect(ring(2, 1, 1).removing(print(1))?.fingerprints == [print(2)])
    }

    @Test func anyNumberOfKeysIsKept() {
        var ring = Keyring(Self.key(0))
        for number in 1...200 as ClosedRange<UInt8> { ring = ring.adding(Self.key(number)) }
        let read = Keyring(fileContent: ring.fileContent, cryptography)
        #expect(read?.fingerprints == ring.fingerprints)
        #expect(Set(ring.fingerprints).count == 201)
    }

    /// Servers of one store turn to a new key one after the other.
    @Test func keyThatAnotherServerSealsWithStaysOpen() {
        var history = KeyHistory()
        history.begin(ring(1), now: 100, lastIssuedAt: nil)
        history.begin(ring(2, 1), now: 200, lastIssuedAt: 190, others: [print(1)])
        #expect(times(history) == [200...Milliseconds.max, 100...Milliseconds.max])
        #expect(history.seals(print(1)) && history.seals(print(2)))
        #expect(history.sealing?.fingerprint == print(2))
        #expect(!history.records.contains(where: history.isExact), "they share their time")
        history.close(except: [], lastIssuedAt: 300)
        #expect(history.seals(print(1)), "no server runs, so nobody knows")
        history.close(except: [print(1), print(2)], lastIssuedAt: 300)
        #expect(history.seals(print(1)))
        history.close(except: [print(2)], lastIssuedAt: 300)
        #expect(times(history) == [200...Milliseconds.max, 100...300])
        #expect(!history.seals(print(1)) && history.seals(print(2)))
        history.begin(ring(2, 1), now: 400, lastIssuedAt: 390, others: [print(2)])
        #expect(times(history) == [200...Milliseconds.max, 100...300])
    }

    @Test func keyIsPutInFrontAndNoneIsLost() {
        let ring = ring(1, 2, 3)
        #expect(ring.sealing(with: print(3)).fingerprints == [print(3), print(1), print(2)])
        #expect(ring.sealing(with: print(1)).fingerprints == ring.fingerprints)
        #expect(ring.sealing(with: print(9)).fingerprints == ring.fingerprints)
    }
}
