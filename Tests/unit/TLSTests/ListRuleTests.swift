// Which revocation lists count, for whom, and until when.

import COpenSSL
import Testing

@testable import TLS

@Suite struct ListRuleTests {
    private static let root = TestCA()
    private static let below = TestCA("Below", by: root)
    private static let good = below.issue("good", usage: "clientAuth")
    private static let revoked = below.issue("revoked", usage: "clientAuth")
    private static let lists = below.revoke([revoked])

    private func context(_ authorities: [UInt8], _ lists: [UInt8]) throws -> TLSContext {
        try SessionTests.context {
            $0.clientAuthentication = .required
            $0.clientCA = authorities
            $0.clientCRL = lists
        }
    }

    /// What is trusted needs no list of whoever is above it.
    @Test func authorityBelowARootIsTrustedByItself() throws {
        let rows = [
            (Self.below.pem, Self.lists),
            (Self.below.pem + Self.root.pem, Self.lists + Self.root.revoke([])),
            (Self.root.pem + Self.below.pem, Self.root.revoke([]) + Self.lists),
            (Self.below.pem + Self.root.pem, Self.lists),
        ]
        for (authorities, lists) in rows {
            let context = try context(authorities, lists)
            #expect(verdict(Self.good, context) == nil)
            #expect(verdict(Self.revoked, context) == .certificateRevoked)
            #expect(verdict(Self.root.issue("a", usage: "serverAuth"), context) != nil)
        }
        // Its own list has to be there, and good.
        let own = try context(Self.below.pem + Self.root.pem, Self.root.revoke([]))
        #expect(verdict(Self.good, own) == .revocationList)
        let context = try context(Self.below.pem, Self.lists)
        #expect(verdict(Self.good, context, now: testDay + oneDay) == .revocationList)
        // One that is on the way, and not trusted by itself, needs its root's.
        let far = try self.context(Self.root.pem, Self.lists + Self.below.pem)
        #expect(verdict(Self.good, far, with: Self.below.made) == .revocationList)
    }

    /// Where a list names it, it is not trusted all the same.
    @Test func authorityThatIsRevokedLetsNobodyIn() throws {
        let named = Self.root.revoke([Self.below.made]) + Self.lists
        let trusted = try context(Self.below.pem + Self.root.pem, named)
        #expect(verdict(Self.good, trusted) == .certificateRevoked)
        let far = try context(Self.root.pem, named + Self.below.pem)
        #expect(verdict(Self.good, far, with: Self.below.made) == .certificateRevoked)
        for context in [trusted, far] {
            #expect(context.isRevoked(Self.good.der), "on a connection that is open")
        }
    }

    /// A list about certificates of users has nothing to say about its CA, which is trusted.
    @Test func listOfUsersIsEnough() throws {
        let lists = Self.root.revoke(
            [Self.root.issue("x", usage: "clientAuth")], scope: .users)
        let context = try context(Self.root.pem, lists)
        #expect(verdict(Self.root.issue("a", usage: "clientAuth"), context) == nil)
    }

    @Test func certificateThatIsTrustedItselfNeedsNoList() throws {
        let alone = CertificateMaker(
            name: "self", from: testDay - oneDay, until: testDay + oneDay
        ).make()
        let context = try context(alone.certificatePEM + Self.below.pem, Self.lists)
        #expect(verdict(alone, context) == nil)
        #expect(verdict(Self.good, context) == nil)
    }

    /// In whatever order they stand; and the older one does not count again once the newer has ended.
    @Test func ofTwoListsTheNewerCounts() throws {
        let (ca, end) = (Self.root, testDay + 5000)
        let named = ca.issue("named", usage: "clientAuth")
        let lifted = ca.issue("lifted", usage: "clientAuth")
        let old = ca.revoke([lifted], from: testDay - oneDay, number: 7)
        let new = ca.revoke([named], from: testDay - 1000, until: end, number: 8)
        for lists in [old + new, new + old] {
            let context = try context(ca.pem, lists)
            #expect(context.revocationLists.count == 1 && context.revocationExpiry == end)
            #expect(verdict(named, context) == .certificateRevoked)
            #expect(verdict(lifted, context) == nil)
            #expect(context.isRevoked(named.der) && !context.isRevoked(lifted.der))
            #expect(verdict(named, context, now: end) != nil)
            #expect(verdict(lifted, context, now: end) == .revocationList)
        }
        // One that has ended beside its successor is no reason to refuse both.
        let ended = ca.revoke([], from: testDay - 9 * oneDay, until: testDay - oneDay)
        #expect(verdict(lifted, try context(ca.pem, ended + new)) == nil)
        // Two that are about different certificates count both.
        let users = ca.revoke([named], scope: .users)
        let authorities = ca.revoke([], scope: .authorities)
        #expect(try context(ca.pem, users + authorities).revocationLists.count == 2)
    }

    @Test func listThatDoesNotStandByItselfIsNotTaken() throws {
        let whole = Self.root.revoke([], number: 1)
        for partial in [
            Self.root.revoke([Self.good], number: 2, isDelta: true),
            Self.root.revoke([], scope: .othersToo),
            Self.root.revoke([], scope: .someReasons),
        ] {
            for lists in [partial, whole + partial] {
                #expect(throws: TLSFault.partialList) { _ = try context(Self.root.pem, lists) }
            }
        }
    }

    /// Two authorities can have the same name, and give the same serial numbers.
    @Test func listOfANamesakeIsAboutOthers() throws {
        let (one, other) = (TestCA("Name"), TestCA("Name"))
        let bank = one.issue("bank", usage: "clientAuth")
        for isFirst in [true, false] {
            let rows = [
                (one.pem, one.revoke([], namesKey: true)),
                (other.pem, other.revoke([bank], namesKey: true)),
            ]
            let (first, second) = isFirst ? (rows[0], rows[1]) : (rows[1], rows[0])
            let context = try context(first.0 + second.0, first.1 + second.1)
            #expect(!context.isRevoked(bank.der))
            #expect(context.revocationLists.count == 2)
        }
        // Where one does not say whose it is, the clients of the other would be held against it.
        for (mine, others) in [(true, false), (false, true), (false, false)] {
            let lists = one.revoke([], namesKey: mine) + other.revoke([], namesKey: others)
            #expect(throws: TLSFault.namelessLists) {
                _ = try context(one.pem + other.pem, lists)
            }
        }
    }

    /// `cat NEW >> lists.pem`, within a second and without numbers.
    @Test func ofTwoAsNewTheOneBehindCounts() throws {
        let (full, empty) = (Self.lists, Self.below.revoke([]))
        for (lists, isRevoked) in [(full + empty, false), (empty + full, true)] {
            let context = try context(Self.below.pem, lists)
            #expect(context.revocationLists.count == 1)
            #expect(context.isRevoked(Self.revoked.der) == isRevoked)
            #expect((verdict(Self.revoked, context) == .certificateRevoked) == isRevoked)
        }
    }
}
