// A reader of certificates that knows a few, each by its first byte. What real ones say is tested where they
// are read.

import Synchronization
import Tokens

@testable import Server

final class KnownCertificates: CertificateReader {
    /// By the byte that its "DER" begins with.
    private let known: [UInt8: Certificate]
    /// For the chains of those bytes: the authorities. nil: nothing is trusted.
    private let chains: Mutex<[UInt8: [Thumbprint]]?>
    private let revoked = Mutex<Set<UInt8>>([])
    private let changes = Mutex(0)
    var generation: Int { changes.withLock { $0 } }
    private let reads = Mutex(0)
    /// How often one was read.
    var readCount: Int { reads.withLock { $0 } }

    init(_ known: [UInt8: Certificate], chains: [UInt8: [Thumbprint]]? = nil) {
        self.known = known
        self.chains = Mutex(chains)
    }

    /// From now on others are trusted.
    func trust(_ chains: [UInt8: [Thumbprint]]) {
        self.chains.withLock { $0 = chains }
        changes.withLock { $0 += 1 }
    }

    /// By the byte that its "DER" begins with.
    func revoke(_ number: UInt8) {
        revoked.withLock { _ = $0.insert(number) }
        changes.withLock { $0 += 1 }
    }

    func isRevoked(_ der: [UInt8]) -> Bool {
        der.first.map { number in revoked.withLock { $0.contains(number) } } ?? false
    }

    func read(_ der: [UInt8]) -> Certificate? {
        reads.withLock { $0 += 1 }
        return der.first.flatMap { known[$0] }
    }

    func trusts(_ authorities: CertificateAuthorities) -> Bool {
        chains.withLock { $0 != nil }
    }

    func authorities(
        of chain: [[UInt8]], among authorities: CertificateAuthorities, now: Milliseconds
    ) -> [Thumbprint]? {
        chain.first?.first.flatMap { number in chains.withLock { $0?[number] } }
    }

    static func thumbprint(_ number: UInt8) -> Thumbprint {
        guard let thumbprint = Thumbprint([UInt8](repeating: number, count: 32)) else {
            preconditionFailure("32 bytes are a thumbprint")
        }
        return thumbprint
    }

    /// As `thumbprint` has it, of "DER" that begins with the number.
    @Sendable static func digest(_ der: Span<UInt8>) -> [UInt8] {
        [UInt8](repeating: der[0], count: 32)
    }

    /// One that is valid from 2020 to 2060.
    static func certificate(
        _ number: UInt8, of organization: String? = "PSDGB-FCA-222222",
        roles: ProviderRoles? = .paymentInitiation, from: Milliseconds = 1_577_836_800_000,
        until: Milliseconds = 2_840_140_800_000, names: [AlternativeName] = []
    ) -> Certificate {
        Certificate(
            thumbprint: thumbprint(number),
            subject: organization.map {
                [NameAttribute(type: Certificate.organizationIdentifier, value: $0)]
            } ?? [], alternativeNames: names, roles: roles, validFrom: from, validUntil: until)
    }
}
