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
    /// As the code had it, where the exchange can be repeated.
    public let state: String?

    public init(id: Identifier, institution: Institution.ID, token: Token, state: String? = nil) {
        self.id = id
        self.institution = institution
        self.token = token
        self.state = state
    }
}

extension UsedCode: Sendable where Token: Sendable {}

/// A code as it stands in a store.
public enum StoredCode<Token> {
    case unused(AuthorizationCode)
    case used(UsedCode<Token>)
}

extension StoredCode: Sendable where Token: Sendable {}

extension StoredCode {
    /// As the code was made with it; of a used one, where that is kept.
    public var state: String? {
        switch self {
        case .unused(let code): code.state
        case .used(let code): code.state
        }
    }
}

/// What an attempt to redeem a code comes to.
public enum CodeVerdict<Token> {
    /// The code is to be spent, and the attempt's token stored, in the same step.
    case admitted
    /// Nothing changes.
    case refused(CodeRefusal)
    /// The exchange comes once more, under its idempotency key and in time: it is to be given its token
    /// again, where that is `isRepeatable`; else it is a replay.
    case repeated(Token, ProvenToken)
    /// The same institution presents a used code again, whatever provider or redirect URI it names:
    /// this token is to be revoked (RFC 6749 §4.1.2), and the attempt refused as `used`.
    case replayed(Token)
}

extension CodeVerdict: Equatable where Token: Equatable {}

extension StoredCode where Token: StoredTokenKey {
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

extension UsedCode where Token: StoredTokenKey {
    /// The part of the rules that is about used codes.
    public func verdict(on attempt: Redemption) -> CodeVerdict<Token> {
        guard institution == attempt.institution else { return .refused(.otherInstitution) }
        if let proof = attempt.proof, let proven = proof.repeats(token, now: attempt.now),
            attempt.revocations?.covers(
                issuedAt: id.issuedAt, institution: institution, provider: attempt.provider) != true
        {
            return .repeated(token, proven)
        }
        return .replayed(token)
    }
}
