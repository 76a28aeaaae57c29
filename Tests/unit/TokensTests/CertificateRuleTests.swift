// Which certificate a client must show: what meets a rule, and how a rule is written down.

import Testing

@testable import Tokens

@Suite struct CertificateRuleTests {
    private static let now: Milliseconds = 1_800_000_000_000
    static func thumbprint(_ number: UInt8) -> Thumbprint {
        guard let thumbprint = Thumbprint([UInt8](repeating: number, count: 32)) else {
            preconditionFailure("32 bytes are a thumbprint")
        }
        return thumbprint
    }
    private static let authority = thumbprint(200)
    private static let subject = [
        NameAttribute(type: "2.5.4.6", value: "GB"), NameAttribute(type: "2.5.4.10", value: "Bank"),
        NameAttribute(type: "2.5.4.97", value: "PSDGB-FCA-111111"),
    ]
    private static let names: [AlternativeName] = [
        .dns("bank.example"), .uri("spiffe://bank/a,b c%"), .ip([192, 0, 2, 7]),
        .email("ops@bank.example"),
    ]

    private static func certificate(
        subject: [NameAttribute] = subject, names: [AlternativeName] = names, number: UInt8 = 1,
        from: Milliseconds = now, until: Milliseconds = now
    ) -> Certificate {
        Certificate(
            thumbprint: thumbprint(number), subject: subject, alternativeNames: names,
            validFrom: from, validUntil: until)
    }

    static let matches: [CertificateRule.Match] =
        [
            .subject(Set(subject)), .organization("PSDGB-FCA-111111"), .thumbprint(thumbprint(1)),
        ] + names.map { .alternativeName($0) }

    private func rule(_ match: CertificateRule.Match) throws -> CertificateRule {
        try #require(CertificateRule(match, authority: Self.authority))
    }

    private func isMet(
        _ rule: CertificateRule, _ certificate: Certificate = certificate(),
        authorities: [Thumbprint] = [authority], now: Milliseconds = now
    ) -> Bool {
        rule.isMet(by: certificate, authorities: authorities, now: now)
    }

    @Test(arguments: matches)
    func rightCertificateMeetsItsRule(match: CertificateRule.Match) throws {
        let rule = try rule(match)
        #expect(isMet(rule))
        #expect(isMet(rule, authorities: [Self.thumbprint(9), Self.authority]))
        // In whatever order somebody has written its subject.
        #expect(isMet(rule, Self.certificate(subject: Self.subject.reversed())))
    }

    @Test(arguments: matches)
    func otherAuthorityOrNoneDoesNot(match: CertificateRule.Match) throws {
        let rule = try rule(match)
        #expect(!isMet(rule, authorities: []))
        #expect(!isMet(rule, authorities: [Self.thumbprint(9)]))
    }

    @Test(arguments: matches)
    func certificateOutOfItsTimeDoesNot(match: CertificateRule.Match) throws {
        let rule = try rule(match)
        #expect(!isMet(rule, now: Self.now - 1) && !isMet(rule, now: Self.now + 1))
    }

    @Test func anotherSubjectDoesNot() throws {
        let rule = try rule(.subject(Set(Self.subject)))
        let more = NameAttribute(type: "2.5.4.3", value: "x")
        for other in [
            [], Array(Self.subject.dropLast()), Self.subject + [more],
            Self.subject + [Self.subject[0]],
            Self.subject.map { NameAttribute(type: $0.type, value: $0.value.lowercased()) },
            Self.subject.map { NameAttribute(type: $0.type + "0", value: $0.value) },
        ] {
            #expect(!isMet(rule, Self.certificate(subject: other)), "\(other)")
        }
        #expect(!isMet(try self.rule(.organization("PSDGB-FCA-11111"))))
        let twice = Self.certificate(subject: Self.subject + [Self.subject[2]])
        #expect(!isMet(try self.rule(.organization("PSDGB-FCA-111111")), twice))
    }

