// How a client may prove itself, and what counts as an attempt: answers of real routes.

import Bytes
import CryptoForTests
import HTTP1
import Testing
import Tokens

@testable import Server

@Suite struct CredentialTests {
    private static func encode(_ text: String) -> String {
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let plain = Array(text.utf8)
        var output: [UInt8] = []
        for start in stride(from: 0, to: plain.count, by: 3) {
            let bytes = plain[start..<min(start + 3, plain.count)]
            let bits = bytes.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - bytes.count))
            for index in 0...bytes.count { output.append(alphabet[bits >> (18 - 6 * index) & 63]) }
            output += [UInt8](repeating: UInt8(ascii: "="), count: 3 - bytes.count)
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func basic(_ text: String) -> String {
        AuditedConnection.post(
            "/v1/obie/tokens", #"{"grant_type":"client_credentials"}"#, credentials: encode(text))
    }

    private static func form(_ body: String, _ fields: String = "") -> String {
        "POST /oauth2/introspect HTTP/1.1\r\nHost: x\r\n\(fields)"
            + "Content-Type: application/x-www-form-urlencoded\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static let good = "Authorization: Basic \(encode("api-consumer-id:password"))\r\n"

    /// A registry where one client's own text looks encoded, and another's decoded one is the same.
    @Test func credentialsAreTakenAsTheyAreFirst() {
        let rig = AuditedConnection()
        var content = RegistryContent.sandbox
        guard let known = content.clients["api-consumer-id"] else { return }
        for (id, secret) in [("a+b", "x%41"), ("a b", "xA"), ("c d", "y+z")] {
            content.clients[id] = ClientRecord(
                id: id, secret: SecretDigest(of: Array(secret.utf8)),
                institutions: known.institutions)
        }
        rig.feed.publish(Registry(content, now: 0))
        for (text, status, id) in [
            ("a+b:x%41", 201, "a+b"), ("a+b:xA", 201, "a b"), ("a%20b:xA", 201, "a b"),
            ("a%2Bb:x%2541", 201, "a+b"), ("c+d:y%2Bz", 201, "c d"), ("c d:y+z", 201, "c d"),
            ("c+d:y+z", 401, "c d"), ("a+b:nope", 401, "a+b"), ("nobody+:nope", 401, nil),
        ] as [(String, Int, String?)] {
            let answer = rig.send(Self.basic(text))
            #expect(answer.status == status, "\(text)")
            #expect(answer.event?.clientID == id, "\(text)")
        }
    }

    /// Twenty guesses at one client, however its id is spelt.
    @Test func spellingsOfOneClientShareItsAllowance() {
        let rig = AuditedConnection()
        var statuses: [Int: Int] = [:]
        for number in 0..<40 {
            let id = Array("api-consumer-id").enumerated().map { index, letter in
                number >> (index % 6) & 1 == 1 && index < 6
                    ? "%" + String(letter.asciiValue ?? 0, radix: 16) : String(letter)
            }
            statuses[rig.send(Self.basic(id.joined() + ":x")).status, default: 0] += 1
        }
        #expect(statuses == [401: 20, 429: 20])
    }

    /// Once, although two readings are tried.
    @Test func failureOfAnEncodedTextCountsOnce() {
        let rig = AuditedConnection()
        for number in 0..<21 {
            #expect(rig.send(Self.basic("api%2Dconsumer-id:x")).status == (number < 20 ? 401 : 429))
        }
        #expect(rig.send(Self.basic("api%2Dconsumer-id:password")).status == 201)
    }

    /// Many clients wait for the challenge before they say who they are.
    @Test(arguments: ["", "Authorization: \r\n"])
    func askingForTheChallengeIsNoAttempt(field: String) {
        let rig = AuditedConnection()
        for path in ["/v1/obie/tokens", "/oauth2/introspect", "/oauth2/revoke"] {
            for _ in 0..<300 {
                let (status, text, _) = rig.send(
                    "POST \(path) HTTP/1.1\r\nHost: x\r\n\(field)Content-Length: 0\r\n\r\n")
                #expect(status == 401)
                #expect(
                    text.contains("WWW-Authenticate: Basic realm=\"obie\", charset=\"UTF-8\"\r\n"))
            }
        }
        // Nor does it hide an attempt in the audit log.
        #expect(rig.send(Self.basic("api-consumer-id:x")).event?.reason == "credentials_wrong")
    }

    @Test(arguments: [
        ("token=x&client_id=api-consumer-id&client_secret=password", "", 200),
        ("client_secret=p%61ssword&token=x&client_id=api%2Dconsumer%2Did", "", 200),
        ("token=x&client_id=api-consumer-id&client_secret=password", "Authorization: \r\n", 200),
        // An id alone proves nothing, and may stand beside Basic.
        ("token=x&client_id=api-consumer-id", good, 200),
        ("token=x&client_id=api-consumer-id&client_secret=", good, 200),
        ("token=x&client_id=api-consumer-id&client_secret=wrong", "", 401),
        ("token=x&client_id=nobody&client_secret=password", "", 401),
        ("token=x&client_id=api%252Dconsumer-id&client_secret=password", "", 401),
        ("token=x&client_id=api-consumer-id", "", 401), ("token=x&client_secret=password", "", 401),
        ("token=x&client_id=api-consumer-id&client_secret=%00", "", 401),
        ("token=x&client_id=api-consumer-id&client_secret=password", good, 400),
        ("token=x&client_secret=password", good, 400),
        ("token=x&client_id=api-consumer-id&client_secret=x", "Authorization: Basic x\r\n", 400),
        ("token=x&client_id=a&client_id=a&client_secret=b", "", 400),
        ("token=x&client_id=a&client_id=a", good, 400),
        ("token=x&client_id=a&client_secret=b&client_secret=b", "", 400),
        ("client_id=api-consumer-id&client_secret=password", "", 400),
        ("token=x&client_id=a&client_secret=%4", "", 400),
    ])
    func formMayProveTheClient(body: String, field: String, expected: Int) {
        let (status, text, _) = AuditedConnection().send(Self.form(body, field))
        #expect(status == expected, "\(text)")
        switch status {
        case 200: #expect(text.hasSuffix(#"{"active":false}"#))
        case 401:
            #expect(text.contains(#""error":"invalid_client""#))
            #expect(text.contains("WWW-Authenticate: Basic "))
        default: #expect(text.contains(#""error":"invalid_request""#))
        }
    }

    @Test func failuresOfFormsCountLikeThoseOfBasic() {
        let rig = AuditedConnection()
        let wrong = Self.form("token=x&client_id=api-consumer-id&client_secret=x")
        for number in 0..<21 {
            let (status, _, event) = rig.send(wrong)
            #expect(status == (number < 20 ? 401 : 429))
            #expect(event?.clientID == "api-consumer-id" && event?.reason == "credentials_wrong")
        }
        #expect(rig.send(Self.basic("api-consumer-id:x")).status == 429, "one allowance for both")
        let right = Self.form("token=x&client_id=api-consumer-id&client_secret=password")
        #expect(rig.send(right).status == 200)
    }

    /// A form without a proof, or with half of one, guesses nothing.
    @Test func halfAProofIsNoAttempt() {
        let rig = AuditedConnection()
        for body in ["token=x", "token=x&client_id=api-consumer-id", "token=x&client_secret=y"] {
            for _ in 0..<150 { #expect(rig.send(Self.form(body)).status == 401) }
        }
    }

    /// Other endpoints take Basic only.
    @Test func formProvesNothingElsewhere() {
        let body = "client_id=api-consumer-id&client_secret=password"
        let request = Self.form(body).replacing("/oauth2/introspect", with: "/v1/obie/tokens")
        #expect(AuditedConnection().send(request).status == 401)
    }

    @Test(arguments: ["/v1/obie/tokens", "/v1/obie/consents/revoke", "/oauth2/introspect"])
    func encodedBodyIsRefused(path: String) {
        func answer(_ field: String) -> (status: Int, text: String) {
            let answer = AuditedConnection().send(
                "POST \(path) HTTP/1.1\r\nHost: x\r\n\(field)Content-Length: 0\r\n\r\n")
            return (answer.status, answer.text)
        }
        for value in ["gzip", "GZIP", "identity, gzip", "br", "identity\r\nContent-Encoding: gzip"]
        {
            let (status, text) = answer("Content-Encoding: \(value)\r\n")
            #expect(status == 415)
            #expect(text.contains("\r\nAccept-Encoding: identity\r\n"))
            #expect(text.contains(#""code":"content_encoding_unsupported""#))
        }
        for value in ["identity", "Identity", ""] {
            let (status, text) = answer("Content-Encoding: \(value)\r\n")
            #expect(status == 401 && !text.contains("Accept-Encoding"))
        }
    }
}
