// Clients that must show a certificate beside their secret: of the handshake, or by a proxy.

import HTTP1
import Testing
import Tokens

@testable import Server

@Suite struct ClientCertificateTests {
    private static let authority = KnownCertificates.thumbprint(99)
    private static let chains: [UInt8: [Thumbprint]] = [
        1: [authority], 2: [authority], 3: [KnownCertificates.thumbprint(98)],
    ]
    /// 1 is the client's, 2 another's of the same authority, 3 one like the client's of another.
    private let reader = KnownCertificates(
        [
            1: KnownCertificates.certificate(1, of: "PSDGB-FCA-111111"),
            2: KnownCertificates.certificate(2, of: "PSDGB-FCA-999999"),
            3: KnownCertificates.certificate(3, of: "PSDGB-FCA-111111"),
        ], chains: chains)

    private func rig(
        _ rule: CertificateRule? = CertificateRule(
            .organization("PSDGB-FCA-111111"), authority: authority),
        header: String? = nil, proxies: String = "127.0.0.0/8"
    ) throws -> AuditedConnection {
        var trusted = TrustedProxies.none
        if let header {
            trusted = try TrustedProxies(proxies)
            trusted.certificateField = CertificateField(header) { KnownCertificates.digest($0) }
            #expect(trusted.certificateField?.name == header)
        }
        let rig = AuditedConnection(
            trustedProxies: trusted, certificates: CertificatePolicy(reader: reader))
        var content = RegistryContent.sandbox
        _ = try content.setCertificate(rule, of: nil, institution: "PSDGB-FCA-111111")
        rig.feed.publish(Registry(content, now: 0))
        return rig
    }

    private func makeCode(_ fields: String = "") -> String {
        AuditedConnection.makeCode.replacing("Content-Type", with: "\(fields)Content-Type")
    }

    private func introspect(_ fields: String = "") -> String {
        """
        POST /oauth2/introspect HTTP/1.1\r\nHost: x\r
        Authorization: Basic YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk\r
        \(fields)Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\ntoken=x
        """
    }

