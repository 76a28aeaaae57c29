// Lines that are meant to begin or end a block of PEM, and do not.

import Bytes
import Testing

@Suite struct PEMTextTests {
    private static let good = "-----BEGIN CERTIFICATE-----\nTUlJQw==\n-----END CERTIFICATE-----\n"

    private static func stray(_ text: String) -> Int? { PEMText.strayLine(in: Array(text.utf8)) }

    private static func with(begin: String, end: String = "-----END CERTIFICATE-----") -> String {
        "\(begin)\nTUlJQw==\n\(end)\n"
    }

    @Test(arguments: [
        "", "hello", "-", "-----", good, good + good, good.replacing("\n", with: "\r\n"),
        good.replacing("-----\n", with: "-----  \n"), String(good.dropLast()),
        "# my CA\n" + good, "- Vendor of my CA -\n-----\n==========\n" + good,
        "subject=CN = xn--certificate.example\n" + good,
        "# -----BEGIN CERTIFICATE-----\n# TUlJQw==\n# -----END CERTIFICATE-----\n" + good,
        good.replacing("CERTIFICATE", with: "X509 CRL") + good,
        good.replacing("CERTIFICATE", with: "X509 CERTIFICATE"),
        good.replacing("CERTIFICATE", with: "EC PARAMETERS")
            + good.replacing("CERTIFICATE", with: "EC PRIVATE KEY") + good,
        good.replacing("CERTIFICATE", with: "ENCRYPTED PRIVATE KEY"),
        good.replacing("CERTIFICATE", with: "NEW CERTIFICATE REQUEST"),
    ])
    func whatIsWellWrittenIsTaken(text: String) {
        #expect(Self.stray(text) == nil)
    }

    @Test(arguments: [
        "----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE----", "------BEGIN CERTIFICATE-----",
        "-----BEGN CERTIFICATE-----", "-----BEGIN CERTIFICTE-----", "-----begin certificate-----",
        "-----BEGINCERTIFICATE-----", "----- BEGIN CERTIFICATE -----",
        " -----BEGIN CERTIFICATE-----",
        "\u{FEFF}-----BEGIN CERTIFICATE-----", "-----BEGIN CRL-----", "-----BEGIN PKCS7-----",
        "-----BEGIN TRUSTED CERTIFICATE-----", "-----BEGIN -----", "-----BEGIN -",
        "-----END CERTIFICATE-----",
    ])
    func mistypedBeginIsFoundWhereverItStands(line: String) {
        let other = Self.with(begin: line)
        #expect(Self.stray(other) == 1)
        #expect(Self.stray(Self.good + other) == 4)
        #expect(Self.stray(other + Self.good) == 1)
    }

    /// Where nothing shows that a block was meant to begin, its end does.
    @Test(arguments: ["", "BEGIN CERTIFICATE", "certificate:"])
    func endWithoutBeginIsFound(line: String) {
        #expect(Self.stray(Self.good + Self.with(begin: line)) == 6)
    }

    @Test(arguments: [
        "-----END CERTIFICATE----", "-----END CERTIFICTE-----", "-----END X509 CRL-----",
        "-----BEGIN CERTIFICATE-----", "----",
    ])
    func mistypedEndIsFound(line: String) {
        let other = Self.with(begin: "-----BEGIN CERTIFICATE-----", end: line)
        #expect(Self.stray(other) == 3)
        #expect(Self.stray(Self.good + other + Self.good) == 6)
    }

    @Test func blockWithoutEndIsFoundByItsBegin() {
        #expect(Self.stray(Self.good + "\n-----BEGIN CERTIFICATE-----\nTUlJQw==\n") == 5)
    }
}
