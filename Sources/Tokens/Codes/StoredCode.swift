// A code as a store keeps it, used or not, and the one verdict on an attempt to redeem it. Every store
// asks here; none has rules of its own.

/// A code that has been redeemed: what is left of it, so that a replay is recognised.
///
/// `Token` is what the store finds a token by: its identifier, or the key of a row.
public struct UsedCode<Token> {
    public let id: Identifier
    public let institution: Institution.ID
    /// What the code was exchanged for.
    public let token: Token

    public init(id: Identifier, institution: Institution.ID, token: Token) {
        self.id = id
        self.institution = institution
        self.token = token
    }
}

extension UsedCode: Sendable where Token: Sendable {}

/// A code as it stands in a store.
public enum StoredCode<Token> {
    case unused(AuthorizationCode)
    case used(UsedCode<Token>)
}

extension StoredCode: Sendable where Token: Sendable {}

/// What an attempt to redeem a code comes to.
public enum CodeVerdict<Token> {
    /// The code is to be spent, and the attempt's token stored, in the same step.
    case admitted
    /// Nothing changes.
    case refused(CodeRefusal)
    /// The same institution presents a used code again, whatever provider or redirect URI it names:
    /// this token is to be revoked (RFC 6749 §4.1.2), and the attempt refused as `used`.
    case replayed(Token)
}

extension CodeVerdict: Equatable where Token: Equatable {}

extension StoredCode {
    /// All the rules of redeeming a code. A code that no store has is `CodeRefusal.unknown`.
    ///
    /// - Parameter until: as the store has it for the code's consent at its institution.
    public func verdict(
        on attempt: Redemption, consentRevokedUntil until: Milliseconds?
    ) -> CodeVerdict<Token> {
        switch self {
        case .unused(let code):
            if let refusal = code.refusal(of: attempt, consentRevokedUntil: until) {
                return .refused(refusal)
            }
            return .admitted
        case .used(let code):
            return code.verdict(on: attempt)
        }
    }
}

extension UsedCode {
    /// The part of the rules that is about used codes.
    public func verdict(on attempt: Redemption) -> CodeVerdict<Token> {
        institution == attempt.institution ? .replayed(token) : .refused(.otherInstitution)
    }
}
