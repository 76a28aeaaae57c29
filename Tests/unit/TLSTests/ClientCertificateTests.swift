// Which client certificates are taken, and which are not.

import COpenSSL
import Metrics
import Testing

@testable import TLS

@Suite struct ClientCertificateTests {
    private static let ca = TestCA()
    private static let good = ca.issue("bank", usage: "clientAuth")

    private func context(
        _ authentication: ClientAuthentication = .required, _ lists: [UInt8]? = nil
    ) throws -> TLSContext {
        try SessionTests.context {
            $0.clientAuthentication = authentication
            $0.clientCA = Self.ca.pem
            $0.clientCRL = lists
        }
    }

    @Test(arguments: SessionTests.versions)
    func goodOneIsTakenAndKnown(name: String, version: Int32) throws {
        let client = TestClient(Self.good, oldest: version, newest: version)
        let required = try context()
        let talk = Conversation(required, client)
        talk.settle()
        #expect(talk.isServerReady)
        let der = try #require(talk.peerCertificate)
        // A SEQUENCE, as every certificate is.
        #expect(der[0] == 0x30)
        #expect(Thumbprint.text(der)?.count == 43)
    }

    @Test func noneIsRefusedWhereItIsRequired() throws {
        #expect(verdict(nil, try context()) == .certificateMissing)
        #expect(verdict(nil, try context(.optional)) == nil)
        #expect(verdict(nil, try context(.off)) == nil)
    }

    @Test(arguments: [ClientAuthentication.optional, .required])
    func wrongOnesAreRefused(authentication: ClientAuthentication) throws {
        let sameName = TestCA()
        let rows: [(MadeCertificate, TLSFailure)] = [
            (Self.ca.issue("old", usage: "clientAuth", until: testDay - 1000), .certificateExpired),
            (
                Self.ca.issue("early", usage: "clientAuth", from: testDay + 1000),
                .certificateExpired
            ),
            (Self.ca.issue("server", usage: "serverAuth"), .certificatePurpose),
            (TestCA("Other").issue("a", usage: "clientAuth"), .certificateUntrusted),
            (sameName.issue("a", usage: "clientAuth"), .certificateUntrusted),
            (
                CertificateMaker(
                    name: "self", from: testDay - oneDay, until: testDay + oneDay
                ).make(), .certificateUntrusted
            ),
            // A client's certificate is no authority.
            (
                CertificateMaker(
                    name: "below", from: testDay - oneDay, until: testDay + oneDay
                ).make(by: Self.good), .certificateUntrusted
            ),
        ]
        let context = try context(authentication)
        for (certificate, failure) in rows {
            #expect(verdict(certificate, context) == failure)
        }
        #expect(verdict(Self.good, context) == nil)
    }

    @Test func revokedOneIsRefused() throws {
        let revoked = Self.ca.issue("revoked", usage: "clientAuth")
        let context = try context(.required, Self.ca.revoke([revoked]))
        #expect(context.revocationExpiry == testDay + oneDay)
        #expect(verdict(revoked, context) == .certificateRevoked)
        #expect(verdict(Self.good, context) == nil)
        // The list has no successor: nobody knows who is revoked now.
        #expect(verdict(Self.good, context, now: testDay + oneDay + 1000) != nil)
    }

    /// An operator is told of each that ends, and one that has ended keeps nobody from starting.
    @Test func endsOfAuthoritiesAndListsAreKnown() throws {
        #expect(try context(.off).authorityExpiry == nil)
        #expect(try context().authorityExpiry == testDay + 365 * oneDay)
        #expect(try context().revocationExpiry == nil)
        let ended = TestCA("Ended", until: testDay - oneDay)
        let context = try SessionTests.context {
            $0.clientAuthentication = .required
            $0.clientCA = Self.ca.pem + ended.pem
            $0.clientCRL = Self.ca.revoke([])
        }
        #expect(context.authorityExpiry == testDay - oneDay)
        #expect(verdict(Self.good, context) == nil)
        var text = MetricsText()
        TLSEndpoint.appendMetrics([("public", TLSEndpoint(context) { 0 })], to: &text)
        let page = String(decoding: text.bytes, as: UTF8.self)
        for (what, end) in [
            ("client_ca", testDay - oneDay), ("revocation_list", testDay + oneDay),
        ] {
            #expect(
                page.contains(
                    "obie_tokens_tls_\(what)_expiry_timestamp_seconds{listener=\"public\"} "
                        + "\(end / 1000)\n"))
        }
    }

    /// With it instead of theirs, all clients would be refused.
    @Test(arguments: ["Other", "Test CA"])
    func listOfAnotherAuthorityIsNotTaken(name: String) throws {
        let other = TestCA(name).revoke([])
        #expect(throws: TLSFault.unknownIssuer) { _ = try context(.required, other) }
        #expect(throws: TLSFault.unknownIssuer) {
            _ = try context(.required, Self.ca.revoke([]) + other)
        }
    }

    /// A CA below the one that is trusted has a list of its own, and its certificate stands beside it.
    @Test func listOfAnAuthorityBelowIsTaken() throws {
        let below = TestCA("Below", by: Self.ca)
        let lists = Self.ca.revoke([]) + below.revoke([])
        #expect(throws: TLSFault.unknownIssuer) { _ = try context(.required, lists) }
        _ = try context(.required, lists + below.pem)
        _ = try context(.required, below.pem + lists)
        let stranger = TestCA("Below", by: TestCA())
        #expect(throws: TLSFault.unknownIssuer) {
            _ = try context(.required, lists + stranger.pem)
        }
        // A client's certificate is no authority, whoever has issued it.
        let client = TestCA(made: Self.good)
        #expect(throws: TLSFault.unknownIssuer) {
            _ = try context(.required, Self.ca.revoke([]) + client.revoke([]) + client.pem)
        }
    }

    /// To the second, by the time that the server is told.
    @Test func timeIsTheServersOwn() throws {
        let context = try context()
        let end = testDay + oneDay
        #expect(verdict(Self.good, context, now: end - 1000) == nil)
        #expect(verdict(Self.good, context, now: end + 1000) == .certificateExpired)
    }
}
