// What the servers of one database must agree on before one of them may seal: each opens what any of them
// seals. Pure.

import Tokens

enum KeyAgreement {
    /// Why a server must not begin beside those that run; nil where it may.
    ///
    /// - Parameter others: the other servers that are alive.
    static func refusal(of keyring: Keyring, beside others: [Nodes.Alive]) -> StoreFailure? {
        let ours = keyring.fingerprints
        for other in others {
            // A server that was started before it could read the database has none yet.
            guard let theirs = other.keys.first else { continue }
            if !ours.contains(theirs) {
                return StoreFailure(
                    "the server \(other.name) seals with the key \(theirs.short), which is missing from "
                        + "the key file here: copy the key file of that server, and restart this one",
                    .configuration)
            }
            if !other.keys.contains(ours[0]) {
                return StoreFailure(
                    "the key \(ours[0].short) would seal here, and the server \(other.name) could not "
                        + "open what it seals: copy the key file there and restart that server; "
                        + "`obie-tokens keys rotate` adds a key that seals only once all servers open "
                        + "it", .configuration)
            }
        }
        return nil
    }
}

/// A key on its way to be the one that seals.
public enum KeyRotation: Equatable, Sendable {
    /// No key waits: a new one may be added behind the others, which opens and does not seal yet.
    case begins
    /// This key waits behind the others, and every server opens it: it may seal.
    case mayGoOn(KeyFingerprint)
    /// This key waits, and these servers do not open it yet.
    case waits(KeyFingerprint, lackedBy: [String])

    /// - Parameters:
    ///   - keyring: of the key file: the first seals.
    ///   - history: the keys that have sealed. One that never has waits to do so.
    static func step(
        _ keyring: Keyring, _ history: KeyHistory, _ nodes: [Nodes.Alive]
    ) -> KeyRotation {
        let waiting = keyring.fingerprints.dropFirst().last { history[$0] == nil }
        guard let waiting else { return .begins }
        let lacking = nodes.filter { !$0.keys.contains(waiting) }.map(\.name)
        return lacking.isEmpty ? .mayGoOn(waiting) : .waits(waiting, lackedBy: lacking)
    }
}
