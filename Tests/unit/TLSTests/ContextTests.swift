// What cannot be served with, and how that is told.

import COpenSSL
import Testing

@testable import TLS

@Suite struct ContextTests {
    private static let ca = SessionTests.ca

    private func fault(_ change: (inout TLSMaterial) -> Void) -> TLSFault? {
        do {
            _ = try TLSContext(SessionTests.material(change), now: testDay)
            return nil
        } catch {
            return error
        }
    }

    private static func withEnds(_ from: Int64, _ until: Int64) -> MadeCertificate {
        ca.issue("server", usage: "serverAuth", from: from, until: until)
    }

    private static func cut(_ text: [UInt8]) -> [UInt8] {
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        let cut = lines.map { $0.hasPrefix("-") ? $0 : $0.dropFirst(4) }
        return Array((cut.joined(separator: "\n") + "\n").utf8)
    }

    /// Else each certificate is read in twice the time.
    @Test func certificatesAreReadWithFewDecoders() {
        #expect(unsafe TLSLibrary.context != nil)
    }

    @Test func partsThatAreNotThereAreNamed() {
        #expect(fault { $0.certificate = [] } == .absent(.certificate))
        #expect(fault { $0.certificate = Array("hello\n".utf8) } == .absent(.certificate))
        #expect(fault { $0.key = [] } == .absent(.key))
        #expect(fault { $0.certificate = $0.key } == .absent(.certificate))
        #expect(fault { $0.key = $0.certificate } == .absent(.key))
        #expect(
            fault {
                $0.clientAuthentication = .optional
                $0.clientCA = Array("-".utf8)
            } == .absent(.clientCA))
        #expect(
            fault {
                $0.clientAuthentication = .optional
                $0.clientCA = Self.ca.pem
                $0.clientCRL = Self.ca.pem
            } == .absent(.clientCRL))
    }

    @Test func damagedPartsAreNamed() {
        #expect(fault { $0.certificate = Self.cut($0.certificate) } == .malformed(.certificate))
        #expect(fault { $0.certificate += Self.cut($0.certificate) } == .malformed(.certificate))
        #expect(fault { $0.key = Self.cut($0.key) } == .malformed(.key))
    }

    /// The second of two that are each good, so that OpenSSL would take the first and say nothing.
    @Test func secondOneThatIsMistypedIsRefused() {
        let second = TestCA("Second")
        func mistyped(_ text: [UInt8], _ old: String, _ new: String) -> [UInt8] {
            let text = String(decoding: text, as: UTF8.self)
            #expect(text.contains(old))
            return Array(text.replacing(old, with: new).utf8)
        }
        func line(_ lines: [UInt8]) -> Int { lines.split(separator: UInt8(ascii: "\n")).count + 1 }
        let begin = "-----BEGIN"
        for (old, new) in [(begin, "----BEGIN"), (begin, "-----BEGN"), ("BEGIN CERT", "BEGIN CRT")]
        {
            let wrong = mistyped(second.pem, old, new)
            let chain = SessionTests.material().certificate
            #expect(
                fault { $0.certificate += wrong } == .mistyped(.certificate, line: line(chain)))
            #expect(
                fault {
                    $0.clientAuthentication = .optional
                    $0.clientCA = Self.ca.pem + wrong
                } == .mistyped(.clientCA, line: line(Self.ca.pem)))
        }
        let list = Self.ca.revoke([])
        for wrong in [
            mistyped(second.revoke([]), begin, "----BEGIN"),
            mistyped(second.revoke([]), "X509 CRL", "CRL"), mistyped(second.pem, begin, "BEGIN"),
        ] {
            let found = fault {
                $0.clientAuthentication = .optional
                $0.clientCA = Self.ca.pem
                $0.clientCRL = list + wrong
            }
            guard case .mistyped(.clientCRL, let number) = found else {
                Issue.record("it is \(String(describing: found))")
                continue
            }
            #expect(number >= line(list))
        }
        #expect(
            fault {
                $0.clientAuthentication = .optional
                $0.clientCA = Self.ca.pem + Self.cut(second.pem)
            } == .malformed(.clientCA))
        #expect(
            fault {
                $0.clientAuthentication = .optional
                $0.clientCA = Self.ca.pem
                $0.clientCRL = list + Self.cut(list)
            } == .malformed(.clientCRL))
    }

    @Test func pairMustBelongTogether() {
        #expect(fault { $0.key = Self.withEnds(testDay, testDay).keyPEM } == .mismatched)
        // The server's own certificate comes first.
        #expect(fault { $0.certificate = Self.ca.pem + $0.certificate } == .mismatched)
        #expect(fault { $0.certificate += Self.ca.pem } == nil)
    }

    @Test func timeIsJudgedToTheSecond() throws {
        let made = Self.withEnds(testDay, testDay + 1000)
        var material = TLSMaterial(certificate: made.certificatePEM, key: made.keyPEM)
        #expect(throws: TLSFault.notYetValid(.certificate, testDay)) {
            try TLSContext(material, now: testDay - 1)
        }
        #expect(try TLSContext(material, now: testDay).expiry == testDay + 1000)
        #expect(throws: TLSFault.expired(.certificate, testDay + 1000)) {
            try TLSContext(material, now: testDay + 1000)
        }
        material = SessionTests.material {
            $0.clientAuthentication = .required
            $0.clientCA = Self.ca.pem
            $0.clientCRL = Self.ca.revoke([], until: testDay - 1000)
        }
        #expect(throws: TLSFault.expired(.clientCRL, testDay - 1000)) {
            try TLSContext(material, now: testDay)
        }
    }

    /// OpenSSL would ask at the terminal.
    @Test func passPhraseIsNotAskedFor() {
        let key = SessionTests.identity.key
        let text = unsafe PEMWriter.text { bio in
            unsafe PEM_write_bio_PKCS8PrivateKey(
                bio, key, EVP_aes_256_cbc(), "secret", 6, nil, nil)
        }
        #expect(fault { $0.key = text } == .encrypted)
    }

    @Test func descriptionHasNoSecret() {
        #expect("\(SessionTests.material())" == "TLSMaterial(redacted)")
        #expect("\(SessionTests.identity)" == "MadeCertificate(redacted)")
    }

    @Test func ownCertificateServes() throws {
        let made = SelfSigned.make(
            names: ["localhost", "127.0.0.1", "::1", "1.2.3", "a:b"], now: testDay, days: 30)
        let material = TLSMaterial(certificate: made.certificate, key: made.key)
        let context = try TLSContext(material, now: testDay)
        #expect(context.expiry == testDay + 30 * oneDay)
        let talk = Conversation(context)
        talk.settle()
        #expect(talk.isServerReady)
    }
}
