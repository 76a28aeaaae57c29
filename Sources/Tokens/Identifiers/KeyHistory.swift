// What a store remembers of the keys that it was used with: from when until when each has sealed. So it
// can be said which keys something alive may need, and none of those is ever dropped.

import Bytes

/// Tells keys apart without telling anything about them.
public struct KeyFingerprint: Hashable, Sendable {
    public let bytes: [UInt8]

    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// Reads hexadecimal digits, or nothing.
    public init?(text: some StringProtocol) {
        guard let bytes = Hexadecimal.bytes(text.utf8) else { return nil }
        self.bytes = bytes
    }

    /// 64 hexadecimal digits.
    public var text: String { Hexadecimal.text(bytes) }

    /// Enough for people.
    public var short: String { String(text.prefix(16)) }
}

/// When one key has sealed.
public struct KeyRecord: Equatable, Sendable {
    public let fingerprint: KeyFingerprint
    /// Nothing that was issued before is sealed by it; nil: nobody has kept count then.
    public var from: Milliseconds?
    /// Nothing that was issued later is sealed by it; nil: it seals.
    public var until: Milliseconds?
    /// An operator has given up what it sealed.
    public var isGivenUp = false

    public init(fingerprint: KeyFingerprint, from: Milliseconds?, until: Milliseconds?) {
        self.fingerprint = fingerprint
        self.from = from
        self.until = until
    }

    /// The issue times of what it may have sealed.
    public var issueTimes: ClosedRange<Milliseconds> {
        let first = from ?? 0
        return first...max(first, until ?? .max)
    }
}

/// All keys that a store was used with and that may still be needed.
public struct KeyHistory: Equatable, Sendable {
    public private(set) var records: [KeyRecord]

    public init(_ records: [KeyRecord] = []) { self.records = records }

    /// For a store of 0.7.0, which knows the key that it was last used with. Those behind that one in
    /// the key file have sealed before, nobody knows when; those in front of it have not sealed yet.
    public init(
        lastUsed: KeyFingerprint, _ keyring: Keyring, lastIssuedAt: Milliseconds?
    ) {
        var known = keyring.fingerprints.drop { $0 != lastUsed }
        _ = known.popFirst()
        records = [KeyRecord(fingerprint: lastUsed, from: nil, until: nil)]
        for key in known where key != lastUsed && self[key] == nil {
            records.append(KeyRecord(fingerprint: key, from: nil, until: lastIssuedAt ?? 0))
        }
    }

    public subscript(fingerprint: KeyFingerprint) -> KeyRecord? {
        records.first { $0.fingerprint == fingerprint }
    }

    /// The key that seals, until a server starts with another one. While servers of one store turn to a
    /// new key one after the other, there is more than one; this is the newest.
    public var sealing: KeyRecord? { records.first { $0.until == nil } }

    /// Those that are not in the key file, though nobody has given them up.
    public func missing(from keyring: Keyring) -> [KeyRecord] {
        let present = Set(keyring.fingerprints)
        return records.filter { !$0.isGivenUp && !present.contains($0.fingerprint) }
    }

    /// The key file has keys, and none of them was ever used with the store.
    public func isForeign(_ keyring: Keyring) -> Bool {
        let known = records.filter { !$0.isGivenUp }.map(\.fingerprint)
        return !known.isEmpty && Set(known).isDisjoint(with: keyring.fingerprints)
    }

    /// Only this key can have sealed what was issued in its time.
    public func isExact(_ record: KeyRecord) -> Bool {
        records.allSatisfy { other in
            other.fingerprint == record.fingerprint
                || !other.issueTimes.overlaps(record.issueTimes)
        }
    }

    /// A server starts. The first key seals from now on; what is missing is forgotten.
    ///
    /// - Parameters:
    ///   - now: nothing will be issued before.
    ///   - lastIssuedAt: nothing has been issued later; nil: nothing is left.
    ///   - others: the keys that other running servers of the same store seal with.
    public mutating func begin(
        _ keyring: Keyring, now: Milliseconds, lastIssuedAt: Milliseconds?,
        others: Set<KeyFingerprint> = []
    ) {
        let fingerprints = keyring.fingerprints
        let front = fingerprints[0]
        records.removeAll { !fingerprints.contains($0.fingerprint) && !$0.isGivenUp }
        for index in records.indices {
            let isPresent = fingerprints.contains(records[index].fingerprint)
            if isPresent { records[index].isGivenUp = false }
            let fingerprint = records[index].fingerprint
            if fingerprint == front || others.contains(fingerprint) {
                records[index].until = nil
            } else if records[index].until == nil {
                records[index].until = max(lastIssuedAt ?? 0, records[index].from ?? 0)
            }
        }
        if self[front] == nil {
            let from = max(now, (lastIssuedAt ?? -1) + 1)
            records.insert(KeyRecord(fingerprint: front, from: from, until: nil), at: 0)
        }
    }

    /// Ends the keys that no server seals with any more, where at least one runs and seals with another.
    ///
    /// - Parameters:
    ///   - sealing: the keys that running servers seal with.
    ///   - lastIssuedAt: nothing has been issued later.
    public mutating func close(except sealing: Set<KeyFingerprint>, lastIssuedAt: Milliseconds) {
        guard !sealing.isEmpty else { return }
        for index in records.indices
        where records[index].until == nil && !sealing.contains(records[index].fingerprint) {
            records[index].until = max(lastIssuedAt, records[index].from ?? 0)
        }
    }

    /// A key may seal, now or after the next start of a server that has ended.
    public func seals(_ fingerprint: KeyFingerprint) -> Bool {
        records.contains { $0.fingerprint == fingerprint && $0.until == nil }
    }

    /// What a key has sealed is void from now on: its absence is no fault any more.
    public mutating func giveUp(_ fingerprint: KeyFingerprint) {
        for index in records.indices where records[index].fingerprint == fingerprint {
            records[index].isGivenUp = true
        }
    }
}
