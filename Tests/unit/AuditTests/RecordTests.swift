// Lines: one event is one line of valid JSON whatever is in it, and no secret is.

import Crypto
import CryptoForTests
import Foundation
import Testing

@testable import Audit
@testable import Tokens

@Suite struct RecordTests {
    private func line(_ event: AuditEvent) -> [UInt8] {
        var chain = AuditChain()
        var bytes: [UInt8] = []
        chain.append(AuditRecord(event), to: &bytes)
        return bytes
    }

    @Test func lineHasEverythingInItsPlace() {
        let expected = """
            {"time":"2026-11-26T18:53:02.123Z","event":"refused","errors":[\
            {"id":"00000000-0000-0000-0000-000000000001","code":"parameter_missing"},\
            {"id":"00000000-0000-0000-0000-000000000002","code":"parameter_invalid"}],\
            "reason":"auth_code is required","redirect_uri":"https://psp.example/other",\
            "code_redirect_uri":"https://psp.example/callback","client":"api-consumer-id",\
            "peer":"192.0.2.1","fi":"PSDGB-FCA-111111",\
            "psp":"PSDGB-FCA-222222","consent":"consent-1","code":"\(digest(1, 2))",\
            "token":"\(digest(3, 4))","scope":"payments","transaction_reference":"reference-1",\
            "interaction_id":"c770aef3-6784-41f7-8e0e-ff5f97bddb3a",\
            "request_id":"request-\\"1\\"","trace_id":"0af7651916cd43dd8448eb211c80319c",\
            "change":"provider PSDGB-FCA-222222 was added","version":"0.7.0",\
            "store":"sqlite:/var/lib/x.db",\
            "actor":"alice (uid 1000) as root (uid 0)",\
            "prev":"\(String(repeating: "0", count: 64))"}

            """
        #expect(String(decoding: line(.full(.refused)), as: UTF8.self) == expected)
    }

    /// What the SQLite store has in its rows, cut to eight bytes.
    private func digest(_ high: UInt16, _ low: UInt64) -> String {
        let id = Identifier(issuedAt: AuditEvent.time, randomHigh: high, randomLow: low)
        return SHA256.hash(id.bytes.span).prefix(8).map { String(format: "%02x", $0) }
            .joined()
    }

    @Test func whatIsAbsentHasNoMember() throws {
        let members = try object(line(AuditEvent(.codeIssued, at: 0)).dropLast())
        #expect(Set(members.keys) == ["time", "event", "prev"])
    }

    static let times: [(Milliseconds, String)] = [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (.max, "9999-12-31T23:59:59.999Z"),
        (-1, "1970-01-01T00:00:00.000Z"), (.min, "1970-01-01T00:00:00.000Z"),
    ]

    @Test(arguments: times)
    func timeIsInUTCToTheMillisecond(milliseconds: Milliseconds, text: String) throws {
        let members = try object(line(AuditEvent(.refused, at: milliseconds)).dropLast())
        #expect(members["time"] as? String == text)
    }

    static let hostile: [String] = [
        "\"", "\\", "\n", "\r\n", "\u{0}", "\u{1}\u{1F}", "\u{7F}", "\u{85}\u{9B}31m", "\u{1B}[31m",
        "\u{2028}\u{2029}", "\u{202E}evil\u{2066}", "\",\"prev\":\"", "\"}\n{\"time\":\"", "é漢字🏦",
        "\u{FEFF}", "\u{E0001}", "\u{10FFFF}", "\\u000a", "\\", "a\\\"b", "\t\u{8}\u{C}", "",
    ]

    @Test(arguments: hostile)
    func hostileTextStaysOneLineAndComesBack(text: String) throws {
        var event = AuditEvent.full(.authenticationFailed)
        event.clientID = text
        event.consentID = text
        event.transactionReference = text
        event.errors = [(errorID(1), text)]
        let bytes = line(event)
        #expect(bytes.filter { $0 == 10 }.count == 1 && bytes.last == 10)
        let members = try object(bytes.dropLast())
        #expect(members["client"] as? String == text)
        #expect(members["consent"] as? String == text)
        #expect(members["transaction_reference"] as? String == text)
        #expect(members["prev"] as? String == AuditHash.start.text)
        let shown = String(decoding: bytes.dropLast(), as: UTF8.self).unicodeScalars
        let invisible = shown.filter { scalar in
            [.control, .format, .lineSeparator, .paragraphSeparator].contains(
                scalar.properties.generalCategory)
        }
        #expect(invisible.isEmpty, "a terminal would obey")
        let parsed = try #require(AuditLine(bytes.dropLast()))
        #expect(parsed["prev"] == AuditHash.start.text && parsed.errors.count == 1)
    }

