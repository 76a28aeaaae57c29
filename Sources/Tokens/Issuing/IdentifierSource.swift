// Where an issuer's identifiers come from: chance and the keys that seal.

/// Draws identifiers and opens them. A value, so that an exchange is a single access to what the
/// issuer holds.
struct IdentifierSource {
    var sealer: IdentifierSealer
    var random: RandomPool

    init(_ keyring: Keyring, _ random: RandomPool) {
        sealer = IdentifierSealer(keyring)
        self.random = random
    }

    func open(
        _ sealed: SealedIdentifier, from firstKey: Int = 0, _ issueTimes: ClosedRange<Milliseconds>
    ) -> IdentifierSealer.Candidate? {
        sealer.open(sealed, from: firstKey) { issueTimes.contains($0.issuedAt) }
    }

    /// Opens a code and draws its token; draws none where the code is none.
    mutating func openAndDraw(
        _ code: SealedIdentifier, _ issueTimes: ClosedRange<Milliseconds>, _ now: Milliseconds
    ) -> (code: IdentifierSealer.Candidate, token: Identifier, sealedToken: SealedIdentifier)? {
        guard let code = open(code, issueTimes) else { return nil }
        let (token, sealed) = draw(now)
        return (code, token, sealed)
    }

    mutating func draw(_ now: Milliseconds) -> (Identifier, SealedIdentifier) {
        let (high, low) = random.next()
        let id = Identifier(
            issuedAt: now, randomHigh: UInt16(truncatingIfNeeded: high), randomLow: low)
        return (id, sealer.seal(id))
    }

    mutating func drawNumber() -> SealedIdentifier {
        let (high, low) = random.next()
        return SealedIdentifier(high: high, low: low)
    }
}
