// What the domain can refuse, apart from the shape of a request.

public enum TokenError: Error, Equatable, Sendable {
    /// The CCG token is unknown, expired or another institution's.
    case ccgTokenInvalid
    /// The code cannot be exchanged; the reason is for the audit log.
    case codeRefused(CodeRefusal)
    /// The store failed; nothing has changed.
    case store(StoreError)
}
