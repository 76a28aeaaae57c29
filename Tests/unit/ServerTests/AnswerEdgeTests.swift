// Answers that stand at the edge of the contract: proofs that nobody can read, and what the sandbox says of
// its provider.

import Testing
import Tokens

@testable import Server

@Suite struct AnswerEdgeTests {
    private static func ask(
        _ path: String, _ body: String, type: String?, authorization: String? = nil
    ) -> String {
        "POST \(path) HTTP/1.1\r\nHost: x\r\n"
            + (type.map { "Content-Type: \($0)\r\n" } ?? "")
            + (authorization.map { "Authorization: \($0)\r\n" } ?? "")
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// Whoever has written id and secret into such a body is not told that they are wrong.
    @Test(
        arguments: ["/oauth2/introspect", "/oauth2/revoke"],
        ["application/json", "text/plain", nil])
    func proofInABodyThatIsNoFormIsABadRequest(path: String, type: String?) {
        let rig = AuditedConnection()
        let form = "client_id=api-consumer-id&client_secret=password&token=a"
        for body in [form, #"{"client_id":"api-consumer-id","client_secret":"password"}"#, "x"] {
            #expect(rig.send(Self.ask(path, "", type: type)).status == 401)
            for authorization in [nil, ""] {
                let answer = rig.send(
                    Self.ask(path, body, type: type, authorization: authorization))
                #expect(answer.status == 400, "\(answer.text)")
                #expect(answer.text.contains(#""error":"invalid_request""#))
                #expect(answer.text.contains("Content-Type must be"))
            }
        }
        // Wrong credentials are told first, and right ones make it the type's fault.
        let wrong = Self.ask(path, form, type: type, authorization: "Basic eDp5")
        #expect(rig.send(wrong).status == 401)
        let right = Self.ask(
            path, form, type: type, authorization: "Basic YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk")
        #expect(rig.send(right).status == 400)
        // A form says who asks, or does not.
        let type = "application/x-www-form-urlencoded"
        #expect(rig.send(Self.ask(path, form, type: type)).status == 200)
        #expect(rig.send(Self.ask(path, "token=a", type: type)).status == 401)
    }

    @Test func sandboxSaysWhatItsProviderMayNotDo() throws {
        let rig = AuditedConnection()
        let call = AuditedConnection.post(
            "/v1/obie/tokens", #"{"grant_type":"client_credentials"}"#)
        let plain = rig.send(call)
        #expect(plain.status == 201 && !plain.text.contains("warning"))
        for (terms, words) in [
            (ProviderTerms(status: .withdrawn), "withdrawn"),
            (
                ProviderTerms(status: .authorised, services: []),
                "authorised for none of the services"
            ),
        ] {
            var content = RegistryContent.sandbox
            try content.setProvider("PSDGB-FCA-222222", terms)
            rig.feed.publish(Registry(content, now: 0))
            let answer = rig.send(call)
            #expect(answer.status == 201)
            let body = answer.text.components("\r\n\r\n").last ?? ""
            #expect(body.hasPrefix(#"{"data":{"access_token":"good-access-token","expires_in":"#))
            #expect(
                body.contains(#""token_type":"bearer","warning":""#) && body.hasSuffix(#"."}}"#))
            #expect(body.contains(words) && body.contains("PSDGB-FCA-222222"))
        }
        var content = RegistryContent.sandbox
        try content.setProvider("PSDGB-FCA-222222", ProviderTerms(services: .payments))
        rig.feed.publish(Registry(content, now: 0))
        #expect(rig.send(call).text == plain.text || !rig.send(call).text.contains("warning"))
    }
}
