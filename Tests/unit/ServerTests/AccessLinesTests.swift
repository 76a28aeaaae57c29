// The access log's lines, byte by byte, in either format.

import Bytes
import Testing
import Tokens
import UV

@testable import Server

@Suite struct AccessLinesTests {
    private static let given = RequestOrigin(
        id: .given(Array(#"a"b"#.utf8)), peer: [127, 0, 0, 1], proxy: [], security: nil)
    private static let interactionID = "93bac548-D2de-4546-b106-880a5018460d"
    private static let traceID = "0af7651916cd43dd8448eb211c80319c"

    private static func notes(_ client: String, _ institution: String) -> RequestNotes {
        let trace = Array("00-\(traceID)-b7ad6b7169203331-01".utf8)
        let id = InteractionID(Array(interactionID.utf8).span)
        let notes = RequestNotes(
            id, TraceContext(trace.span, trace.indices), isAudited: false)
        (notes.clientID, notes.isAuthenticated) = (client, true)
        notes.institutionName = Array(institution.utf8)
        return notes
    }

    private static func identifier() throws -> SealedIdentifier {
        let id = SealedIdentifier(code: Array(traceID.utf8).span)
        return try #require(id)
    }

    private func taken(_ lines: AccessLines) -> String {
        var text = ""
        lines.take { text = String(decoding: $0, as: UTF8.self) + ($1 == 0 ? "none" : "") }
        return text
    }

    /// Without the time, whose form is looked at.
    private func behindTime(_ line: Substring) throws -> String {
        let match = try #require(
            line.prefixMatch(of: /{"time":"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/), "\(line)")
        return String(line[match.range.upperBound...])
    }

    @Test func lineOfAnAnswerToNobodyKnown() throws {
        let lines = AccessLines(.json)
        lines.append(
            .fixedToken(warning: nil), [], RequestRecord(.post), 1_002_003, bytes: 42, Self.given)
        #expect(
            try behindTime(taken(lines)[...]) == #","level":"info","message":"answered""#
                + #","method":"POST","route":"other","status":201,"duration_ms":1002.003"#
                + #","bytes":42,"peer":"127.0.0.1","request_id":"a\"b"}"# + "\n")
        #expect(taken(lines) == "none" && lines.length == 0 && lines.count == 0)
    }

    @Test func lineHasEverythingInItsOrder() throws {
        let lines = AccessLines(.json)
        let id = try Self.identifier()
        let origin = RequestOrigin(
            id: .drawn(id), peer: [192, 0, 2, 10],
            proxy: [0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            security: StreamSecurity(version: "TLSv1.3", cipher: "AES", thumbprint: "print-_"))
        var record = RequestRecord(.get, Self.notes(#"cl"ient"#, "PSDGB-FCA-111111"))
        record.route = .tokens
        let fault = Fault(.parameterInvalid, "no")
        lines.append(.faults([fault, fault]), [id, id], record, 7, bytes: 1234, origin)
        let uuid = "0af76519-16cd-43dd-8448-eb211c80319c"
        #expect(
            try behindTime(taken(lines)[...]) == #","level":"info","message":"answered""#
                + #","method":"GET","route":"/v1/obie/tokens","status":400,"duration_ms":0.007"#
                + #","bytes":1234,"peer":"192.0.2.10","proxy":"2001:db8::1","tls":"TLSv1.3""#
                + #","cipher":"AES","thumbprint":"print-_""#
                + #","errors":"parameter_invalid,parameter_invalid","error_ids":"\#(uuid),\#(uuid)""#
                + #","client":"cl\"ient","fi":"PSDGB-FCA-111111""#
                + #","interaction_id":"\#(Self.interactionID)","request_id":"\#(Self.traceID)""#
                + #","trace_id":"\#(Self.traceID)","parent_id":"b7ad6b7169203331"}"# + "\n")
    }

    @Test func lineForPeopleHasNoTimeAndNoQuotes() {
        let lines = AccessLines(.text)
        let record = RequestRecord(.options, Self.notes("client", "institution"))
        lines.append(
            .options(allow: "GET"), [], record, 12_345, bytes: 0, Self.given)
        #expect(
            taken(lines) == "obie-tokens: answered method=OPTIONS route=other status=204"
                + " duration_ms=12.345 bytes=0 peer=127.0.0.1 client=client fi=institution"
                + " interaction_id=\(Self.interactionID) request_id=a\"b trace_id=\(Self.traceID)"
                + " parent_id=b7ad6b7169203331\n")
    }

    @Test func statusesOfOneRouteTakeTurns() {
        let lines = AccessLines(.text)
        let responses: [Response] = [
            .fixedToken(warning: nil), .options(allow: ""), .options(allow: ""),
        ]
        for response in responses {
            lines.append(response, [], RequestRecord(.post), 0, bytes: 0, Self.given)
        }
        let found = taken(lines).matches(of: /status=(\d+)/).map { String($0.1) }
        #expect(found == ["201", "204", "204"])
    }

    /// Whoever has not proven who it is stays unnamed.
    @Test func clientIsNamedOnceItIsProven() {
        let lines = AccessLines(.json)
        let notes = Self.notes("client", "institution")
        notes.isAuthenticated = false
        lines.append(
            .options(allow: ""), [], RequestRecord(.post, notes), 0, bytes: 0, Self.given)
        #expect(!taken(lines).contains("client"))
    }

    /// There is room for the longest texts, all of which are escaped.
    @Test func longestLineFits() throws {
        let lines = AccessLines(.json)
        let worst = String(repeating: "\u{1}", count: 1000)
        let address = [UInt8](repeating: 0xFF, count: 16)
        let origin = RequestOrigin(
            id: .given([UInt8](repeating: 0x22, count: 128)), peer: address, proxy: address,
            security: StreamSecurity(version: worst, cipher: worst, thumbprint: worst))
        var record = RequestRecord(.options, Self.notes(worst, worst))
        record.route = .consents
        let id = try Self.identifier()
        let fault = Fault(.parameterInvalid, "no")
        for _ in 0..<20 {
            lines.append(
                .faults([Fault](repeating: fault, count: 30)),
                [SealedIdentifier](repeating: id, count: 30), record, .max, bytes: .max, origin)
        }
        let text = taken(lines)
        #expect(text.split(separator: "\n").count == 20)
        #expect(text.contains(#""peer":"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff""#))
        #expect(text.hasSuffix(#""parent_id":"b7ad6b7169203331"}"# + "\n"))
    }

    @Test func linesAreAppendedInPlace() {
        let lines = AccessLines(.json)
        var capacity = 0
        for round in 0..<3 {
            for _ in 0..<3000 {
                lines.append(
                    .fixedToken(warning: nil), [], RequestRecord(.post), 0, bytes: 0, Self.given)
            }
            #expect(lines.count == 3000)
            // An array that is copied for each line gets a page more each time.
            #expect(lines.capacity < 4 * lines.length)
            if round > 0 { #expect(lines.capacity == capacity) }
            capacity = lines.capacity
            #expect(taken(lines).split(separator: "\n").count == 3000)
        }
    }
}
