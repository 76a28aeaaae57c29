// What certificates say and whose they are. openssl's command line has made them: see
// Tests/harness/certificates.py.

import Testing
import Tokens

@testable import Certificates

extension Fixtures {
    /// In DER.
    static func der(_ pem: String) -> [UInt8] {
        let body = pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var (bits, count): (UInt32, Int) = (0, 0)
        var bytes: [UInt8] = []
        for character in body.utf8 where character != UInt8(ascii: "=") {
            bits = bits << 6 | UInt32(alphabet.firstIndex(of: character) ?? 0)
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        return bytes
    }
}

@Suite struct X509Tests {
    private let reader = X509Reader()
    /// 2026-11-29.
    static let now: Milliseconds = 1_795_910_400_000

    private func certificate(_ pem: String) throws -> Certificate {
        try #require(reader.read(Fixtures.der(pem)))
    }

    @Test func everythingThatMattersIsRead() throws {
        let psp = try certificate(Fixtures.psp)
        #expect(
            psp.subject == [
                NameAttribute(type: "2.5.4.6", value: "GB"),
                NameAttribute(type: "2.5.4.10", value: "Example PSP"),
                NameAttribute(type: "2.5.4.97", value: "PSDGB-FCA-222222"),
                NameAttribute(type: "2.5.4.3", value: "psp.example"),
            ])
        #expect(psp.organizationIdentifier == "PSDGB-FCA-222222")
        #expect(psp.roles == [.accountInformation, .paymentInitiation, .cardIssuing])
        #expect(psp.services == .all)
        #expect(psp.validFrom == 1_735_689_600_000 && psp.validUntil == 4_891_363_200_000)
        #expect(psp.alternativeNames.isEmpty)
        #expect(psp.thumbprint.description.utf8.count == 43)
    }

    /// By RFC 5280 a string may be of several kinds; only its characters count.
    @Test func kindOfStringDoesNotMatter() throws {
        let (one, other) = try (certificate(Fixtures.psp), certificate(Fixtures.pspPrintable))
        #expect(one.subject == other.subject && one.thumbprint != other.thumbprint)
    }

    @Test func rolesAreThoseOfTheStatement() throws {
        #expect(try certificate(Fixtures.pspAccounts).roles == .accountInformation)
        #expect(try certificate(Fixtures.pspAccounts).services == .accounts)
        #expect(try certificate(Fixtures.pspWithout).roles == nil)
        #expect(try certificate(Fixtures.pspWithout).services == [])
    }

    @Test func alternativeNamesAreRead() throws {
        #expect(
            try certificate(Fixtures.bank).alternativeNames == [
                .dns("bank.example"), .dns("*.bank.example"), .uri("spiffe://bank/tokens"),
                .ip([192, 0, 2, 7]),
                .ip([0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [7]),
                .email("Ops@bank.example"),
            ])
    }

    @Test func whatIsNoCertificateIsNone() {
        let der = Fixtures.der(Fixtures.psp)
        #expect(reader.read([]) == nil)
        #expect(reader.read(der + [0]) == nil)
        #expect(reader.read(der + der) == nil)
        for count in stride(from: 0, to: der.count, by: 7) {
            #expect(reader.read(Array(der.prefix(count))) == nil)
        }
    }

    /// Whatever is changed in it: it is read or it is not, and nothing breaks.
    @Test func damagedCertificatesBreakNothing() {
        let der = Fixtures.der(Fixtures.bank)
        for at in der.indices {
            for change in [UInt8(1), 0x20, 0x80, 0xFF] {
                var damaged = der
                damaged[at] ^= change
                _ = reader.read(damaged)
            }
        }
    }
}

@Suite struct ChainTests {
    private func authorities(_ pem: String...) throws -> X509Reader {
        let file = pem.joined(separator: "\n# a comment\n")
        let trusted = try TrustedAuthorities(pem: Array(file.utf8))
        return X509Reader(providers: trusted, clients: trusted)
    }

    private func thumbprint(_ pem: String) throws -> Thumbprint {
        try #require(X509Certificate(Fixtures.der(pem))?.thumbprint)
    }

