// Certificates as they stand in a header field.

import Testing

@testable import Server

@Suite struct CertificateTextTests {
    private func chain(_ text: String) -> [[UInt8]]? {
        CertificateText.chain(Array(text.utf8).span)
    }

    private static let block =
        "-----BEGIN CERTIFICATE-----%0AAQID%0ABAUG%0A-----END CERTIFICATE-----"

    @Test(
        arguments: [
            ("AQID", [[1, 2, 3]]), ("AQI=", [[1, 2]]), (block, [[1, 2, 3, 4, 5, 6]]),
            ("\(block)%0A", [[1, 2, 3, 4, 5, 6]]),
            ("\(block)%0D%0A\(block)%0a", [[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]]),
            ("%2D%2D%2D%2D%2DBEGIN%20CERTIFICATE%2d----AQI%3D-----END CERTIFICATE-----", [[1, 2]]),
            (
                "-----BEGIN CERTIFICATE----- AQID BAUG -----END CERTIFICATE-----",
                [[1, 2, 3, 4, 5, 6]]
            ),
            (
                "-----BEGIN CERTIFICATE-----%0A%2B/%2F+%0A-----END CERTIFICATE-----",
                [[0xFB, 0xFF, 0xFE]]
            ),
        ] as [(String, [[UInt8]])])
    func chainIsRead(text: String, expected: [[UInt8]]) {
        #expect(chain(text) == expected)
    }

    @Test(arguments: [
        "", "AQI", "AQ-_", "AQID ", "AQI=AQID", "%", "%4", "%GG", "AQID%0", block + "x",
        "x" + block, block.replacing("END", with: "FIN"), block.replacing("AQID", with: "AQI"),
        "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----AQID",
        "-----BEGIN CERTIFICATE----------END CERTIFICATE-----",
        block.replacing("CERTIFICATE", with: "PRIVATE KEY"),
        String(repeating: block, count: 9),
    ])
    func whatIsNoneIsRefused(text: String) {
        #expect(chain(text) == nil)
    }
}
