// The certificate that a client shows beside its secret (RFC 8705 §2), and whether it is the one that the
// registry wants of it.

import Tokens

/// What a connection knows of its client's certificate.
enum ShownCertificate {
    case none
    /// Of the handshake, which has verified it; in DER.
    case verified([UInt8])
    /// By a trusted proxy.
    case forwarded(ForwardedCertificate)
}

/// A certificate that was read, with the authorities of its chain. Remembered with a connection.
final class JudgedCertificate {
    /// Of the certificate itself.
    let der: [UInt8]
    let certificate: Certificate
    /// None where the chain does not hold, or nothing is trusted.
    let authorities: [Thumbprint]
    /// It, or one of its chain.
    let isRevoked: Bool
    let at: Milliseconds
    /// Of the reader that has judged it.
    let generation: Int

    /// How long a chain that holds is believed to hold: a connection may stay open for days.
    static let milliseconds: Milliseconds = 60_000

    init(
        _ der: [UInt8], _ certificate: Certificate, _ authorities: [Thumbprint],
        isRevoked: Bool, at: Milliseconds, generation: Int
    ) {
        self.der = der
        self.certificate = certificate
        self.authorities = authorities
        self.isRevoked = isRevoked
        self.at = at
        self.generation = generation
    }
}

/// Holds the certificates of clients against their rules. One per event loop.
final class CertificateProver {
    private let reader: (any CertificateReader)?
    private let clock: RequestClock

    init(_ policy: CertificatePolicy, _ clock: RequestClock) {
        (reader, self.clock) = (policy.reader, clock)
    }

    /// Why a client does not meet its rule; nil where it does.
    func refusal(of rule: CertificateRule, _ responder: any Responder) -> AuditReason? {
        let chain: [[UInt8]]
        switch responder.shownCertificate {
        case .none: return .clientCertificateMissing
        case .verified(let der): chain = [der]
        case .forwarded(let forwarded):
            switch forwarded.content {
            case .chain(let certificates): chain = certificates
            case .thumbprint(let thumbprint):
                let isIt = rule.match == .thumbprint(thumbprint) && rule.authority == nil
                return isIt ? nil : .clientCertificateWrong
            case .refused: return .clientCertificateMalformed
            }
        }
        guard let judged = judged(chain, responder.session) else {
            return .clientCertificateMalformed
        }
        let isMet = rule.isMet(
            by: judged.certificate, authorities: judged.authorities, now: clock.now())
        return isMet && !judged.isRevoked ? nil : .clientCertificateWrong
    }

    /// To read one takes longer than all the rest of a request.
    private func judged(_ chain: [[UInt8]], _ session: Session) -> JudgedCertificate? {
        let now = clock.now()
        // Before the judgement: what changes amid it is seen the next time.
        let generation = reader?.generation ?? 0
        if let known = session.certificate, known.der == chain.first,
            known.generation == generation, now - known.at < JudgedCertificate.milliseconds,
            now >= known.at
        {
            return known
        }
        guard let reader, let first = chain.first, let certificate = reader.read(first) else {
            return nil
        }
        let authorities = reader.authorities(of: chain, among: .clients, now: now) ?? []
        let judged = JudgedCertificate(
            first, certificate, authorities, isRevoked: chain.contains { reader.isRevoked($0) },
            at: now, generation: generation)
        session.certificate = judged
        return judged
    }
}
