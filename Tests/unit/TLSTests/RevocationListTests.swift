// Whether a revocation list is older than the one whose place it takes.

import COpenSSL
import Testing

@testable import TLS

@Suite struct RevocationListTests {
    private static let (ca, other) = (TestCA("Test CA"), TestCA("Other CA"))

    private func lists(_ texts: [UInt8]...) throws -> [RevocationList] {
        try SessionTests.context {
            $0.clientAuthentication = .required
            $0.clientCA = Self.ca.pem + Self.other.pem
            $0.clientCRL = Array(texts.joined())
        }.revocationLists
    }

    private func list(_ ca: TestCA = ca, daysAgo: Int64, number: Int? = nil) -> [UInt8] {
        ca.revoke([], from: testDay - daysAgo * oneDay, number: number)
    }

    private func steps(_ before: [RevocationList], _ after: [RevocationList]) -> [[Int64]] {
        RevocationList.stepsBack(from: before, to: after).map { [$0.old.made, $0.new.made] }
    }

    @Test func issuerDateAndNumberAreRead() throws {
        let lists = try lists(list(daysAgo: 2, number: 0x1234), list(Self.other, daysAgo: 1))
        #expect(
            lists == [
                RevocationList(
                    issuer: "/CN=Test CA", made: testDay - 2 * oneDay, number: [0x12, 0x34]),
                RevocationList(issuer: "/CN=Other CA", made: testDay - oneDay, number: nil),
            ])
    }

    @Test func olderDateIsAStepBack() throws {
        let (old, new) = (try lists(list(daysAgo: 2)), try lists(list(daysAgo: 1)))
        #expect(steps(new, old) == [[testDay - oneDay, testDay - 2 * oneDay]])
        #expect(steps(old, new) == [] && steps(old, old) == [])
        #expect(steps([], old) == [] && steps(old, []) == [])
    }

    @Test func ofOneMomentTheNumberDecides() throws {
        let lists = try [1, 2, 0x100].map { try self.lists(list(daysAgo: 1, number: $0)) }
        for (index, before) in lists.enumerated() {
            for (other, after) in lists.enumerated() {
                #expect(steps(before, after).isEmpty == (other >= index))
            }
        }
        // A CA that has reset its number has a new date.
        let later = try self.lists(list(daysAgo: 0, number: 1))
        #expect(steps(lists[2], later) == [])
        #expect(steps(lists[2], try self.lists(list(daysAgo: 1))) == [], "one has none")
    }

    @Test func eachAuthorityIsHeldAgainstItself() throws {
        let before = try lists(list(daysAgo: 1), list(Self.other, daysAgo: 3))
        let after = try lists(list(Self.other, daysAgo: 2), list(daysAgo: 2))
        let found = RevocationList.stepsBack(from: before, to: after)
        #expect(found.map(\.new.issuer) == ["/CN=Test CA"])
    }

    /// Of several lists of one CA the newest counts.
    @Test func olderOneBesideTheNewestIsNoStepBack() throws {
        let before = try lists(list(daysAgo: 1))
        #expect(steps(before, try lists(list(daysAgo: 3), list(daysAgo: 1))) == [])
        #expect(steps(before, try lists(list(daysAgo: 1), list(daysAgo: 3))) == [])
        #expect(steps(before, try lists(list(daysAgo: 3), list(daysAgo: 2))).count == 1)
    }

    /// Of the CA that has issued the certificate, whatever numbers others have.
    @Test func listNamesCertificatesOfItsAuthority() throws {
        let revoked = Self.ca.issue("revoked", usage: "clientAuth")
        let good = Self.ca.issue("good", usage: "clientAuth")
        let context = try SessionTests.context {
            $0.clientAuthentication = .required
            $0.clientCA = Self.ca.pem + Self.other.pem
            $0.clientCRL = Self.ca.revoke([revoked]) + Self.other.revoke([good])
        }
        #expect(context.isRevoked(revoked.der))
        #expect(!context.isRevoked(good.der))
        #expect(context.isRevoked([]) && context.isRevoked([0x30]))
        #expect(try !SessionTests.context { _ in }.isRevoked(revoked.der))
    }
}