    /// What anybody could have made for himself is no rule.
    @Test(arguments: matches)
    func onlyAThumbprintNeedsNoAuthority(match: CertificateRule.Match) throws {
        let rule = CertificateRule(match, authority: nil)
        guard case .thumbprint = match else { return #expect(rule == nil) }
        #expect(isMet(try #require(rule), authorities: []))
        #expect(!isMet(try #require(rule), Self.certificate(number: 2), authorities: []))
    }

    @Test func emptySubjectIsNoRule() {
        #expect(CertificateRule(.subject([]), authority: Self.authority) == nil)
    }

    @Test(
        arguments: matches + [
            .subject([NameAttribute(type: "1.2", value: "")]),
            .organization("a b,c=d%\u{0}\u{1F600}\"\\"), .organization(""),
            .alternativeName(.ip([0x20, 1] + [UInt8](repeating: 0, count: 13) + [1])),
        ])
    func ruleIsWrittenAndRead(match: CertificateRule.Match) throws {
        let rule = try rule(match)
        #expect(CertificateRule(text: rule.text) == rule, "\(rule.text)")
        #expect(rule.text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    }

    @Test func textNeverChanges() throws {
        #expect(
            try rule(.subject(Set(Self.subject))).text
                == "subject 2.5.4.10=Bank,2.5.4.6=GB,2.5.4.97=PSDGB-FCA-111111 by \(Self.authority)"
        )
        #expect(
            CertificateRule(.thumbprint(Self.thumbprint(1)), authority: nil)?.text
                == "thumbprint AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE")
    }

    @Test(arguments: [
        "", "organization", "organization a", "organization a by", "organization a by x",
        "colour red by AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
        "organization a  by AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
        "organization %61 by AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
        "organization %2 by AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
        "subject 2.5.4.6 by AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
        "ip 300.1.1.1 by AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE", "thumbprint AQE",
    ])
    func otherTextsAreNoRules(text: String) {
        #expect(CertificateRule(text: text) == nil)
    }

    /// 100,000 certificates that differ a little from the right one: none of them meets any rule.
    @Test func nobodyPassesForAnother() throws {
        let seed = Seed.value
        print("CertificateRuleTests: OBIE_SEED=\(seed)")
        var chance = Seed(state: seed)
        func changed(_ text: String) -> String {
            var bytes = Array(text.utf8)
            let at = Int(chance.next(UInt64(bytes.count)))
            switch chance.next(3) {
            case 0: bytes[at] ^= 1 << UInt8(chance.next(7))
            case 1: bytes.remove(at: at)
            default: bytes.insert(UInt8(0x20 + chance.next(95)), at: at)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        let rules = try Self.matches.map { try rule($0) }
        var passed = 0
        for _ in 0..<100_000 {
            var thumbprint = Self.thumbprint(1).bytes
            thumbprint[Int(chance.next(32))] ^= 1 << UInt8(chance.next(8))
            let certificate = Certificate(
                thumbprint: try #require(Thumbprint(thumbprint)),
                subject: Self.subject.map {
                    NameAttribute(type: $0.type, value: changed($0.value))
                },
                alternativeNames: [
                    .dns(changed("bank.example")), .uri(changed("spiffe://bank/a,b c%")),
                    .ip([192, 0, 2, 8 + UInt8(chance.next(200))]),
                    .email(changed("ops@bank.example")),
                ], validFrom: 0, validUntil: .max)
            for rule in rules where isMet(rule, certificate) { passed += 1 }
        }
        #expect(passed == 0)
    }

    /// 100,000 exchanges under the right key and with another certificate: none of them is a repetition.
    @Test func nobodyRepeatsWithAnotherCertificate() throws {
        let seed = Seed.value
        print("CertificateRuleTests: OBIE_SEED=\(seed)")
        var chance = Seed(state: seed)
        let key = IdempotencyKey(
            Array("8f14e45f-ceea-467f-ab6c-0242ac120002".utf8).span,
            Array("https://www.google.com".utf8).span,
            Keyring(SealingKey { bytes in bytes[0] = 9 }).keys.map(\.exchangeHash))
        func proof(_ holder: Thumbprint?) -> ExchangeProof {
            key.proof(
                SealedIdentifier(high: 1, low: 2), Client.Tag(of: "me"),
                ExchangeBinding(
                    institution: Institution.ID(1), provider: Provider.ID(1), holder: holder),
                attempt: 0,
                window: 60_000)
        }
        let right = Self.thumbprint(1)
        let (held, free) = (proof(right).token(issuedAt: 7), proof(nil).token(issuedAt: 7))
        #expect(proof(right).repeats(held, now: 8)?.id == held)
        #expect(
            proof(nil).repeats(held, now: 8) == nil && proof(right).repeats(free, now: 8) == nil)
        var passed = 0
        for _ in 0..<100_000 {
            var bytes = right.bytes
            for _ in 0...chance.next(3) { bytes[Int(chance.next(32))] = UInt8(chance.next(256)) }
            guard bytes != right.bytes, let other = Thumbprint(bytes) else { continue }
            let proof = proof(other)
            if proof.repeats(held, now: 8) != nil || proof.repeats(free, now: 8) != nil {
                passed += 1
            }
        }
        #expect(passed == 0)
    }
}
