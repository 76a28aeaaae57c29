// How a key file gets a new key that seals: in one step where one server has it, in two where several do.

import Tokens

/// Changes the keys in a file, as its store needs it.
protocol KeyRotating {
    /// The keys as they are to be in the file, and what people are told of the change.
    ///
    /// - Parameter key: a new one.
    /// - Throws: where it is not time yet.
    func rotate(
        _ keyring: Keyring, adding key: SealingKey
    ) throws(StoreFailure) -> KeyRotationStep
}

struct KeyRotationStep {
    let keyring: Keyring
    /// For the audit log.
    let change: String
    /// Goes on behind "PATH".
    let advice: String
}

/// One server reads the file when it starts: the new key seals from then on.
struct RotationInOneStep: KeyRotating {
    func rotate(
        _ keyring: Keyring, adding key: SealingKey
    ) throws(StoreFailure) -> KeyRotationStep {
        KeyRotationStep(
            keyring: keyring.adding(key), change: "new sealing key \(key.fingerprint.short)",
            advice: "has a new key, \(key.fingerprint.short); restart the server to use it")
    }
}