    private func found(
        _ reader: X509Reader, _ pem: String..., among: CertificateAuthorities = .providers,
        now: Milliseconds = X509Tests.now
    ) -> [Thumbprint]? {
        reader.authorities(of: pem.map(Fixtures.der), among: among, now: now)
    }

    @Test func chainEndsAtItsAuthority() throws {
        let reader = try authorities(Fixtures.ca)
        let ca = try thumbprint(Fixtures.ca)
        #expect(found(reader, Fixtures.psp) == [ca])
        #expect(found(reader, Fixtures.bank, among: .clients) == [ca])
        #expect(found(reader, Fixtures.selfSigned) == nil)
        #expect(found(reader, Fixtures.pspExpired) == nil)
    }

    /// Whoever can take an authority's key apart, or its digest, can be any provider.
    @Test func chainIsAsStrongAsInAHandshake() throws {
        let reader = try authorities(Fixtures.weak)
        #expect(reader.read(Fixtures.der(Fixtures.pspWeak))?.services == .accounts)
        #expect(found(reader, Fixtures.pspWeak) == nil)
        #expect(found(reader, Fixtures.pspWeak, among: .clients) == nil)
    }

    /// Of two authorities with one name, each has issued what its key has signed.
    @Test func nameOfAnAuthorityProvesNothing() throws {
        let reader = try authorities(Fixtures.ca)
        #expect(found(reader, Fixtures.other) == nil)
        #expect(found(reader, Fixtures.other, Fixtures.twin) == nil)
        let both = try authorities(Fixtures.ca, Fixtures.twin)
        #expect(found(both, Fixtures.other) == [try thumbprint(Fixtures.twin)])
        #expect(found(both, Fixtures.psp) == [try thumbprint(Fixtures.ca)])
    }

    @Test func chainMayGoThroughOthers() throws {
        let reader = try authorities(Fixtures.ca)
        let (issuing, ca) = try (thumbprint(Fixtures.issuing), thumbprint(Fixtures.ca))
        #expect(found(reader, Fixtures.below) == nil)
        #expect(found(reader, Fixtures.below, Fixtures.issuing) == [issuing, ca])
        // Whoever is listed is trusted by itself.
        #expect(found(try authorities(Fixtures.issuing), Fixtures.below) == [issuing])
        // No certificate of a leaf issues another.
        #expect(found(reader, Fixtures.below, Fixtures.bank) == nil)
    }

    @Test func timeIsThatOfTheQuestion() throws {
        let reader = try authorities(Fixtures.ca)
        #expect(found(reader, Fixtures.psp, now: 1_735_689_599_000) == nil)
        #expect(found(reader, Fixtures.psp, now: 1_735_689_600_000) != nil)
        #expect(found(reader, Fixtures.psp, now: 4_891_363_201_000) == nil)
    }

    /// A server's certificate proves no client (RFC 5280 §4.2.1.12).
    @Test func clientsNeedTheRightUsage() throws {
        let reader = try authorities(Fixtures.ca)
        #expect(found(reader, Fixtures.bankServer, among: .clients) == nil)
        #expect(found(reader, Fixtures.bankServer, among: .providers) != nil)
    }

    @Test func selfSignedOneIsItsOwnAuthority() throws {
        let reader = try authorities(Fixtures.selfSigned)
        #expect(
            found(reader, Fixtures.selfSigned, among: .clients)
                == [try thumbprint(Fixtures.selfSigned)])
    }

    @Test func withoutAuthoritiesNoChainHolds() {
        let reader = X509Reader()
        #expect(!reader.trusts(.providers) && !reader.trusts(.clients))
        #expect(found(reader, Fixtures.psp) == nil)
    }

    @Test(arguments: [
        "", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ])
    func fileWithoutCertificatesIsRefused(text: String) {
        #expect(throws: AuthoritiesFailure.self) { try TrustedAuthorities(pem: Array(text.utf8)) }
        #expect(throws: AuthoritiesFailure.self) {
            try TrustedAuthorities(
                pem: Array(
                    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n\(text)".utf8))
        }
    }
}

