// What was done for a client that has gone is recorded like everything else: in the audit log, the
// metrics and the access log.

import Foundation
import Testing
import Tokens

@testable import Server

@Suite struct UndeliveredAnswerTests {
    enum Deed: CaseIterable {
        case codeIssued, tokenIssued, tokenRevoked, ccgTokenIssued, consentRevoked

        var mode: IssuerSettings.Mode { self == .ccgTokenIssued ? .production : .sandbox }

        var event: AuditEvent.Kind {
            switch self {
            case .codeIssued: .codeIssued
            case .tokenIssued: .tokenIssued
            case .tokenRevoked: .tokenRevoked
            case .ccgTokenIssued: .ccgTokenIssued
            case .consentRevoked: .consentRevoked
            }
        }

        func counter(_ metrics: LoopMetrics) -> Int {
            switch self {
            case .codeIssued: metrics.codesIssued.value
            case .tokenIssued: metrics.tokensIssued.value
            case .tokenRevoked: metrics.tokensRevoked.value
            case .ccgTokenIssued: metrics.ccgTokensIssued.value
            case .consentRevoked: metrics.consentsRevoked.value
            }
        }

        var line: String {
            switch self {
            case .codeIssued: #""route":"/v1/obie/authorization_codes","status":201"#
            case .tokenIssued, .ccgTokenIssued: #""route":"/v1/obie/tokens","status":201"#
            case .tokenRevoked: #""route":"/oauth2/revoke","status":200"#
            case .consentRevoked: #""route":"/v1/obie/consents/revoke","status":200"#
            }
        }

        /// The request, behind whatever has to be done before it.
        func request(_ connection: AuditedConnection) -> String {
            switch self {
            case .codeIssued: return AuditedConnection.makeCode
            case .tokenIssued: return AuditedConnection.exchange(connection.newCode())
            case .ccgTokenIssued:
                return AuditedConnection.post(
                    "/v1/obie/tokens",
                    #"{"grant_type":"client_credentials","psp_id":"PSDGB-FCA-222222"}"#)
            case .consentRevoked:
                return AuditedConnection.post(
                    "/v1/obie/consents/revoke", #"{"consent_id":"consent-1"}"#)
            case .tokenRevoked:
                let answer = connection.send(AuditedConnection.exchange(connection.newCode())).text
                let token =
                    answer.components("\"").drop { $0 != "access_token" }.dropFirst(2).first ?? ""
                let form = "token=\(token)"
                return "POST /oauth2/revoke HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "
                    + "YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk\r\nContent-Type: "
                    + "application/x-www-form-urlencoded\r\nContent-Length: \(form.utf8.count)"
                    + "\r\n\r\n\(form)"
            }
        }
    }

    @Test(arguments: Deed.allCases, [false, true])
    func whatWasDoneIsRecordedOnce(deed: Deed, isStreamGone: Bool) throws {
        let pipe = Pipe()
        let log = try Logger(
            .json, .info, isAccessLogged: true,
            descriptor: pipe.fileHandleForWriting.fileDescriptor)
        let metrics = LoopMetrics(CodeCensus(lifetime: 60_000, now: 1_800_000_000_000))
        let connection = AuditedConnection(deed.mode, metrics: metrics, log: log)
        let request = deed.request(connection)
        let (events, count) = (connection.events.count, deed.counter(metrics))
        connection.storeWaits()
        #expect(connection.send(request).text.isEmpty)
        connection.clientFails()
        if isStreamGone { connection.streamCloses() }
        #expect(connection.events.count == events && deed.counter(metrics) == count)
        connection.storeAnswers()
        connection.storeAnswers()
        #expect(connection.events.dropFirst(events).map(\.kind) == [deed.event])
        #expect(deed.counter(metrics) == count + 1)
        // The loop must wait for it where the stream has made its last call, and only there.
        #expect(connection.answeredAfterClose == (isStreamGone ? 1 : 0))
        connection.observer.turnEnded()
        log.close()
        try pipe.fileHandleForWriting.close()
        let lines = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let last = try #require(lines.components("\n").last { !$0.isEmpty })
        #expect(last.contains(deed.line) && last.contains(#""bytes":0,"#))
    }
}
