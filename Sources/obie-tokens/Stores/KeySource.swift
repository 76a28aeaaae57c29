// What --keys-file can say.

/// Where the keys are that seal codes and tokens.
enum KeySource: Sendable {
    case besideTheStore
    case file(String)
    /// A file of this name in systemd's `$CREDENTIALS_DIRECTORY`.
    case credential(String)
}