@Suite struct MistypedAuthorityTests {
    /// The second of two: OpenSSL would take the first, and pass over it.
    @Test(arguments: [
        ("-----BEGIN", "----BEGIN"), ("-----BEGIN", "-----BEGN"), ("CERTIFICATE", "CERTIFICTE"),
        ("-----BEGIN", " -----BEGIN"), ("END CERTIFICATE", "END CERTIFICTE"),
    ])
    func secondOneThatIsMistypedIsRefused(old: String, new: String) throws {
        let wrong = Fixtures.twin.replacing(old, with: new)
        #expect(wrong != Fixtures.twin)
        let pem = Array((Fixtures.ca + "\n" + wrong + "\n").utf8)
        let failure = #expect(throws: AuthoritiesFailure.self) {
            try TrustedAuthorities(pem: pem)
        }
        #expect(failure?.description.contains("is meant to begin or end a certificate") == true)
        #expect(PEMCertificates.read(pem).isEmpty)
        #expect(PEMCertificates.read(Array((Fixtures.ca + "\n" + Fixtures.twin).utf8)).count == 2)
    }

    @Test func secondOneThatIsBrokenIsRefused() {
        let wrong = Fixtures.twin.replacing("-----\nM", with: "-----\n!")
        #expect(wrong != Fixtures.twin)
        #expect(throws: AuthoritiesFailure.self) {
            try TrustedAuthorities(pem: Array((Fixtures.ca + "\n" + wrong).utf8))
        }
    }
}

@Suite struct QualifiedStatementTests {
    private static let psd2: [UInt8] = [6, 6, 4, 0, 0x81, 0x98, 0x27, 2]
    private static func role(_ number: UInt8) -> [UInt8] {
        sequence([6, 7, 4, 0, 0x81, 0x98, 0x27, 1, number, 12, 1, 0x41])
    }
    private static func sequence(_ content: [UInt8]) -> [UInt8] {
        [0x30, UInt8(content.count)] + content
    }
    private static func statement(_ roles: [UInt8]) -> [UInt8] {
        sequence(psd2 + sequence(sequence(roles) + [12, 1, 0x42, 12, 1, 0x43]))
    }

    @Test func statementSaysTheRoles() {
        let cases: [([UInt8], ProviderRoles)] = [
            ([], []), ([1], .accountServicing), ([2], .paymentInitiation),
            ([3], .accountInformation), ([4], .cardIssuing), ([5], []),
            ([2, 3, 2], [.paymentInitiation, .accountInformation]),
        ]
        for (numbers, roles) in cases {
            let list = Self.sequence(Self.statement(numbers.flatMap(Self.role)))
            #expect(QualifiedStatements.roles(list) == .roles(roles), "\(numbers)")
        }
    }

    @Test func otherStatementsSayNothing() {
        #expect(QualifiedStatements.roles([0x30, 0]) == .none)
        #expect(QualifiedStatements.roles(Self.sequence(Self.sequence([6, 1, 42]))) == .none)
        let both = Self.sequence(Self.sequence([6, 1, 42, 5, 0]) + Self.statement(Self.role(3)))
        #expect(QualifiedStatements.roles(both) == .roles(.accountInformation))
    }

    @Test func whatCannotBeReadIsMalformed() {
        let good = Self.sequence(Self.statement(Self.role(3)))
        #expect(QualifiedStatements.roles(good + [0]) == .malformed)
        #expect(QualifiedStatements.roles([]) == .malformed)
        for count in 0..<good.count {
            #expect(QualifiedStatements.roles(Array(good.prefix(count))) == .malformed)
        }
        let twice = Self.sequence(Self.statement([]) + Self.statement([]))
        #expect(QualifiedStatements.roles(twice) == .malformed)
        // The same length, written longer; and without an end.
        #expect(QualifiedStatements.roles([0x30, 0x81, 0]) == .malformed)
        #expect(QualifiedStatements.roles([0x30, 0x80, 0, 0]) == .malformed)
    }
}
