// The commands about the registry by themselves, without a server: what they print, what they refuse,
// and with which exit status.

import Foundation
import Testing

@Suite struct RegistryCommandTests {
    private var secretShape: Regex<Substring> { /[0-9a-f]{64}/ }

    /// A store with two institutions, which one client shares, and a provider.
    func filledStore() throws -> ProductionStore {
        let store = try ProductionStore()
        _ = try store.addInstitution("PSDGB-FCA-100001")
        _ = try store.addInstitution("PSDGB-FCA-100002", client: "PSDGB-FCA-100001")
        try store.command(
            "psp", "add", "PSDGB-FCA-200001", "--redirect-uri", "https://one.example/callback",
            "--redirect-uri", "https://one.example/%22?a=b&c=/")
        return store
    }

    @Test func addedInstitutionGetsASecretThatIsShownOnce() throws {
        let store = try ProductionStore()
        let added = try store.command("fi", "add", "PSDGB-FCA-100001", "--json")
        let record = try added.json()
        let members = ["institution", "client_id", "client_secret"] + StoreUnderTest.outcomeMembers
        #expect(Set(record.keys) == Set(members))
        #expect(record["institution"] as? String == "PSDGB-FCA-100001")
        #expect(record["client_id"] as? String == "PSDGB-FCA-100001")
        let secret = try #require(record["client_secret"] as? String)
        #expect(secret.wholeMatch(of: secretShape) != nil, "256 bits")
        #expect(added.output.split(separator: "\n").count == 1)
        #expect(!added.errors.contains(secret), "standard error may go to a log")
        for arguments in [["fi", "list"], ["fi", "show", "PSDGB-FCA-100001"]] {
            for format in [[], ["--json"]] {
                let outcome = try store.run(arguments + format)
                #expect(outcome.status == 0)
                #expect(!(outcome.output + outcome.errors).contains(secret))
                #expect(outcome.output.firstMatch(of: secretShape) == nil)
            }
        }
        let other = try store.addInstitution("PSDGB-FCA-100002")
        #expect(other.secret != nil && other.secret != secret)
    }

    @Test func secondInstitutionOfAClientBringsNoSecret() throws {
        let store = try ProductionStore()
        let first = try store.addInstitution("PSDGB-FCA-100001", client: "gateway")
        #expect(first.secret != nil)
        let second = try store.command(
            "fi", "add", "PSDGB-FCA-100002", "--client", "gateway", "--json")
        #expect(try second.json()["client_secret"] is NSNull)
        #expect(try second.json()["client_id"] as? String == "gateway")
        #expect(second.errors.contains("gateway"))
        let shown = try store.command("fi", "show", "PSDGB-FCA-100002", "--json").json()
        #expect(shown["clients"] as? [String] == ["gateway"])
    }

