// Tokens that are bound to the certificate of their holder: what an exchange must say, which certificate is
// taken, and what introspection answers.

import Testing
import Tokens

@testable import Server

@Suite struct ExchangeHolderTests {
    private static let now: Milliseconds = 1_800_000_000_000
    /// As `eidas` has them, by their first byte: base64 of 1, 2, … three times.
    private static let text: [UInt8: String] = [
        1: "AQEB", 2: "AgIC", 3: "AwMD", 4: "BAQE", 5: "BQUF", 6: "BgYG", 7: "BwcH",
    ]

    private static let reader = KnownCertificates([
        1: KnownCertificates.certificate(1),
        2: KnownCertificates.certificate(2, of: "PSDGB-FCA-333333"),
        3: KnownCertificates.certificate(3, roles: [.accountInformation, .cardIssuing]),
        4: KnownCertificates.certificate(4, from: now + 1),
        5: KnownCertificates.certificate(5, until: now - 1),
        6: KnownCertificates.certificate(6, from: now, until: now),
        7: KnownCertificates.certificate(7, roles: nil),
    ])

    private func rig(
        isRequired: Bool = false, reader: KnownCertificates = reader
    ) -> AuditedConnection {
        AuditedConnection(
            certificates: CertificatePolicy(reader: reader, requiresHolder: isRequired))
    }