    @Test(
        arguments: [
            (nil, AuditReason.clientCertificateMissing), (1, nil), (2, .clientCertificateWrong),
            (3, .clientCertificateWrong), (4, .clientCertificateMalformed),
        ] as [(UInt8?, AuditReason?)])
    func bothMustBeRight(shown: UInt8?, reason: AuditReason?) throws {
        let rig = try rig()
        rig.transport.peerCertificate = shown.map { [$0, 0] }
        for _ in 0..<3 {
            let answer = rig.send(makeCode())
            #expect(answer.status == (reason == nil ? 201 : 401), "\(answer.text)")
            if let reason {
                #expect(answer.text.contains("authentication_error"))
                #expect(answer.event?.kind == .authenticationFailed)
                #expect(answer.event?.reason == reason.rawValue)
                #expect(answer.event?.clientID == "api-consumer-id")
            }
            #expect(rig.send(introspect()).status == (reason == nil ? 200 : 401))
        }
        if reason == nil { #expect(reader.readCount == 1, "it was read with each request") }
    }

    @Test func rightCertificateProvesNothingWithoutTheSecret() throws {
        let rig = try rig()
        rig.transport.peerCertificate = [1]
        let wrong = rig.send(
            AuditedConnection.post("/v1/obie/tokens", "{}", credentials: "eDp5"))
        #expect(wrong.status == 401)
        #expect(reader.readCount == 0)
    }

    @Test func clientWithoutARuleNeedsNone() throws {
        let rig = try rig(nil)
        #expect(rig.send(makeCode()).status == 201)
        rig.transport.peerCertificate = [4]
        #expect(rig.send(makeCode()).status == 201)
        #expect(reader.readCount == 0)
    }

    /// A new rule counts with the next request, on connections that are open.
    @Test func ruleIsThatOfTheRegistry() throws {
        let rig = try rig(nil)
        #expect(rig.send(makeCode()).status == 201)
        var content = RegistryContent.sandbox
        let rule = CertificateRule(.thumbprint(KnownCertificates.thumbprint(1)), authority: nil)
        _ = try content.setCertificate(rule, of: nil, institution: "PSDGB-FCA-111111")
        rig.feed.publish(Registry(content, now: 0))
        #expect(rig.send(makeCode()).status == 401)
        rig.transport.peerCertificate = [1]
        #expect(rig.send(makeCode()).status == 201)
    }

    /// What was verified by the authorities of before counts no more, on connections that are open.
    @Test func newAuthoritiesCountAtOnce() throws {
        let rig = try rig()
        rig.transport.peerCertificate = [1]
        #expect(rig.send(makeCode()).status == 201)
        reader.trust([1: [KnownCertificates.thumbprint(98)]])
        #expect(rig.send(makeCode()).status == 401)
        reader.trust(Self.chains)
        #expect(rig.send(makeCode()).status == 201)
    }

    /// A list may be newer than the handshake; a rule by thumbprint asks no authority.
    @Test(arguments: [
        CertificateRule(.organization("PSDGB-FCA-111111"), authority: authority),
        CertificateRule(.thumbprint(KnownCertificates.thumbprint(1)), authority: nil),
    ])
    func revocationCountsAtOnce(rule: CertificateRule?) throws {
        let rig = try rig(rule)
        rig.transport.peerCertificate = [1]
        #expect(rig.send(makeCode()).status == 201)
        reader.revoke(2)
        #expect(rig.send(makeCode()).status == 201)
        reader.revoke(1)
        #expect(rig.send(makeCode()).status == 401)
    }

    @Test func certificateEndsWithItsTime() throws {
        let rig = try rig()
        rig.transport.peerCertificate = [1]
        #expect(rig.send(makeCode()).status == 201)
        rig.now = 2_840_140_800_000
        #expect(rig.send(makeCode()).status == 201)
        rig.now += 1
        #expect(rig.send(makeCode()).status == 401)
    }

    // MARK: Behind a proxy

    /// The digest of the same bytes.
    private static let one = String(repeating: "01", count: 32)
    /// The same bytes, 1, 0 in each way of writing.
    private static let written = [
        ("client-cert", ":AQA=:"), ("x-ssl-client-cert", "AQA="),
        ("x-ssl-client-cert", "-----BEGIN CERTIFICATE-----%0AAQA=%0A-----END CERTIFICATE-----%0A"),
        ("x-forwarded-client-cert", "Cert=AQA%3D"),
        (
            "x-forwarded-client-cert",
            #"By=spiffe://x;Hash=\#(one);Cert="-----BEGIN%20CERTIFICATE-----%0AAQA%3D%0A-----END%20CERTIFICATE-----";Subject="CN=a,O=\"b\"";URI="#
        ),
    ]

    @Test(arguments: written)
    func proxyPassesItOn(name: String, value: String) throws {
        let rig = try rig(header: name)
        for _ in 0..<2 { #expect(rig.send(makeCode("\(name): \(value)\r\n")).status == 201) }
        #expect(rig.send(introspect("\(name): \(value)\r\n")).status == 200)
        #expect(reader.readCount == 1)
        // The next request on the connection may be another client's.
        #expect(rig.send(makeCode()).status == 401)
        #expect(rig.send(makeCode("\(name):\r\n")).status == 401)
    }

    @Test(arguments: written)
    func nobodyElseIsBelieved(name: String, value: String) throws {
        let rig = try rig(header: name, proxies: "10.0.0.0/8")
        // Of the handshake it would be right.
        rig.transport.peerCertificate = [1]
        for request in [makeCode("\(name): \(value)\r\n"), introspect("\(name): \(value)\r\n")] {
            let answer = rig.send(request)
            #expect(answer.status == 400 && answer.text.contains("trusted"), "\(answer.text)")
        }
        #expect(rig.send(makeCode("\(name): \(value)\r\n")).text.contains("parameter_invalid"))
        #expect(reader.readCount == 0)
        #expect(rig.send(makeCode()).status == 201, "without the header it is a client like others")
    }

    @Test(arguments: written)
    func twoAreRefused(name: String, value: String) throws {
        let rig = try rig(header: name)
        let fields = "\(name): \(value)\r\n"
        let answer = rig.send(
            makeCode(fields + fields.uppercased().prefix(name.count) + ": \(value)\r\n"))
        #expect(answer.status == 400 && answer.text.contains("must be given once"))
        #expect(rig.send(introspect(fields + fields)).text.contains("invalid_request"))
    }

    @Test(arguments: [
        ("client-cert", "AQA="), ("client-cert", ":AQA:"), ("client-cert", "::"),
        ("client-cert", ":AQA=:, :AQA=:"), ("client-cert", ":AQA=:;a=1"),
        ("x-ssl-client-cert", ":AQA=:"), ("x-ssl-client-cert", "(null)"),
        ("x-forwarded-client-cert", "AQA="), ("x-forwarded-client-cert", "Subject=\"x\""),
        ("x-forwarded-client-cert", "Cert=AQA%3D,Cert=AQA%3D"),
        ("x-forwarded-client-cert", "Cert=\"AQA%3D"),
        ("x-forwarded-client-cert", "Cert=AQA%3D;Cert=AQA%3D"),
        ("x-forwarded-client-cert", "Hash=01"), ("x-forwarded-client-cert", "Hash=01;Cert=AQA%3D"),
        // What Envoy says of one certificate is not about another.
        ("x-forwarded-client-cert", "Hash=\(String(repeating: "02", count: 32));Cert=AQA%3D"),
        ("x-forwarded-client-cert", "Cert=AQA%3D;Hash=\(String(repeating: "02", count: 32))"),
    ])
    func malformedOnesAreRefused(name: String, value: String) throws {
        let rig = try rig(nil, header: name)
        let answer = rig.send(makeCode("\(name): \(value)\r\n"))
        #expect(answer.status == 400 && answer.text.contains("parameter_invalid"), "\(answer.text)")
        #expect(rig.send(makeCode()).status == 201)
    }

    /// Envoy may say no more than the digest.
    @Test func digestAloneIsEnoughForAThumbprint() throws {
        let hash = String(repeating: "1a", count: 32)
        let one = KnownCertificates.thumbprint(0x1A)
        for (rule, status) in [
            (CertificateRule(.thumbprint(one), authority: nil), 201),
            (CertificateRule(.thumbprint(one), authority: Self.authority), 401),
            (CertificateRule(.thumbprint(KnownCertificates.thumbprint(2)), authority: nil), 401),
            (CertificateRule(.organization("PSDGB-FCA-111111"), authority: Self.authority), 401),
        ] {
            let rig = try rig(rule, header: "x-forwarded-client-cert")
            for hash in [hash, hash.uppercased()] {
                #expect(
                    rig.send(makeCode("X-Forwarded-Client-Cert: Hash=\(hash)\r\n")).status
                        == status)
            }
        }
    }

    /// A field that is read for something else cannot have a certificate in it.
    @Test func everyFieldThatIsReadIsTaken() {
        let spelledWithHyphens = 3
        #expect(
            RequestFields.knownNames.count
                == Mirror(reflecting: RequestFields()).children.count + spelledWithHyphens)
        let addresses = TrustedProxies.Header.allCases.map(\.rawValue)
        for name in RequestFields.knownNames.union(addresses) {
            #expect(CertificateField.isTaken(name))
        }
    }

