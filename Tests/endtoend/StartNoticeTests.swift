// What the log begins with: which server this is, and for whom.

import Foundation
import Testing

@Suite struct StartNoticeTests {
    /// The lines of a start, without what is in front of each.
    private func lines(_ arguments: [String]) throws -> [String] {
        let server = try ServerProcess(["--log-format", "text"] + arguments)
        defer { server.program.stop(SIGTERM) }
        return server.program.errorLines.map { String($0.drop { $0 != " " }.dropFirst()) }
            // That a database has no standby is another matter.
            .filter { !$0.contains("synchronous_standby_names") }
    }

    @Test func sandboxNamesItsStoreAndItsWellKnownPeople() throws {
        let lines = try lines([])
        #expect(lines[0] == "sandbox on the store memory: 1 institution, 1 provider, 1 client")
        #expect(lines[1].hasPrefix("warning: SANDBOX: "))
    }

    /// Each step of registering, and what is lacking then.
    @Test func productionSaysWhoIsRegisteredAndWhatIsLacking() throws {
        let store = try ProductionStore()
        let production = ["--mode", "production"] + store.option
        func expect(_ counts: String, _ warning: String?) throws {
            let lines = try lines(production)
            #expect(lines[0] == "production on the store \(store.address): \(counts)")
            if let warning {
                #expect(lines[1].hasPrefix("warning: no \(warning) is registered, so "))
            } else {
                #expect(lines[1].hasPrefix("listening on "))
            }
        }
        try expect("0 institutions, 0 providers, 0 clients", "institution")
        _ = try store.addInstitution("bank-1")
        _ = try store.addInstitution("bank-2", client: "bank-1")
        try expect("2 institutions, 0 providers, 1 client", "provider")
        try store.command("psp", "add", "psp-1", "--redirect-uri", "https://psp.example/a")
        try store.command("psp", "disable", "psp-1")
        try expect("2 institutions, 1 provider, 1 client", nil)
    }

    /// Whoever is in a trusted network can say any address.
    @Test func networksOfEverybodyAreWarnedOf() throws {
        for (networks, names) in [
            ("0.0.0.0/0", "0.0.0.0/0"), ("10.0.0.0/8,::/0,0.0.0.0/0", "::/0 and 0.0.0.0/0"),
        ] {
            let lines = try lines(["--trusted-proxies", networks])
            #expect(
                lines.contains {
                    $0.hasPrefix(
                        "warning: trusted-proxies names everybody with \(names), so each client")
                }, "\(lines)")
        }
        #expect(
            try !lines(["--trusted-proxies", "10.0.0.0/8"]).contains { $0.contains("everybody") })
        let refused = try ChildProcess.run(
            ChildProcess.binary.path, ["serve", "--trusted-proxies", "10.0.0.1/8"])
        #expect(refused.status == 64, "\(refused.errors)")
        #expect(
            refused.errors.contains("write 10.0.0.0/8 for the whole network, or 10.0.0.1 for that"))
    }

    /// The command that the warning names is one.
    @Test func adviceCanBeFollowed() throws {
        let store = try ProductionStore()
        let lines = try lines(["--mode", "production"] + store.option)
        let command = try #require(lines[1].firstMatch(of: /`obie-tokens ([a-z ]+) REFERENCE`/))
        let words = command.1.split(separator: " ").map(String.init)
        #expect(try store.run(words + ["bank-1"]).status == 0)
    }
}
