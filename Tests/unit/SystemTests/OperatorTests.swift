// Who is behind a command: the person who logged in, whatever user the process has.

import Testing

@testable import System

@Suite struct OperatorTests {
    private static let root = Operator.User(id: 0, name: "root")
    private static let alice = Operator.User(id: 1000, name: "alice")
    private static let bob = Operator.User(id: 1001, name: "bob")
    private static let service = Operator.User(id: 65_532, name: nil)

    /// The process's users, what the kernel and sudo say, and what becomes of it.
    private struct Row: CustomTestStringConvertible {
        var process = root, actsAs: Operator.User?, kernel: Operator.User?, sudo: Operator.User?
        var text: String
        var testDescription: String { text }
    }

    private static let rows = [
        Row(text: "root (uid 0)"),
        Row(sudo: alice, text: "alice (uid 1000) as root (uid 0)"),
        Row(kernel: bob, sudo: alice, text: "bob (uid 1001) as root (uid 0)"),
        Row(process: alice, text: "alice (uid 1000)"),
        // Anybody can say that they are sudo's.
        Row(process: alice, sudo: bob, text: "alice (uid 1000)"),
        Row(process: alice, kernel: bob, sudo: root, text: "bob (uid 1001) as alice (uid 1000)"),
        Row(process: service, text: "uid 65532"),
        Row(actsAs: service, sudo: alice, text: "alice (uid 1000) as uid 65532"),
        Row(actsAs: service, text: "root (uid 0) as uid 65532"),
    ]

    @Test(arguments: rows)
    private func personIsNamed(row: Row) {
        let found = Operator(
            process: row.process, actsAs: row.actsAs ?? row.process, kernel: row.kernel,
            sudo: row.sudo)
        #expect(found.description == row.text)
    }

    @Test func sudoNamesBothOrNobody() {
        #expect(Operator.sudo("1000", "alice") == Self.alice)
        for (id, name) in [(nil, "alice"), ("1000", nil), ("x", "alice"), ("1000", "")] {
            #expect(Operator.sudo(id, name) == nil)
        }
    }

    @Test(
        arguments: [
            ("0", 0), ("1000\n", 1000), ("4294967295", nil), ("", nil), ("x", nil),
        ] as [(String, UInt32?)])
    func kernelsLoginIsANumber(text: String, id: UInt32?) {
        #expect(Operator.loginID(in: text) == id)
        #expect(Operator.loginID(in: nil) == nil)
    }

    @Test func thisProcessHasSomebodyBehindIt() {
        #expect(Operator.current().description.contains("uid "))
    }
}
