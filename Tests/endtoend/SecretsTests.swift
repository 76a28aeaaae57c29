// No secret gets out: whatever the program writes or shows is searched for every secret, code, token
// and Authorization that was in play, in every form in which it could stand there.

import Foundation
import Testing

@Suite struct SecretsTests {
    /// Secrets where they belong, in requests that are refused.
    private func refuseRequests(_ flow: inout SecretFlow) throws {
        let bank = flow.bank
        let make = bank.makeCode()
        var wrong = bank
        wrong.secret = SecretFlow.wrongSecret
        try flow.refuse("401", 401, wrong.makeCode())
        try flow.refuse("401 of a gateway", 401, wrong.introspect(flow.token))
        try flow.refuse(
            "a doubled Authorization", 400, make.adding("Authorization", bank.authorization))
        try flow.refuse(
            "a doubled ccg_token", 400, make.adding("ccg_token", bank.ccgToken))
        try flow.refuse("no institution", 400, make.removing("fi_reference_id"))
        try flow.refuse("fi_forbidden", 403, make.setting("fi_reference_id", "PSDGB-FCA-1"))
        try flow.refuse("a wrong CCG token", 401, make.setting("ccg_token", flow.token))
        try flow.refuse("a foreign URI", 403, bank.makeCode(["redirect_uri": #""a:b""#]))
        try flow.refuse(
            "a wrong URI", 403, bank.exchange(flow.code, ["redirect_uri": #""a:b""#]))
        try flow.refuse(
            "two members", 400,
            bank.dressed(.tokens(#"{"auth_code":"\#(flow.code)","auth_code":"\#(flow.code)"}"#)))
        try flow.refuse(
            "a wrong type", 400, bank.exchange(flow.code, ["redirect_uri": #"["\#(flow.code)"]"#]))
        try flow.refuse("no JSON", 400, bank.exchange(flow.code).with(body: "{\(flow.code)"))
        try flow.refuse(
            "two tokens", 400, bank.revoke(form: "token=\(flow.token)&token=\(flow.token)"))
        try flow.refuse("a broken form", 400, bank.introspect(flow.token + "%zz"))
        try flow.refuse("a wrong method", 405, bank.exchange(flow.code).with(method: "PUT"))
        try flow.refuse("a wrong path", 404, bank.exchange(flow.code).with(target: "/v1/obie/x"))
        try flow.refuse(
            "an expectation", 417, bank.exchange(flow.code).adding("Expect", bank.ccgToken))
    }

    /// Secrets where they do not belong: a client has mixed something up.
    private func misplaceSecrets(_ flow: inout SecretFlow) throws {
        let bank = flow.bank
        let secrets = [bank.secret, bank.ccgToken, flow.code, flow.token, bank.authorization]
        for (index, secret) in secrets.enumerated() {
            let make = bank.makeCode()
            for header in ["version", "Content-Type"] {
                let response = try flow.server.process.answer(to: make.setting(header, secret))
                #expect(response.status >= 400)
                flow.refusals.append(("\(header) \(index)", response))
            }
            try flow.refuse(
                "Authorization \(index)", 401, make.setting("Authorization", secret + "x"))
            try flow.refuse("ccg_token \(index)", 401, make.setting("ccg_token", secret + "x"))
            for member in ["scope", "redirect_uri"] {
                try flow.refuse(
                    "\(member) \(index)", 400, bank.makeCode([member: Call.json("/" + secret)]))
            }
            try flow.refuse(
                "grant_type \(index)", 400, bank.exchange("x", ["grant_type": Call.json(secret)]))
            try flow.refuse(
                "psp_id \(index)", 400, bank.clientCredentials(psp: Call.json(secret)))
            let path = secret.replacing(" ", with: "/")
            try flow.refuse("the path \(index)", 404, Call("GET", "/v1/obie/\(path)"))
            try flow.refuse("the query \(index)", 405, Call("GET", "/v1/obie/tokens?code=\(path)"))
            try flow.refuse(
                "the method \(index)", 501,
                raw: "\(path.prefix(20).replacing("/", with: ""))"
                    + " / HTTP/1.1\r\nHost: a\r\n\r\n")
            try flow.refuse("no HTTP \(index)", 400, raw: "GET / HTTP/1.1\r\n\(secret)\r\n\r\n")
            try flow.refuse(
                "Host \(index)", 400, raw: "GET / HTTP/1.1\r\nHost: \(secret) x\r\n\r\n")
            let long = String(repeating: path, count: 8192 / path.count + 1)
            try flow.refuse("a long path \(index)", 414, Call("GET", "/" + long))
            let head = make.adding("x", long).adding("y", long)
            try flow.refuse("a long head \(index)", 431, head)
            try flow.refuse(
                "a long body \(index)", 413, make.with(body: String(repeating: secret, count: 4096))
            )
        }
    }

    @Test func nothingThatIsWrittenOrShownHoldsASecret() throws {
        var flow = try SecretFlow()
        try refuseRequests(&flow)
        try misplaceSecrets(&flow)
        try flow.refuse("a replay", 403, flow.bank.exchange(flow.spentCode))
        #expect(try !flow.bank.isActive(flow.token))
        for (name, response) in flow.refusals {
            let fields = response.fields.map { "\($0.name): \($0.value)\n" }.joined()
            flow.forbidden.expectNone(in: Array(fields.utf8) + response.body, name)
        }
        let process = flow.server.process
        for path in ["/livez", "/readyz", "/metrics", "/healthz?\(flow.token)", "/errors"] {
            for connection in [try process.connect(), try HTTPConnection(port: process.adminPort)] {
                try connection.send(Call("GET", path).bytes)
                flow.forbidden.expectNone(in: try connection.readResponse().body, path)
            }
        }
        let backup = "\(flow.server.store.folder)/backup.db"
        try flow.server.store.command("backup", backup)
        try flow.server.store.command("keys", "rotate")
        try expectNothingInFiles(flow)
        try expectNothingOfTheProcess(flow)
        #expect(process.program.stop(SIGTERM) == 0)
        try expectNothingInFiles(flow)
        flow.forbidden.expectNone(in: process.program.errorOutput, "stderr")
        flow.forbidden.expectNone(in: process.program.standardOutput, "stdout")
        #expect(process.program.standardOutput.isEmpty)
    }

    /// Some clients take the secret for their name, or a token for the institution's. What does not
    /// name anybody must not be kept as if it did.
    @Test func secretsInPlaceOfNamesAreWrittenNowhere() throws {
        var flow = try SecretFlow()
        let make = flow.bank.makeCode()
        for secret in [flow.bank.secret, flow.bank.ccgToken, flow.code, flow.token] {
            try flow.refuse("an institution", 403, make.setting("fi_reference_id", secret))
            for name in ["\(secret):x", "\(secret):\(secret)", ":\(secret)"] {
                let call = make.setting("Authorization", Sandbox.basic(name))
                try flow.refuse("a client", 401, call)
                try flow.refuse(
                    "a client of a gateway", 401,
                    flow.bank.introspect("x").setting("Authorization", Sandbox.basic(name)))
            }
        }
        for (name, response) in flow.refusals {
            flow.forbidden.expectNone(in: response.body, name)
        }
        #expect(flow.server.process.program.stop(SIGTERM) == 0)
        flow.forbidden.expectNone(in: flow.server.process.program.errorOutput, "stderr")
        try expectNothingInFiles(flow, hasBackup: false)
    }

    /// Database files hold digests only, whether the server runs or not.
    private func expectNothingInFiles(_ flow: SecretFlow, hasBackup: Bool = true) throws {
        let files = try flow.server.store.files()
        let names = ["store.db", "store.db.registry", "store.db.keys"]
        for name in names + (hasBackup ? ["backup.db"] : []) {
            #expect(files[name]?.isEmpty == false, "\(name)")
        }
        for (name, bytes) in files { flow.forbidden.expectNone(in: bytes, name) }
    }

    /// What other users of the machine can see of it.
    private func expectNothingOfTheProcess(_ flow: SecretFlow) throws {
        let folder = "/proc/\(flow.server.process.program.processIdentifier)"
        let commandLine = try Data(contentsOf: URL(filePath: "\(folder)/cmdline"))
        #expect(String(decoding: commandLine, as: UTF8.self).contains("production"))
        flow.forbidden.expectNone(in: Array(commandLine), "cmdline")
        for name in ["environ", "comm", "status"] {
            let content = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
            flow.forbidden.expectNone(in: Array(content), name)
        }
        for task in try FileManager.default.contentsOfDirectory(atPath: "\(folder)/task") {
            let name = try Data(contentsOf: URL(filePath: "\(folder)/task/\(task)/comm"))
            flow.forbidden.expectNone(in: Array(name), "the name of a thread")
        }
    }

    /// A secret stands on standard output of the command that made it, once, and nowhere else.
    @Test func commandsShowASecretOnce() throws {
        let store = try ProductionStore()
        var secrets: [String] = []
        for arguments in [
            ["fi", "add", "PSDGB-FCA-100001"], ["fi", "add", "PSDGB-FCA-100002", "--json"],
            ["fi", "rotate-secret", "PSDGB-FCA-100001"],
            ["fi", "rotate-secret", "PSDGB-FCA-100002", "--json", "--keep-old", "0"],
        ] {
            let outcome = try store.run(arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let found = outcome.output.matches(of: /\b[0-9a-f]{64}\b/).map { String($0.output) }
            #expect(found.count == 1, "\(arguments)")
            secrets += found
        }
        #expect(Set(secrets).count == 4)
        // Where no server has ever been there is nothing to revoke.
        try store.serve().program.stop(SIGTERM)
        for arguments in [
            ["fi", "list"], ["fi", "list", "--json"], ["fi", "show", "PSDGB-FCA-100001"],
            ["fi", "show", "PSDGB-FCA-100002", "--json"], ["fi", "disable", "PSDGB-FCA-100001"],
            ["fi", "enable", "PSDGB-FCA-100001"], ["psp", "add", "one"], ["psp", "list"],
            ["tokens", "revoke", "--fi", "PSDGB-FCA-100001", "--yes"],
            ["fi", "add", "PSDGB-FCA-100003", "--client", "PSDGB-FCA-100001"],
            ["fi", "remove", "PSDGB-FCA-100002", "--yes"],
        ] { #expect(try store.run(arguments).status == 0, "\(arguments)") }
        var forbidden = ForbiddenTexts()
        for secret in secrets { forbidden.add("a secret", secret) }
        for (index, outcome) in store.outcomes.enumerated() {
            forbidden.expectNone(in: outcome.errors, "\(outcome.arguments)")
            if index >= 4 { forbidden.expectNone(in: outcome.output, "\(outcome.arguments)") }
        }
        for (name, bytes) in try store.files() { forbidden.expectNone(in: bytes, name) }
    }

    static let commands: [[String]] = [
        [], ["serve"], ["backup"], ["keys"], ["keys", "rotate"], ["tokens"], ["tokens", "revoke"],
        ["fi"], ["fi", "add"], ["fi", "list"], ["fi", "show"], ["fi", "disable"],
        ["fi", "enable"], ["fi", "rotate-secret"], ["fi", "remove"], ["psp"], ["psp", "add"],
        ["psp", "list"], ["psp", "show"], ["psp", "disable"], ["psp", "enable"],
        ["psp", "add-redirect-uri"], ["psp", "remove-redirect-uri"], ["psp", "remove"],
        ["audit"], ["audit", "verify"], ["audit", "find"],
    ]

    /// Every command explains itself; none takes a secret, which would stand in `ps` and in the
    /// shell's history.
    @Test(arguments: commands)
    func noOptionTakesASecret(command: [String]) throws {
        let help = try ChildProcess.run(ChildProcess.binary.path, command + ["--help"])
        #expect(help.status == 0)
        #expect(help.output.contains("USAGE: obie-tokens"))
        #expect(help.errors.isEmpty)
        for word in ["--secret", "--password", "--key ", "--client-secret", Sandbox.ccgToken] {
            #expect(!help.output.contains(word), "\(word)")
        }
        #expect(help.output.firstMatch(of: /[0-9a-f]{32}/) == nil)
    }

    /// The search finds what it is to find.
    @Test func searchCanFail() {
        var forbidden = ForbiddenTexts()
        let token = "8c9378f8-e27f-4e0a-a643-d73585d1249f"
        forbidden.add("a token", token)
        let plain = token.replacing("-", with: "")
        for text in [token, token.uppercased(), "x\(plain)y", Sandbox.basic("ab:\(token)")] {
            #expect(!forbidden.found(in: Array(text.utf8)).isEmpty, "\(text)")
        }
        for prefix in ["", "a", "ab", "abc"] {
            let encoded = Data((prefix + token + "z").utf8).base64EncodedString()
            #expect(!forbidden.found(in: Array(encoded.utf8)).isEmpty)
        }
        let bytes: [UInt8] = [
            0x8C, 0x93, 0x78, 0xF8, 0xE2, 0x7F, 0x4E, 0x0A, 0xA6, 0x43, 0xD7, 0x35, 0x85, 0xD1,
            0x24, 0x9F,
        ]
        #expect(forbidden.found(in: [0] + bytes + [1]) == ["a token as bytes"])
        #expect(forbidden.found(in: Array("8c9378f8-e27f".utf8)).isEmpty)
    }
}
