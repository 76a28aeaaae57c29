// What programs and spreadsheets are given of a report.

import Testing

@testable import Reports

struct ReportTextTests {
    private func cell(_ text: String) -> String {
        var report = ReportText(.csv, ["a"])
        report.append([.text(text)])
        return String(decoding: report.end(), as: UTF8.self)
    }

    /// Spreadsheets take them for formulas (CWE-1236), and an institution's reference is an operator's text.
    @Test func formulasAreTexts() {
        for begin in ["=", "+", "-", "@"] {
            #expect(cell("\(begin)1+cmd|'calc'!A0") == "a\r\n\"'\(begin)1+cmd|'calc'!A0\"\r\n")
        }
        #expect(cell("-") == "a\r\n-\r\n")
        #expect(cell("PSDGB-FCA-111111") == "a\r\nPSDGB-FCA-111111\r\n")
    }

    /// As everything else that the program prints in JSON.
    @Test func jsonIsEscapedAsEverywhere() {
        var report = ReportText(.json, ["a"])
        report.append([.text("\"\\\n\u{1}é")])
        #expect(
            String(decoding: report.end(), as: UTF8.self)
                == #"""
                [
                {"a":"\"\\\n\u0001é"}
                ]

                """#)
    }
}
