// What other settings say of a store that is not a file of this machine.

/// How a store is reached.
struct StoreAccess: Sendable {
    /// Where its password stands; nil: nobody says so.
    var password: SecretSource?
    /// How long an answer is waited for.
    var timeoutMilliseconds: Int
    /// Not ready while what is answered is on one machine only.
    var requiresStandby: Bool
    /// What other servers and commands call this one.
    var name: String
}

/// A file with a secret.
enum SecretSource: Sendable {
    case file(String)
    /// A file of this name in systemd's `$CREDENTIALS_DIRECTORY`.
    case credential(String)
}