    /// The handshake behind a proxy shows the proxy's own certificate.
    @Test func certificateOfTheProxyIsNotTheClients() throws {
        let rig = try rig(header: "client-cert")
        rig.transport.peerCertificate = [1]
        #expect(rig.send(makeCode()).status == 401)
    }

    @Test func headerMeansNothingWhereNoneIsNamed() throws {
        let rig = try rig()
        #expect(rig.send(makeCode("client-cert: :AQA=:\r\n")).status == 401)
        rig.transport.peerCertificate = [1]
        #expect(rig.send(makeCode("client-cert: :AgA=:\r\n")).status == 201)
    }

    @Test(arguments: [
        ("", false), ("Client-Cert", false), ("client cert", false), ("a:b", false),
        ("x-ssl-client-cert", true), ("ssl_client_cert", true),
        (String(repeating: "a", count: 31), true), (String(repeating: "a", count: 32), false),
        // What means something already.
        ("authorization", false), ("eidas", false), ("fi_reference_id", false),
        ("fi-reference-id", false), ("ccg-token", false), ("x-idempotency-key", false),
        ("forwarded", false), ("x-forwarded-for", false), ("host", false),
        ("content-length", false), ("cookie", false), ("sec-fetch-mode", false),
    ])
    func nameIsThatOfAField(name: String, isTaken: Bool) {
        #expect((CertificateField(name) { _ in [] } != nil) == isTaken)
    }
}