    /// OBIE_SEED repeats it.
    @Test func randomTextsComeBack() throws {
        let seed =
            ProcessInfo.processInfo.environment["OBIE_SEED"].flatMap { UInt64($0) }
            ?? UInt64.random(in: 0...UInt64.max)
        print("RecordTests: OBIE_SEED=\(seed)")
        var state = seed
        func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        for _ in 0..<2000 {
            var text = ""
            for _ in 0..<next(40) {
                let value = UInt32(next(2) == 0 ? next(0x80) : next(0x11_0000))
                if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
            }
            var event = AuditEvent(.refused, at: 0)
            event.reason = text
            let bytes = line(event)
            let members = try object(bytes.dropLast())
            let back = try #require(members["reason"] as? String)
            #expect(Array(back.unicodeScalars) == Array(text.unicodeScalars), "seed \(seed)")
            #expect(bytes.firstIndex(of: 10) == bytes.count - 1, "seed \(seed)")
        }
    }

    @Test func longestLineIsWithinTheLimitOfReaders() throws {
        for filler in ["\u{1}", "\u{AD}", "\u{200B}", "\u{E0001}", "\"", "x", "🏦"] {
            let long = String(repeating: filler, count: 10_000)
            var event = AuditEvent.full(.authenticationFailed)
            event.errors = Array(repeating: (errorID(1), long), count: 100)
            event.reason = long
            event.clientID = long
            event.institution = long
            event.provider = long
            event.consentID = long
            event.transactionReference = long
            event.interactionID = long
            event.redirectURI = long
            event.codeRedirectURI = long
            event.actor = long
            event.details = [("version", long), ("store", long)]
            event.requestID = .given([UInt8](repeating: 0x22, count: 128))
            event.change = long
            let bytes = line(event)
            #expect(bytes.count <= AuditRecord.lineBytesMax)
            let members = try object(bytes.dropLast())
            let client = try #require(members["client"] as? String)
            #expect(client.utf8.count <= AuditRecord.textBytesMax && client.hasSuffix("…"))
            #expect((members["errors"] as? [Any])?.count == AuditRecord.errorsMax)
        }
    }

    @Test(arguments: [511, 512, 513])
    func textIsCutBeyondItsLimitOnly(count: Int) throws {
        var event = AuditEvent(.refused, at: 0)
        event.clientID = String(repeating: "x", count: count)
        let members = try object(line(event).dropLast())
        let expected =
            count <= AuditRecord.textBytesMax
            ? String(repeating: "x", count: count) : String(repeating: "x", count: 509) + "…"
        #expect(members["client"] as? String == expected)
    }

    /// A client may send a code or token in the place of a redirect URI.
    @Test(arguments: [
        ("https://a.example/b-c", "https://a.example/b-c"), ("", ""),
        (String(repeating: "a", count: 31), String(repeating: "a", count: 31)),
        (String(repeating: "a", count: 32), "…"),
        (
            "https://a.example/?code=0123456789abcdef0123456789ABCDEF&x=1",
            "https://a.example/?code=…&x=1"
        ),
        ("u#8c9378f8-e27f-4e0a-a643-d73585d1249f", "u#…"),
    ])
    func presentedRedirectURIHoldsNoCodeOrToken(presented: String, shown: String) throws {
        var event = AuditEvent(.refused, at: 0)
        event.redirectURI = presented
        #expect(try object(line(event).dropLast())["redirect_uri"] as? String == shown)
    }

    @Test func drawnRequestIDIsWrittenInHexadecimal() throws {
        var event = AuditEvent(.tokenIssued, at: 0)
        event.requestID = .drawn(errorID(0xABC))
        let shown = try object(line(event).dropLast())["request_id"] as? String
        #expect(shown == String(repeating: "0", count: 29) + "abc")
    }

    @Test(
        arguments: [
            ([], nil), ([127, 0, 0, 1], "127.0.0.1"), ([255, 254, 0, 1], "255.254.0.1"),
            (
                [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [1],
                "2001:db8::1"
            ),
        ] as [([UInt8], String?)])
    func addressIsWrittenAsPeopleWriteIt(bytes: [UInt8], text: String?) throws {
        var event = AuditEvent(.tokenIssued, at: 0)
        event.peer = bytes
        #expect(try object(line(event).dropLast())["peer"] as? String == text)
    }

    @Test(arguments: AuditEvent.Kind.allCases)
    func noSecretIsInALine(kind: AuditEvent.Kind) throws {
        let sealer = IdentifierSealer(
            Keyring(SealingKey { bytes in for index in bytes.indices { bytes[index] = 7 } }))
        let event = AuditEvent.full(kind)
        let shown = String(decoding: line(event), as: UTF8.self)
        for id in [try #require(event.code), AuditEvent.fullToken] {
            let sealed = sealer.seal(id)
            var code: [UInt8] = []
            sealed.appendCode(to: &code)
            let open = id.bytes.map { String(format: "%02x", $0) }.joined()
            #expect(!shown.contains(text(sealed)))
            for secret in [String(decoding: code, as: UTF8.self), open] {
                #expect(!shown.contains(secret) && !shown.contains(secret.prefix(12)))
            }
        }
    }

    @Test func namesAreDistinctAndLeaveTheLogsOwnAlone() {
        let names = AuditEvent.Kind.allCases.map(\.rawValue)
        #expect(Set(names).count == names.count)
        #expect(!names.contains(AuditRecord.droppedName))
        #expect(!names.contains(AuditRecord.repairedName))
        #expect(!names.contains(AuditRecord.continuedName))
    }
}