    private func exchange(
        _ code: String, eidas: String? = nil, cnf: String? = nil, key: String? = nil
    ) -> String {
        let members = cnf.map { #","cnf":\#($0)"# } ?? ""
        let fields = eidas.map { "eidas: \($0)\r\n" } ?? ""
        return AuditedConnection.post(
            "/v1/obie/tokens",
            #"{"auth_code":"\#(code)","redirect_uri":"https://www.google.com"\#(members)}"#,
            extra: fields + (key.map { "x-idempotency-key: \($0)\r\n" } ?? ""))
    }

    private func cnf(_ number: UInt8) -> String {
        #"{"x5t#S256":"\#(KnownCertificates.thumbprint(number))"}"#
    }

    /// What introspection says of the token in an answer.
    private func introspect(_ rig: AuditedConnection, _ answer: String) -> String {
        let token = answer.components(#""access_token":""#).last?.prefix(36) ?? ""
        let body = "token=\(token)"
        return rig.send(
            """
            POST /oauth2/introspect HTTP/1.1\r\nHost: x\r
            Authorization: Basic YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk\r
            Content-Type: application/x-www-form-urlencoded\r
            Content-Length: \(body.utf8.count)\r\n\r\n\(body)
            """
        ).text
    }

    @Test func tokenIsBoundByEitherOrBoth() throws {
        for (eidas, member) in [(true, false), (false, true), (true, true)] {
            let rig = rig()
            let answer = rig.send(
                exchange(
                    rig.newCode(), eidas: eidas ? Self.text[1] : nil, cnf: member ? cnf(1) : nil))
            #expect(answer.status == 201, "\(answer.text)")
            #expect(answer.event?.certificate == KnownCertificates.thumbprint(1))
            let found = introspect(rig, answer.text)
            #expect(found.contains(#""active":true"#))
            #expect(found.hasSuffix(#","cnf":\#(cnf(1))}"#), "\(found)")
        }
    }

    @Test func tokenWithoutIsNobodys() {
        let rig = rig()
        for member in [nil, "null"] {
            let answer = rig.send(exchange(rig.newCode(), cnf: member))
            #expect(answer.status == 201 && answer.event?.certificate == nil)
            let found = introspect(rig, answer.text)
            #expect(found.contains(#""active":true"#) && !found.contains("cnf"))
        }
    }

    @Test(arguments: [
        "{}", "1", "\"x\"", "[]", "true", #"{"x5t#S256":null}"#, #"{"x5t#S256":""}"#,
        #"{"x5t#S256":1}"#, #"{"x5t":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}"#,
        #"{"x5t#S256":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ"}"#,
        #"{"x5t#S256":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}"#,
        #"{"x5t#S256":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF"}"#,
        #"{"x5t#S256":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEA"}"#,
        #"{"x5t#S256":"+QEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}"#,
    ])
    func malformedThumbprintIsRefused(cnf: String) {
        let rig = rig(isRequired: true)
        let code = rig.newCode()
        let answer = rig.send(exchange(code, cnf: cnf))
        #expect(answer.status == 400 && answer.text.contains("parameter_invalid"), "\(answer.text)")
        #expect(answer.text.contains("cnf") && !answer.text.contains("parameter_missing"))
        #expect(rig.send(exchange(code, cnf: self.cnf(1))).status == 201, "the code was spent")
    }

    @Test func twiceOfAThumbprintIsRefused() {
        let rig = rig()
        let twice = #"\#(cnf(1)),"cnf":\#(cnf(1))"#
        let answer = rig.send(exchange(rig.newCode(), cnf: twice))
        #expect(answer.status == 400 && answer.text.contains("cnf must be given once"))
        let within = cnf(1).dropLast() + "," + cnf(1).dropFirst()
        #expect(rig.send(exchange(rig.newCode(), cnf: String(within))).status == 400)
    }

    @Test func otherMembersOfTheConfirmationAreIgnored() {
        let rig = rig()
        let more =
            #"{"jkt":"x","\u00785t#S256":"\#(KnownCertificates.thumbprint(1))","a":{"b":[]}}"#
        let answer = rig.send(exchange(rig.newCode(), cnf: more))
        #expect(answer.status == 201 && introspect(rig, answer.text).contains(cnf(1)))
    }

    @Test(arguments: ["AQE", "!", "CQkJ", "-----BEGIN CERTIFICATE-----", "AQEB, AQEB", "%41"])
    func malformedCertificateIsRefused(text: String) {
        let rig = rig()
        let code = rig.newCode()
        let answer = rig.send(exchange(code, eidas: text, cnf: cnf(1)))
        #expect(answer.status == 400 && answer.text.contains("parameter_invalid"), "\(answer.text)")
        #expect(answer.text.contains("the header eidas must be a certificate"))
        #expect(rig.send(exchange(code)).status == 201, "the code was spent")
    }

    @Test func certificateComesOnce() {
        let rig = rig()
        let answer = rig.send(exchange(rig.newCode(), eidas: "AQEB\r\neidas: AQEB"))
        #expect(answer.status == 400 && answer.text.contains("the header eidas must be given once"))
    }

    @Test func bothMustAgree() {
        let rig = rig()
        let code = rig.newCode()
        let answer = rig.send(exchange(code, eidas: Self.text[1], cnf: cnf(2)))
        #expect(answer.status == 400 && answer.text.contains("parameter_invalid"))
        #expect(answer.text.contains("cnf and the header eidas"))
        #expect(rig.send(exchange(code, eidas: Self.text[1])).status == 201)
    }

    @Test(
        arguments: [
            (2, AuditReason.certificateOfOtherProvider), (3, .paymentsNotCertified),
            (4, .certificateNotYetValid), (5, .certificateExpired), (7, .paymentsNotCertified),
        ] as [(UInt8, AuditReason)])
    func wrongCertificateSpendsNothing(number: UInt8, reason: AuditReason) {
        let rig = rig()
        let code = rig.newCode()
        for _ in 0..<2 {
            let answer = rig.send(exchange(code, eidas: Self.text[number]))
            #expect(answer.status == 403, "\(answer.text)")
            #expect(answer.text.contains(#""code":"psp_certificate_invalid""#))
            #expect(answer.event?.reason == reason.rawValue)
            #expect(answer.event?.certificate == KnownCertificates.thumbprint(number))
        }
        #expect(rig.send(exchange(code, eidas: Self.text[6])).status == 201, "the code was spent")
    }

    @Test func chainCountsWhereAuthoritiesAreNamed() {
        let known: [UInt8: Certificate] = [
            1: KnownCertificates.certificate(1), 2: KnownCertificates.certificate(2),
        ]
        let rig = rig(
            reader: KnownCertificates(known, chains: [1: [KnownCertificates.thumbprint(9)]]))
        let code = rig.newCode()
        let refused = rig.send(exchange(code, eidas: Self.text[2]))
        #expect(refused.status == 403 && refused.text.contains("psp_certificate_invalid"))
        #expect(refused.event?.reason == AuditReason.certificateUntrusted.rawValue)
        #expect(rig.send(exchange(code, eidas: Self.text[1])).status == 201)
    }

    @Test func bindingCanBeRequired() {
        let rig = rig(isRequired: true)
        let code = rig.newCode()
        for member in [nil, "null"] {
            let answer = rig.send(exchange(code, cnf: member))
            #expect(answer.status == 400 && answer.text.contains("parameter_missing"))
            #expect(answer.text.contains("cnf or the header eidas is required"))
        }
        let credentials = AuditedConnection.post(
            "/v1/obie/tokens", #"{"grant_type":"client_credentials"}"#)
        #expect(rig.send(credentials).status == 201, "a CCG token is nobody's")
        #expect(rig.send(exchange(code, cnf: cnf(1))).status == 201)
    }

    /// With another certificate it is another exchange: a replay.
    @Test func repetitionIsOfTheSameCertificate() {
        let rig = rig()
        let code = rig.newCode()
        let key = "8f14e45f-ceea-467f-ab6c-0242ac120002"
        let first = rig.send(exchange(code, cnf: cnf(1), key: key))
        #expect(first.status == 201)
        #expect(rig.send(exchange(code, eidas: Self.text[1], key: key)).status == 201)
        #expect(introspect(rig, first.text).contains(cnf(1)))
        #expect(rig.send(exchange(code, cnf: cnf(2), key: key)).status == 403)
        #expect(introspect(rig, first.text).contains(#"{"active":false}"#))
    }

    /// Nobody else looks at them.
    @Test func otherRequestsIgnoreThem() {
        let rig = rig()
        let credentials = AuditedConnection.post(
            "/v1/obie/tokens", #"{"grant_type":"client_credentials"}"#, extra: "eidas: !\r\n")
        #expect(rig.send(credentials).status == 201)
        let wrong = AuditedConnection.post(
            "/v1/obie/tokens", #"{"grant_type":"client_credentials","cnf":"x"}"#)
        #expect(rig.send(wrong).status == 400, "a wrong type is always a fault")
    }
}
