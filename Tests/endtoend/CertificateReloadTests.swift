// SIGHUP takes over the files of authorities by which certificates in headers are judged, all or nothing.

import Foundation
import Testing

@Suite struct CertificateReloadTests {
    private let files: Certificates
    init() throws { files = try Certificates.shared.get() }

    /// A file that changes while a server runs. `name`: of a certificate, or nil for what is none.
    private func place(_ name: String?, at path: String) throws {
        let content = try name.map { try String(contentsOfFile: files.path($0), encoding: .utf8) }
        try (content ?? "junk").write(toFile: path, atomically: true, encoding: .utf8)
    }

    private func reload(_ server: ServerProcess, until line: String) {
        let before = server.program.errorOutput.components(separatedBy: line).count
        server.program.send(SIGHUP)
        for _ in 0..<500
        where server.program.errorOutput.components(separatedBy: line).count == before {
            usleep(10_000)
        }
        #expect(server.program.errorOutput.components(separatedBy: line).count > before)
    }

    private func status(_ bank: Bank, _ certificate: String) throws -> Int {
        try bank.answer(
            bank.exchange(bank.newCode()).adding("eidas", files.header(certificate))
        ).status
    }

    @Test func authoritiesOfProvidersChange() throws {
        let path = NSTemporaryDirectory() + "eidas-\(UUID().uuidString).pem"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try place("ca", at: path)
        let bank = Bank(server: try ServerProcess(["--eidas-ca", path]))
        #expect(try status(bank, "psp") == 201)
        #expect(try status(bank, "other") == 403)
        try place("twin", at: path)
        #expect(try status(bank, "psp") == 201, "nobody has told the server yet")
        reload(bank.server, until: "were read again")
        #expect(try status(bank, "psp") == 403)
        #expect(try status(bank, "other") == 201)
        try place(nil, at: path)
        reload(bank.server, until: "stay in use")
        reload(bank.server, until: "the certificates were refused")
        #expect(try status(bank, "other") == 201, "the ones of before stay")
    }

    /// A certificate whose first line is mistyped would be passed over.
    @Test func mistypedAuthorityIsNotPassedOver() throws {
        let path = NSTemporaryDirectory() + "typo-\(UUID().uuidString).pem"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let (first, second) = try (
            String(contentsOfFile: files.path("ca"), encoding: .utf8),
            String(contentsOfFile: files.path("twin"), encoding: .utf8)
        )
        func write(_ text: String) throws {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let mistyped = first + second.replacing("-----BEGIN", with: "----BEGIN")
        try write(first + second)
        let bank = Bank(server: try ServerProcess(["--eidas-ca", path]))
        try write(mistyped)
        reload(bank.server, until: "stay in use")
        let line = first.split(separator: "\n").count + 1
        #expect(bank.server.program.errorOutput.contains("line \(line) is meant to begin or end"))
        #expect(try status(bank, "psp") == 201)
        #expect(try status(bank, "other") == 201, "the ones of before stay")
        let refused = try ChildProcess.run(
            ChildProcess.binary.path,
            ["serve", "--store", "memory", "--listen", "127.0.0.1:0", "--eidas-ca", path])
        #expect(refused.status == 78 && refused.errors.contains("line \(line) is meant to begin"))
    }

    /// One wrong file keeps all of them: of listeners, of providers, of clients.
    @Test func allOrNothing() throws {
        let folder = NSTemporaryDirectory() + "all-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (providers, clients) = ("\(folder)/providers.pem", "\(folder)/clients.pem")
        try place("ca", at: providers)
        try place("ca", at: clients)
        let store = try ProductionStore()
        let added = try store.run([
            "fi", "add", "PSDGB-FCA-111111", "--json", "--certificate", files.path("bank"),
            "--certificate-ca", files.path("ca"),
        ])
        let secret = try #require(try added.json()["client_secret"] as? String)
        try store.command("psp", "add", "PSDGB-FCA-222222")
        let header = "x-ssl-client-cert"
        let server = try store.serve(
            "--client-certificate-header", header, "--trusted-proxies", "127.0.0.0/8",
            "--client-certificate-ca", clients, "--eidas-ca", providers)
        let bank = Bank(
            server: server, clientID: "PSDGB-FCA-111111", secret: secret,
            institution: "PSDGB-FCA-111111")
        func status() throws -> Int {
            let call = bank.clientCredentials(psp: Call.json("PSDGB-FCA-222222"))
            return try server.answer(to: call.adding(header, files.escaped("bank"))).status
        }
        #expect(try status() == 201)
        try place("twin", at: clients)
        try place(nil, at: providers)
        reload(server, until: "stay in use")
        #expect(try status() == 201, "the other file is wrong")
        try place("twin", at: providers)
        reload(server, until: "were read again")
        #expect(try status() == 401)
        try place("ca", at: clients)
        reload(server, until: "were read again")
        #expect(try status() == 201)
    }
}
