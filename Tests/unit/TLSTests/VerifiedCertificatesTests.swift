// A client's certificate is verified once, and never for longer than the verdict can hold.

import COpenSSL
import Testing

@testable import TLS

@Suite struct VerifiedCertificatesTests {
    private static let ca = TestCA()

    private func context(
        trusting trusted: [UInt8] = ca.pem, lists: [UInt8]? = nil
    ) throws -> TLSContext {
        try SessionTests.context {
            $0.clientAuthentication = .required
            $0.clientCA = trusted
            $0.clientCRL = lists
        }
    }

    @Test func whoComesAgainIsKnown() throws {
        let context = try context()
        let verified = try #require(context.verified)
        let bank = Self.ca.issue("bank", usage: "clientAuth")
        #expect(verified.count == 0)
        for _ in 0..<3 { #expect(verdict(bank, context) == nil) }
        #expect(verified.count == 1)
        #expect(verdict(Self.ca.issue("other", usage: "clientAuth"), context) == nil)
        #expect(verified.count == 2)
        // Another context may trust others.
        #expect(verdict(bank, try self.context(trusting: TestCA("Other").pem)) != nil)
    }

    /// Where the signature is forged, knowing a certificate's name and number is not enough.
    @Test func onlyTheVeryBytesAreKnown() throws {
        let context = try context()
        let bank = Self.ca.issue("bank", usage: "clientAuth")
        #expect(verdict(bank, context) == nil)
        let impostor = TestCA().issue("bank", usage: "clientAuth")
        #expect(verdict(impostor, context) == .certificateUntrusted)
        #expect(verdict(bank, context) == nil)
        #expect(context.verified?.count == 1)
    }

    @Test func whatIsRefusedIsNotKept() throws {
        let revoked = Self.ca.issue("revoked", usage: "clientAuth")
        let context = try context(lists: Self.ca.revoke([revoked]))
        for certificate in [
            revoked, Self.ca.issue("old", usage: "clientAuth", until: testDay - 1000),
            Self.ca.issue("server", usage: "serverAuth"),
            TestCA("Other").issue("a", usage: "clientAuth"),
        ] {
            for _ in 0..<2 { #expect(verdict(certificate, context) != nil) }
        }
        #expect(context.verified?.count == 0)
    }

    /// To the second: of the certificate, of its CA, and of the list.
    @Test func verdictEndsWithWhatEndsFirst() throws {
        let brief = TestCA("Brief", until: testDay + 5000)
        let rows: [(MadeCertificate, TLSContext, Int64, TLSFailure)] = [
            (
                Self.ca.issue("a", usage: "clientAuth", until: testDay + 7000), try context(),
                testDay + 7000, .certificateExpired
            ),
            (
                brief.issue("b", usage: "clientAuth"), try context(trusting: brief.pem),
                testDay + 5000, .certificateExpired
            ),
            (
                Self.ca.issue("c", usage: "clientAuth"),
                try context(lists: Self.ca.revoke([], until: testDay + 3000)), testDay + 3000,
                .revocationList
            ),
        ]
        for (certificate, context, end, failure) in rows {
            for now in [testDay, end - 1000] {
                #expect(verdict(certificate, context, now: now) == nil)
            }
            #expect(verdict(certificate, context, now: end) == failure)
            // A clock that was set back has it verified anew.
            #expect(verdict(certificate, context, now: testDay - oneDay - 1000) != nil)
        }
    }

    /// What a client brings beside its certificate may be missing the next time.
    @Test func chainsAreVerifiedEachTime() throws {
        let below = TestCA("Below", by: Self.ca)
        let bank = below.issue("bank", usage: "clientAuth")
        let context = try context()
        for _ in 0..<2 { #expect(verdict(bank, context, with: below.made) == nil) }
        #expect(context.verified?.count == 0)
        #expect(verdict(bank, context) == .certificateUntrusted)
    }

    @Test func thereAreNotTooMany() {
        let verified = VerifiedCertificates(listsEnd: .max)
        for number in 0..<3 * TLSContext.verifiedCertificatesMax {
            verified.add([UInt8(number % 256), UInt8(number / 256)], 0..<10)
            #expect(verified.count <= TLSContext.verifiedCertificatesMax)
        }
        #expect(verified.isGood([255, 11], at: 9) && !verified.isGood([255, 11], at: 10))
        #expect(!verified.isGood([0, 0], at: 5))
    }
}
