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

    @Test func lineIsFoundAndExplained() throws {
        try write(.refusal(5), .full(.refused), .refusal(6))
        let matches = try AuditSearch.find(text(errorID(2)), in: folder.log)
        #expect(
            matches == [
                AuditMatch(
                    line: 2,
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
                          change       provider PSDGB-FCA-222222 was added
                          by           alice (uid 1000) as root (uid 0)
                        """)
            ])
    }

    @Test func preciseReasonIsASentence() throws {
        try write(.refusal(1))
        let match = try #require(try AuditSearch.find(text(errorID(1)), in: folder.log).first)
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
        #expect(AuditSearch.isErrorID(id))
        #expect(try AuditSearch.find(id, in: folder.log).count == 1)
    }

    @Test(arguments: [
        "", "x", "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-0000000000000",
        "00000000-0000-0000-0000-00000000000g", "000000000000-0000-0000-0000-00000000",
        "00000000000000000000000000000000", "é0000000-0000-0000-0000-0000000000",
    ])
    func whatIsNoErrorIDIsNone(text: String) {
        #expect(!AuditSearch.isErrorID(text))
    }

    @Test func unknownIDFindsNothing() throws {
        try write(.refusal(1))
        #expect(try AuditSearch.find(text(errorID(3)), in: folder.log).isEmpty)
        try folder.write([])
        #expect(try AuditSearch.find(text(errorID(3)), in: folder.log).isEmpty)
    }

    /// A client cannot make its text look like an error object, nor a terminal obey.
    @Test func textOfAClientIsNotFoundNorObeyed() throws {
        var event = AuditEvent.refusal(1)
        event.clientID = "{\"id\":\"\(text(errorID(3)))\"\u{1B}[2J\n  why  it was right"
        try write(event)
        #expect(try AuditSearch.find(text(errorID(3)), in: folder.log).isEmpty)
        let match = try #require(try AuditSearch.find(text(errorID(1)), in: folder.log).first)
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
        #expect(try AuditSearch.find(text(errorID(2)), in: folder.log).map(\.line) == [4])
    }

    @Test(arguments: [99, 100, 101])
    func matchesAreBounded(count: Int) throws {
        var chain = AuditChain()
        var bytes: [UInt8] = []
        for _ in 0..<count { chain.append(AuditRecord(.refusal(1)), to: &bytes) }
        try folder.write(bytes)
        #expect(
            try AuditSearch.find(text(errorID(1)), in: folder.log).count
                == min(count, AuditSearch.matchesMax))
    }

    @Test func everyRefusalOfACodeHasItsReason() {
        let refusals: [CodeRefusal] = [
            .unknown, .expired, .used, .otherInstitution, .otherProvider, .otherRedirectURI,
        ]
        #expect(Set(refusals.map { AuditReason($0) }).count == refusals.count)
    }
}
