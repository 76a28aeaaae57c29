// Certificates from the operator's files to the gateway's answer: tokens that are bound to one, clients that
// must show one, and what a proxy passes on. openssl's command line makes them.

import Foundation
import Testing

@Suite struct BoundTokenTests {
    private let files: Certificates
    init() throws { files = try Certificates.shared.get() }

    private func bank(_ options: String...) throws -> Bank {
        Bank(server: try ServerProcess(options))
    }

    private func confirmation(_ bank: Bank, _ token: String) throws -> String? {
        let found = try bank.answer(bank.introspect(token)).json()
        #expect(found["active"] as? Bool == true)
        return (found["cnf"] as? [String: String])?["x5t#S256"]
    }

    @Test func tokenIsBoundToTheCertificateAndStaysSo() throws {
        let store = try ProductionStore()
        let options = store.option + ["--eidas-ca", files.path("ca"), "--require-cnf"]
        let expected = try files.thumbprint("psp")
        var bank = Bank(server: try ServerProcess(options))
        let (code, other) = (try bank.newCode(), try bank.newCode())
        try expectErrors(
            bank.answer(bank.exchange(code)), 400, "parameter_missing", on: bank.server)
        let answer = try bank.answer(bank.exchange(code).adding("eidas", files.header("psp")))
        try expectToken(answer)
        let token = try #require(try answer.data()["access_token"] as? String)
        #expect(try confirmation(bank, token) == expected)
        let bound = try bank.answer(
            bank.exchange(other, ["cnf": #"{"x5t#S256":"\#(expected)"}"#])
                .adding("eidas", files.escaped("psp")))
        try expectToken(bound)
        _ = bank.server.program.stop(SIGTERM)
        bank.server = try ServerProcess(options)
        #expect(try confirmation(bank, token) == expected)
    }

    @Test(arguments: [
        "psp_accounts", "psp_without", "psp_expired", "psp_of_another", "other", "self",
    ])
    func wrongCertificateSpendsNoCode(name: String) throws {
        let bank = try bank("--eidas-ca", files.path("ca"))
        let code = try bank.newCode(["scope": Call.json("payments")])
        try expectErrors(
            bank.answer(bank.exchange(code).adding("eidas", files.header(name))), 403,
            "psp_certificate_invalid", on: bank.server)
        try expectToken(bank.answer(bank.exchange(code).adding("eidas", files.header("psp"))))
    }

    /// With and without authorities: what the certificate itself says is wrong is told by its own words.
    @Test(arguments: [("psp_critical", "critical extension"), ("psp_ca", "authority's own")])
    func reasonIsTheRightOne(name: String, words: String) throws {
        for options in [[], ["--eidas-ca", files.path("ca")]] {
            let bank = Bank(server: try ServerProcess(options))
            let code = try bank.newCode()
            let answer = try bank.answer(bank.exchange(code).adding("eidas", files.header(name)))
            #expect(answer.status == 403 && answer.text.contains(words), "\(answer.text)")
            try expectToken(bank.answer(bank.exchange(code).adding("eidas", files.header("psp"))))
        }
    }

    @Test func whatIsNoCertificateIsRefused() throws {
        let bank = try bank()
        let code = try bank.newCode()
        for text in ["x", "AAAA", try String(files.header("psp").dropLast(8))] {
            try expectErrors(
                bank.answer(bank.exchange(code).adding("eidas", text)), 400, "parameter_invalid",
                on: bank.server)
        }
        let other = #"{"x5t#S256":"\#(try files.thumbprint("bank"))"}"#
        try expectErrors(
            bank.answer(bank.exchange(code, ["cnf": other]).adding("eidas", files.header("psp"))),
            400,
            "parameter_invalid", on: bank.server)
    }

    @Test(arguments: ["/none/ca.pem", "/etc/hostname"])
    func fileWithoutAuthoritiesStopsTheStart(path: String) throws {
        let ended = try ChildProcess.run(
            ChildProcess.binary.path, ["serve", "--store", "memory", "--eidas-ca", path])
        #expect(ended.status == 78 && ended.errors.contains("eidas-ca"), "\(ended.errors)")
        #expect(ended.errors.contains(path))
    }
}

@Suite struct ClientRuleTests {
    private let files: Certificates
    init() throws { files = try Certificates.shared.get() }

    private func served(
        _ store: ProductionStore, _ secret: String, header: String
    ) throws -> Bank {
        let server = try store.serve(
            "--client-certificate-header", header, "--trusted-proxies", "127.0.0.0/8",
            "--client-certificate-ca", files.path("ca"))
        return Bank(
            server: server, clientID: "PSDGB-FCA-111111", secret: secret,
            institution: "PSDGB-FCA-111111")
    }

    private func status(_ bank: Bank, _ name: String, _ value: String?) throws -> Int {
        var call = bank.clientCredentials(psp: Call.json("PSDGB-FCA-222222"))
        if let value { call = call.adding(name, value) }
        return try bank.server.answer(to: call).status
    }

    private func added(_ store: ProductionStore, _ options: String...) throws -> String {
        let outcome = try store.run(["fi", "add", "PSDGB-FCA-111111", "--json"] + options)
        try #require(outcome.status == 0, "\(outcome.errors)")
        try store.command("psp", "add", "PSDGB-FCA-222222")
        return try #require(try outcome.json()["client_secret"] as? String)
    }

    @Test(arguments: ["subject", "organization", "thumbprint"])
    func certificateAndSecretMustBothBeRight(match: String) throws {
        let store = try ProductionStore()
        let secret = try added(
            store, "--certificate", files.path("bank"), "--certificate-match", match,
            "--certificate-ca", files.path("ca"))
        let shown = try store.command("fi", "show", "PSDGB-FCA-111111", "--json").json()
        let rules = try #require(shown["client_certificates"] as? [String])
        #expect(rules.count == 1 && rules[0].hasPrefix("PSDGB-FCA-111111: \(match) "))
        #expect(try rules[0].hasSuffix(" by \(files.thumbprint("ca"))"))
        let bank = try served(store, secret, header: "x-ssl-client-cert")
        let header = "x-ssl-client-cert"
        #expect(try status(bank, header, files.escaped("bank")) == 201)
        #expect(try status(bank, header, nil) == 401)
        for wrong in ["bank_twin", "bank_server", "psp", "self", "below"] {
            #expect(try status(bank, header, files.escaped(wrong)) == 401, "\(wrong)")
        }
        var stranger = bank
        stranger.secret = "wrong"
        #expect(try status(stranger, header, files.escaped("bank")) == 401)
        #expect(try status(bank, header, "no base64") == 400)
        try store.command("fi", "set", "PSDGB-FCA-111111", "--certificate", "none")
        #expect(try status(bank, header, nil) == 201)
    }

    @Test func everyKindOfProxyIsUnderstood() throws {
        let store = try ProductionStore()
        let secret = try added(
            store, "--certificate", files.path("bank"), "--certificate-ca", files.path("ca"))
        for (header, value) in [
            ("client-cert", ":\(try files.header("bank")):"),
            ("x-forwarded-client-cert", "Cert=\"\(try files.escaped("bank"))\""),
            (
                "x-forwarded-client-cert",
                "Hash=\(try files.digest("bank"));Cert=\"\(try files.escaped("bank"))\""
            ),
        ] {
            let bank = try served(store, secret, header: header)
            #expect(try status(bank, header, value) == 201)
            let twice = bank.clientCredentials(psp: Call.json("PSDGB-FCA-222222"))
                .adding(header, value).adding(header, value)
            try expectErrors(
                bank.server.answer(to: twice), 400, "parameter_invalid", on: bank.server)
            _ = bank.server.program.stop(SIGTERM)
        }
    }

    @Test func selfSignedOneIsKnownByItsThumbprint() throws {
        let store = try ProductionStore()
        let secret = try added(
            store, "--certificate", files.path("self"), "--certificate-match", "thumbprint")
        let bank = try served(store, secret, header: "x-ssl-client-cert")
        #expect(try status(bank, "x-ssl-client-cert", files.escaped("self")) == 201)
        #expect(try status(bank, "x-ssl-client-cert", files.escaped("bank")) == 401)
    }

    /// The operator of a server that never sees a certificate is told that a rule for one shuts clients out.
    @Test func ruleThatNobodyCanMeetIsWarnedOf() throws {
        let store = try ProductionStore()
        _ = try added(
            store, "--certificate", files.path("self"), "--certificate-match", "thumbprint")
        func log(_ options: String...) throws -> String {
            let server = try ServerProcess(["--mode", "production"] + store.option + options)
            defer { server.program.stop(SIGTERM) }
            return server.program.errorLines.joined(separator: "\n")
        }
        let warning = "1 client must show a certificate, and this server sees none"
        #expect(try log().contains(warning))
        #expect(try !log("--client-certificate-header", "x-ssl-client-cert").contains(warning))
    }

    @Test func ruleThatCannotBeMetIsRefused() throws {
        let store = try ProductionStore()
        _ = try added(store)
        let (bank, ca) = (files.path("bank"), files.path("ca"))
        let refused: [([String], Int32, String)] = [
            (["--certificate", bank], 65, "--certificate-ca"),
            (
                ["--certificate", bank, "--certificate-ca", files.path("twin")], 65,
                "has not issued it"
            ),
            (
                ["--certificate", files.path("bank_server"), "--certificate-ca", ca], 65,
                "prove a client"
            ),
            (["--certificate", files.path("psp_expired"), "--certificate-ca", ca], 65, "time"),
            (
                ["--certificate", bank, "--certificate-match", "san", "--certificate-ca", ca], 65,
                "6"
            ),
            // It would be asked of the CA, and no chain ends at it.
            (["--certificate", bank, "--certificate-ca", bank], 65, "no CA's"),
            (["--certificate", "/none/x.pem"], 66, "/none/x.pem"),
            (["--certificate", "/etc/hostname"], 65, "PEM"), ([], 64, "--certificate"),
            (["--certificate", "none", "--certificate-ca", ca], 64, "--certificate"),
        ]
        for (options, status, words) in refused {
            let outcome = try store.run(["fi", "set", "PSDGB-FCA-111111"] + options)
            #expect(outcome.status == status, "\(options): \(outcome.errors)")
            #expect(outcome.errors.contains(words), "\(options): \(outcome.errors)")
        }
        let shown = try store.command("fi", "show", "PSDGB-FCA-111111", "--json").json()
        #expect(shown["client_certificates"] as? [String] == [])
    }

    @Test func digestOfAnotherCertificateIsRefused() throws {
        let store = try ProductionStore()
        let secret = try added(
            store, "--certificate", files.path("bank"), "--certificate-ca", files.path("ca"))
        let header = "x-forwarded-client-cert"
        let bank = try served(store, secret, header: header)
        let certificate = "Cert=\"\(try files.escaped("bank"))\""
        for hash in [try files.digest("psp"), "00", ""] {
            #expect(try status(bank, header, "Hash=\(hash);\(certificate)") == 400, "\(hash)")
        }
        #expect(try status(bank, header, certificate) == 201)
    }

    @Test(arguments: ["authorization", "eidas", "FI_Reference_ID", "x-forwarded-for", "host"])
    func headerThatMeansSomethingElseStopsTheStart(name: String) throws {
        let ended = try ChildProcess.run(
            ChildProcess.binary.path,
            ["serve", "--store", "memory", "--client-certificate-header", name])
        #expect(ended.status == 64 && ended.errors.contains("means something else"))
        let variable = try ChildProcess.run(
            "/usr/bin/env",
            [
                "OBIE_TOKENS_CLIENT_CERTIFICATE_HEADER=\(name)", ChildProcess.binary.path, "serve",
                "--store", "memory",
            ])
        #expect(variable.status == 78 && variable.errors.contains("means something else"))
    }

    @Test func nobodyIsBelievedWithoutTrustedProxies() throws {
        let server = try ServerProcess(["--client-certificate-header", "client-cert"])
        let bank = Bank(server: server)
        try expectErrors(
            bank.answer(bank.makeCode().adding("client-cert", ":AA==:")), 400, "parameter_invalid",
            on: server)
    }
}
