// What an error id leads to.

import Foundation
import Testing

@testable import Audit
@testable import Tokens

@Suite struct SearchTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func write(_ events: AuditEvent...) throws {
        for event in events { try AuditLog.append(event, to: folder.log) { _ in } }
    }

    /// All that fit, in the one file.
    private func find(_ query: AuditQuery) throws -> [AuditMatch] {
        var matches: [AuditMatch] = []
        try AuditSearch.find(query, in: [folder.log]) { matches.append($0) }
        return matches
    }

    private func find(_ errorID: String) throws -> [AuditMatch] {
        var query = AuditQuery()
        query.errorID = errorID
        return try find(query)
    }

    @Test func lineIsFoundAndExplained() throws {
        try write(.refusal(5), .full(.refused), .refusal(6))
        let matches = try find(text(errorID(2)))
        #expect(
            matches == [
                AuditMatch(
                    path: folder.log, number: 2,
                    line: String(decoding: try folder.lines()[1], as: UTF8.self),
                    explanation: """
                        line 2, 2026-11-26T18:53:02.123Z: a request was refused
                          why          auth_code is required
                          error        00000000-0000-0000-0000-000000000001 parameter_missing
                          error        00000000-0000-0000-0000-000000000002 parameter_invalid  <- this one
                          redirect URI https://psp.example/other
                          the code's   https://psp.example/callback
                          client       api-consumer-id
                          address      192.0.2.1
                          institution  PSDGB-FCA-111111
                          provider     PSDGB-FCA-222222
                          consent      consent-1
                          scope        payments
                          code digest  \(try folder.objects()[1]["code"] as? String ?? "")
                          token digest \(try folder.objects()[1]["token"] as? String ?? "")
                          transaction  reference-1
                          interaction  c770aef3-6784-41f7-8e0e-ff5f97bddb3a
                          request      request-\\"1\\"
                          trace        0af7651916cd43dd8448eb211c80319c
                          version      0.7.0
                          store        sqlite:/var/lib/x.db
                          change       provider PSDGB-FCA-222222 was added
                          by           alice (uid 1000) as root (uid 0)
                        """)
            ])
    }

    @Test func preciseReasonIsASentence() throws {
        try write(.refusal(1))
        let match = try #require(try find(text(errorID(1))).first)
        #expect(
            match.explanation.contains(
                "The code was right, but came after its lifetime had ended. (code_expired)"))
    }

    @Test(arguments: AuditReason.allCases)
    func everyReasonHasASentence(reason: AuditReason) {
        let sentence = AuditSentences.reason(reason.rawValue)
        #expect(sentence.hasSuffix(". (\(reason.rawValue))") && sentence.contains(" "))
    }

    @Test(arguments: AuditEvent.Kind.allCases)
    func everyEventHasASentence(kind: AuditEvent.Kind) {
        #expect(AuditSentences.event(kind.rawValue).contains(" "))
    }

    @Test func digitsInCapitalsAreTheSame() throws {
        try write(.refusal(0xABC))
        let id = text(errorID(0xABC)).uppercased()
        #expect(AuditQuery.isErrorID(id))
        #expect(try find(id).count == 1)
    }

    @Test(arguments: [
        "", "x", "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-0000000000000",
        "00000000-0000-0000-0000-00000000000g", "000000000000-0000-0000-0000-00000000",
        "00000000000000000000000000000000", "é0000000-0000-0000-0000-0000000000",
    ])
    func whatIsNoErrorIDIsNone(text: String) {
        #expect(!AuditQuery.isErrorID(text))
    }

    @Test func unknownIDFindsNothing() throws {
        try write(.refusal(1))
        #expect(try find(text(errorID(3))).isEmpty)
        try folder.write([])
        #expect(try find(text(errorID(3))).isEmpty)
    }

    /// A client cannot make its text look like an error object, nor a terminal obey.
    @Test func textOfAClientIsNotFoundNorObeyed() throws {
        var event = AuditEvent.refusal(1)
        event.clientID = "{\"id\":\"\(text(errorID(3)))\"\u{1B}[2J\n  why  it was right"
        try write(event)
        #expect(try find(text(errorID(3))).isEmpty)
        let match = try #require(try find(text(errorID(1))).first)
        #expect(!match.explanation.contains("\u{1B}"))
        #expect(match.explanation.split(separator: "\n").count == 5)
    }

    @Test func brokenLinesDoNotHideOthers() throws {
        try write(.refusal(1), .refusal(2))
        let lines = try folder.lines()
        let junk: [[UInt8]] = [
            Array(repeating: 120, count: 700_000), Array("{\"id\":\"\(text(errorID(2)))\"".utf8),
        ]
        try folder.write((junk + lines + [Array("{\"time".utf8)]).flatMap { $0 + [10] }.dropLast())
        #expect(try find(text(errorID(2))).map(\.number) == [4])
    }

    /// Each thing that can be looked for, a value that is there, and one that is not.
    static var things: [(path: WritableKeyPath<AuditQuery, String?>, is: String, isNot: String)] {
        [
            (
                \.errorID, "00000000-0000-0000-0000-000000000001",
                "00000000-0000-0000-0000-000000000003"
            ),
            (\.requestID, "request-\"1\"", "request-"),
            (\.interactionID, "c770aef3-6784-41f7-8e0e-ff5f97bddb3a", "c770aef3"),
            (\.consentID, "consent-1", "consent"),
            (\.institution, "PSDGB-FCA-111111", "PSDGB-FCA-222222"),
            (\.provider, "PSDGB-FCA-222222", "PSDGB-FCA-111111"),
            (\.client, "api-consumer-id", "api-consumer"),
            (\.since, "2026-11-26T18:53:02.123", "2026-11-26T18:53:02.124"),
            (\.until, "2026-11-26T18:53:02.124", "2026-11-26T18:53:02.123"),
        ]
    }

    /// Every event can be found by everything that its line has.
    @Test(arguments: AuditEvent.Kind.allCases)
    func everyEventIsFoundByEachOfItsFields(kind: AuditEvent.Kind) throws {
        try write(.full(kind), AuditEvent(kind, at: 0))
        var all = AuditQuery()
        for (path, value, other) in Self.things {
            var (right, wrong) = (AuditQuery(), AuditQuery())
            right[keyPath: path] = value
            wrong[keyPath: path] = other
            all[keyPath: path] = value
            let isTime = path == \.until
            #expect(try find(right).map(\.number) == (isTime ? [1, 2] : [1]), "\(value)")
            #expect(try find(wrong).map(\.number) == (isTime ? [2] : []), "\(other)")
        }
        #expect(try find(all).map(\.number) == [1], "all at once")
        for (path, _, other) in Self.things where path != \.until {
            var wrong = all
            wrong[keyPath: path] = other
            #expect(try find(wrong).isEmpty, "one of them does not fit")
        }
    }

    @Test func severalFilesAreReadInOrder() throws {
        try write(.refusal(1), .refusal(2))
        let first = folder.log + ".1"
        try FileManager.default.moveItem(atPath: folder.log, toPath: first)
        try write(.refusal(1))
        var (query, found) = (AuditQuery(), [(String, Int)]())
        query.consentID = "consent-1"
        try AuditSearch.find(query, in: [first, folder.log]) { match in
            found.append((match.path, match.number))
            #expect(match.explanation.hasPrefix("\(match.path), line \(match.number), 2026"))
        }
        #expect(found.map(\.0) == [first, folder.log] && found.map(\.1) == [1, 2])
    }

    @Test(
        arguments: [
            ("2026-11-28", "2026-11-28"), ("2026-11-28T10", "2026-11-28T10"),
            ("2026-11-28 10:15", "2026-11-28T10:15"),
            ("2026-11-28T10:15:00Z", "2026-11-28T10:15:00"),
            ("2026-11-28t10:15:00.123z", "2026-11-28T10:15:00.123"), ("", nil), ("2026", nil),
            ("2026-11-28T", nil), ("28.11.2026", nil), ("2026-11-28T10:15:00+01:00", nil),
            ("2026-11-28T10:15:00.1234", nil), ("yesterday!", nil),
            ("2024-02-29T2", "2024-02-29T2"), ("2026-02-29", nil), ("2026-11-31", nil),
            ("2026-13-01", nil), ("2026-11-00", nil), ("0000-00-00", nil),
            ("2026-11-30T23:59:59.999", "2026-11-30T23:59:59.999"), ("2026-11-30T24", nil),
            ("2026-11-30T3", nil), ("2026-11-30T10:60", nil), ("2026-11-30T10:6", nil),
            ("2026-11-30T10:15:60", nil), ("2026-11-30 25:00", nil),
        ] as [(String, String?)])
    func timesAreReadAsPeopleWriteThem(text: String, time: String?) {
        #expect(AuditQuery.time(text) == time)
    }

    /// A change is about whom its members name; where it has none, about whom its words name.
    @Test func changesAreFoundByThoseWhomTheyAreAbout() throws {
        func changed(_ words: String, _ institution: String? = nil) -> AuditEvent {
            var event = AuditEvent(.registryChanged, at: 0)
            (event.change, event.institution) = (words, institution)
            return event
        }
        try write(
            changed("institution bank-1 added, client one"), changed("provider psp-1: gone"),
            changed("bank-1 is also a provider", "bank-2"), changed("provider bank-11 added"),
            .refusal(1), changed("provider a\"b added"))
        func lines(_ path: WritableKeyPath<AuditQuery, String?>, _ text: String) throws -> [Int] {
            var query = AuditQuery()
            query[keyPath: path] = text
            return try find(query).map(\.number)
        }
        for path in [\AuditQuery.institution, \.provider, \.client] {
            #expect(try lines(path, "bank-1") == [1])
            #expect(try lines(path, "psp-1") == [2])
            #expect(try lines(path, "bank-11") == [4])
            #expect(try lines(path, "a\"b") == [6])
            #expect(try lines(path, "bank") == [] && lines(path, "psp-1:") == [2])
        }
        #expect(try lines(\.institution, "bank-2") == [3])
        #expect(try lines(\.client, "one") == [1])
        #expect(try lines(\.provider, "bank-2") == [])
        var both = AuditQuery()
        (both.institution, both.client) = ("bank-1", "one")
        #expect(try find(both).map(\.number) == [1])
    }

    @Test func queryOfNothingIsEmpty() {
        #expect(AuditQuery().isEmpty)
        for (path, value, _) in Self.things {
            var query = AuditQuery()
            query[keyPath: path] = value
            #expect(!query.isEmpty)
        }
    }

    @Test func everyRefusalOfACodeHasItsReason() {
        let refusals: [CodeRefusal] = [
            .unknown, .expired, .used, .otherInstitution, .otherProvider, .otherRedirectURI,
        ]
        #expect(Set(refusals.map { AuditReason($0) }).count == refusals.count)
    }
}
