// A code works once, for the one it was made for; every refusal looks the same.

import Foundation
import Testing

@Suite struct SingleUseTests {
    @Test func codeIsSpentOnce() throws {
        let server = try ServerProcess.shared()
        let code = try server.newCode()
        try expectToken(server.answer(to: .exchange(code)))
        for _ in 0..<3 {
            let again = try server.answer(to: .exchange(code))
            try expectErrors(again, 403, "auth_code_invalid", on: server)
        }
    }

    static let wrongURIs = [
        "https://www.google.com/", "https://www.google.co", "HTTPS://www.google.com",
        "https://www.google.com#", "not a URI at all", "https://evil.example",
        "https://www.google.com\u{0}", " https://www.google.com", "https%3A//www.google.com",
    ]

    @Test(arguments: wrongURIs)
    func wrongRedirectURIDoesNotSpendCode(uri: String) throws {
        let server = try ServerProcess.shared()
        let code = try server.newCode()
        let wrong = try server.answer(to: .exchange(code, ["redirect_uri": Call.json(uri)]))
        try expectErrors(wrong, 403, "auth_code_invalid", on: server)
        try expectToken(server.answer(to: .exchange(code)))
    }

    static let unknownCodes = [
        "x", " ", "a b", "\u{0}", "😀", "../../etc/passwd", "' or 1=1 --",
        String(repeating: "0", count: 25), String(repeating: "z", count: 64),
        String(repeating: "a", count: 65), String(repeating: "a", count: 60_000),
    ]

    @Test(arguments: unknownCodes)
    func unknownCodeIsRefused(code: String) throws {
        let server = try ServerProcess.shared()
        let response = try server.answer(to: .exchange(code))
        try expectErrors(response, 403, "auth_code_invalid", on: server)
    }

    /// Each single character counts, upper case and trailing characters too.
    @Test func nearMissesAreRefused() throws {
        let server = try ServerProcess.shared()
        let code = try server.newCode()
        var misses = [code.uppercased(), code + "0", " " + code, code + "\u{0}", code + "\n"]
        misses += [String(code.dropLast()), String(code.dropFirst()), String(code.reversed())]
        for index in code.indices {
            var changed = code
            changed.replaceSubrange(index...index, with: code[index] == "a" ? "b" : "a")
            misses.append(changed)
        }
        for miss in misses where miss != code {
            let response = try server.answer(to: .exchange(miss))
            try expectErrors(response, 403, "auth_code_invalid", on: server)
        }
        try expectToken(server.answer(to: .exchange(code)))
    }

    @Test func refusalsDifferOnlyByIdentifier() throws {
        let server = try ServerProcess.shared()
        let used = try server.newCode()
        try expectToken(server.answer(to: .exchange(used)))
        let fresh = try server.newCode()
        let refusals = try [
            server.answer(to: .exchange(used)),
            server.answer(to: .exchange("unknown")),
            server.answer(to: .exchange(fresh, ["redirect_uri": #""https://evil.example""#])),
            server.answer(to: .exchange(used, ["redirect_uri": #""https://evil.example""#])),
        ]
        #expect(Set(refusals.map(\.textWithoutIdentifiers)).count == 1)
        #expect(Set(try refusals.map { try $0.errors()[0].id }).count == refusals.count)
        let fields = refusals.map { response in
            response.fields.filter { !["Date", "X-Request-Id"].contains($0.name) }.map {
                "\($0.name): \($0.value)"
            }
        }
        #expect(Set(fields).count == 1)
    }

    /// Eight connections hold back the last byte of the same exchange and then let go of it.
    @Test func racedCodeIsSpentOnce() throws {
        try race(on: try ServerProcess.shared())
    }

    @Test func racedCodeOnDiskIsSpentOnce() throws {
        let folder = NSTemporaryDirectory() + "obie-race-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try ServerProcess.with("--loops", "2", "--store", "sqlite:\(folder)/store.db") {
            try race(on: $0)
        }
    }

    private func race(on server: ServerProcess) throws {
        let connections = try (0..<8).map { _ in try server.connect() }
        var statuses: [Int: Int] = [:]
        for _ in 0..<1_000 {
            try connections[0].send(Call.makeCode().bytes)
            let code = try connections[0].readResponse().authorizationCode()
            let request = Call.exchange(code).bytes
            for connection in connections { try connection.send(request.dropLast()) }
            for connection in connections { try connection.send(request.suffix(1)) }
            let answers = try connections.map { try $0.readResponse().status }
            #expect(answers.count { $0 == 201 } == 1)
            for status in answers { statuses[status, default: 0] += 1 }
        }
        #expect(statuses == [201: 1_000, 403: 7_000])
    }
}