    @Test func jsonHasTheSameMembersInListAndShow() throws {
        let store = try filledStore()
        let institutions = try store.command("fi", "list", "--json").jsonList()
        #expect(
            institutions.map { $0["institution"] as? String } == [
                "PSDGB-FCA-100001", "PSDGB-FCA-100002",
            ])
        let shown = try store.command("fi", "show", "PSDGB-FCA-100001", "--json").json()
        #expect(
            Set(shown.keys) == [
                "institution", "enabled", "clients", "clients_with_two_secrets",
                "client_certificates", "revoked_until",
            ])
        #expect(NSDictionary(dictionary: shown) == NSDictionary(dictionary: institutions[0]))
        #expect(shown["enabled"] as? Bool == true)
        #expect(shown["clients_with_two_secrets"] as? [String] == [])
        #expect(shown["revoked_until"] is NSNull)
        let providers = try store.command("psp", "list", "--json").jsonList()
        let provider = try store.command("psp", "show", "PSDGB-FCA-200001", "--json").json()
        #expect(
            Set(provider.keys) == [
                "provider", "name", "status", "services", "enabled", "redirect_uris",
                "revoked_until",
            ])
        #expect(providers.count == 1)
        #expect(NSDictionary(dictionary: provider) == NSDictionary(dictionary: providers[0]))
        #expect(
            provider["redirect_uris"] as? [String] == [
                "https://one.example/callback", "https://one.example/%22?a=b&c=/",
            ])
    }

    @Test func emptyListsAreEmpty() throws {
        let store = try ProductionStore()
        _ = try store.addInstitution("PSDGB-FCA-100001")
        #expect(try store.command("psp", "list", "--json").jsonList().isEmpty)
        #expect(try store.command("psp", "list").output.isEmpty)
    }

    @Test func peopleGetTables() throws {
        let store = try filledStore()
        try store.command("psp", "disable", "PSDGB-FCA-200001")
        let list = try store.command("fi", "list").output.split(separator: "\n")
        #expect(list.count == 3)
        #expect(list.first?.hasPrefix("INSTITUTION") == true)
        #expect(list.first?.contains("CLIENTS") == true)
        // Columns stand below their headings.
        let column = try #require(list.first?.firstRange(of: "ENABLED")?.lowerBound)
        for (row, name) in zip(list.dropFirst(), ["PSDGB-FCA-100001", "PSDGB-FCA-100002"]) {
            #expect(row.hasPrefix("\(name) "))
            let offset = list[0].distance(from: list[0].startIndex, to: column)
            #expect(row.dropFirst(offset).hasPrefix("yes "))
        }
        let shown = try store.command("psp", "show", "PSDGB-FCA-200001").output
        let lines = shown.split(separator: "\n").map(String.init)
        #expect(lines.contains { $0.wholeMatch(of: /provider +PSDGB-FCA-200001/) != nil })
        #expect(lines.contains { $0.wholeMatch(of: /enabled +no/) != nil })
        #expect(lines.contains { $0.hasSuffix(" https://one.example/callback") })
        let secret = try store.command("fi", "add", "PSDGB-FCA-100003").output
        #expect(secret.firstMatch(of: /client secret +[0-9a-f]{64}\n/) != nil)
    }

    @Test func rotatedSecretIsNewAndShownOnce() throws {
        let store = try ProductionStore()
        let secret = try store.addInstitution("PSDGB-FCA-100001").secret
        let rotated = try store.command("fi", "rotate-secret", "PSDGB-FCA-100001", "--json")
        let record = try rotated.json()
        let members =
            ["client_id", "client_secret", "old_secret_until"] + StoreUnderTest.outcomeMembers
        #expect(Set(record.keys) == Set(members))
        #expect(record["client_id"] as? String == "PSDGB-FCA-100001")
        #expect(record["old_secret_until"] is String)
        let new = try #require(record["client_secret"] as? String)
        #expect(new.wholeMatch(of: secretShape) != nil)
        #expect(new != secret)
        #expect(!rotated.errors.contains(new))
        let shown = try store.command("fi", "show", "PSDGB-FCA-100001", "--json")
        #expect(
            try shown.json()["clients_with_two_secrets"] as? [String] == ["PSDGB-FCA-100001"])
        #expect(shown.output.firstMatch(of: secretShape) == nil)
        try store.command("fi", "rotate-secret", "PSDGB-FCA-100001", "--keep-old", "0")
        let after = try store.command("fi", "show", "PSDGB-FCA-100001", "--json")
        #expect(try after.json()["clients_with_two_secrets"] as? [String] == [])
    }

    @Test(arguments: [("n", 1), ("", 1), ("yess", 1), ("y", 0), ("YES", 0)])
    func personIsAsked(answer: String, status: Int32) throws {
        let store = try filledStore()
        // Where nothing was ever issued there is nothing to revoke.
        let server = try store.serve()
        var bank = try Bank.sandbox()
        (bank.server, bank.clientID, bank.institution) = (
            server, "PSDGB-FCA-100001", "PSDGB-FCA-100001"
        )
        bank.secret = try #require(
            try store.command("fi", "rotate-secret", bank.clientID, "--json").json()[
                "client_secret"] as? String)
        bank.provider = "PSDGB-FCA-200001"
        try bank.renewCCGToken()
        server.program.stop(SIGTERM)
        func ask(_ command: String) throws {
            // script(1) is the terminal.
            let option = store.option.joined(separator: " ")
            let line = "'\(ChildProcess.binary.path)' \(command) \(option)"
            let ended = try ChildProcess.run(
                "/bin/sh",
                ["-c", "echo '\(answer)' | script -qec \"$1\" /dev/null", "sh", line])
            #expect(ended.status == status, "\(ended.output)")
            #expect(ended.output.contains("[y/N]"))
        }
        try ask("tokens revoke --psp PSDGB-FCA-200001")
        let shown = try store.command("psp", "show", "PSDGB-FCA-200001", "--json").json()
        #expect(shown["revoked_until"] is NSNull == (status == 1))
        try ask("psp remove PSDGB-FCA-200001")
        #expect(try store.command("psp", "list", "--json").jsonList().count == Int(status))
        try ask("fi remove PSDGB-FCA-100001")
        #expect(try store.command("fi", "list", "--json").jsonList().count == 1 + Int(status))
    }

    @Test func clientOfSeveralMustBeNamed() throws {
        let store = try filledStore()
        // Removing an institution leaves a client that acts for another one.
        try store.command("fi", "remove", "PSDGB-FCA-100002", "--yes")
        let shown = try store.command("fi", "show", "PSDGB-FCA-100001", "--json").json()
        #expect(shown["clients"] as? [String] == ["PSDGB-FCA-100001"])
        let rotated = try store.command(
            "fi", "rotate-secret", "PSDGB-FCA-100001", "--client", "PSDGB-FCA-100001", "--json")
        #expect(try rotated.json()["client_id"] as? String == "PSDGB-FCA-100001")
    }

    @Test func modesDoNotMix() throws {
        let store = try filledStore()
        func start(_ mode: String) throws -> (status: Int32?, output: String, errors: String) {
            try ChildProcess.run(
                ChildProcess.binary.path,
                [
                    "serve", "--mode", mode, "--listen", "127.0.0.1:0", "--admin-listen",
                    "127.0.0.1:0",
                ] + store.option)
        }
        // Before the store has been used at all, and after.
        for _ in 0..<2 {
            let refused = try start("sandbox")
            #expect(refused.status == (StoreUnderTest.isPostgres ? 78 : 71))
            #expect(refused.errors.contains("production mode"))
            #expect(refused.errors.split(separator: "\n").count == 1)
            let server = try store.serve()
            #expect(try server.isServing())
            #expect(server.program.stop(SIGTERM) == 0)
        }
    }

    @Test func registryIsForThisUserOnly() throws {
        let store = try filledStore()
        for name in try store.files().keys {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: "\(store.folder)/\(name)")
            #expect((attributes[.posixPermissions] as? Int ?? 0o777) & 0o077 == 0, "\(name)")
        }
    }

    /// Two commands at the same time wait for each other; neither undoes the other.
    @Test func commandsAtTheSameTimeAllCount() throws {
        let store = try filledStore()
        let children = try (0..<8).map { number in
            try ChildProcess(
                ChildProcess.binary.path, ["psp", "add", "PSP-\(number)"] + store.option)
        }
        for child in children { #expect(child.exitStatus() == 0, "\(child.errorOutput)") }
        #expect(try store.command("psp", "list", "--json").jsonList().count == 9)
    }
}
