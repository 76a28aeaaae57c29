// Who changed something is in the audit log, whichever command it was.

import Foundation
import Glibc
import Testing

@Suite struct OperatorTests {
    private static let (bank, psp) = ("PSDGB-FCA-100001", "PSDGB-FCA-200001")

    /// Every command that changes something, in an order in which each can be done.
    static let commands: [[String]] = [
        ["fi", "add", bank], ["fi", "disable", bank], ["fi", "enable", bank],
        ["fi", "rotate-secret", bank],
        ["psp", "add", psp, "--redirect-uri", "https://one.example/callback"],
        ["psp", "add-redirect-uri", psp, "https://two.example/callback"],
        ["psp", "remove-redirect-uri", psp, "https://two.example/callback"],
        ["psp", "disable", psp], ["psp", "enable", psp],
        ["tokens", "revoke", "--consent", "consent-1", "--fi", bank, "--yes"],
        ["tokens", "revoke", "--psp", psp, "--yes"], ["tokens", "revoke", "--fi", bank, "--yes"],
        ["psp", "remove", psp, "--yes"], ["fi", "remove", bank, "--yes"], ["keys", "rotate"],
    ]

    @Test func everyChangeNamesThePersonBehindIt() throws {
        let store = try ProductionStore()
        // The keys and the store itself are the server's.
        let server = try store.serve()
        server.program.stop(SIGTERM)
        for arguments in Self.commands {
            let outcome = try ChildProcess.run(
                "/usr/bin/env",
                ["SUDO_UID=12345", "SUDO_USER=alice", ChildProcess.binary.path] + arguments
                    + store.option)
            #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
        }
        let text = try String(contentsOfFile: "\(store.folder)/store.db.audit", encoding: .utf8)
        let changes = text.split(separator: "\n").filter { $0.contains("\"registry_changed\"") }
        #expect(changes.count == Self.commands.count)
        let kernel = try String(contentsOfFile: "/proc/self/loginuid", encoding: .utf8)
        // Only root is believed, and the kernel more than anybody.
        let isSudoBelieved = getuid() == 0 && kernel.hasPrefix("\(UInt32.max)")
        for line in changes {
            let actor = line.firstMatch(of: /"actor":"([^"]+)"/)?.1
            #expect(actor?.contains("uid ") == true, "\(line)")
            #expect((actor == "alice (uid 12345) as root (uid 0)") == isSudoBelieved, "\(line)")
        }
    }
}
