// Texts as a line has them. One event is one line whatever a client sends, and a terminal that shows
// the line takes no commands from it.

import Bytes

/// Bytes of a line.
enum AuditText {
    /// Appends a JSON string (RFC 8259 §7) with its quotes. Beyond what JSON asks, everything
    /// that has no glyph is escaped too: C1 controls, line separators, direction marks.
    static func appendString(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        if isPlain(text) {
            output.append(contentsOf: text.utf8)
        } else {
            for scalar in text.unicodeScalars { append(scalar, to: &output) }
        }
        output.append(UInt8(ascii: "\""))
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy {
            $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
    }

    private static func append(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
        switch scalar {
        case "\"": output.append(contentsOf: Array(#"\""#.utf8))
        case "\\": output.append(contentsOf: Array(#"\\"#.utf8))
        case "\n": output.append(contentsOf: Array(#"\n"#.utf8))
        case "\r": output.append(contentsOf: Array(#"\r"#.utf8))
        case "\t": output.append(contentsOf: Array(#"\t"#.utf8))
        default:
            if hasGlyph(scalar) {
                output.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            } else {
                for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                    output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "u")])
                    Hexadecimal.append(UInt8(unit >> 8), to: &output)
                    Hexadecimal.append(UInt8(unit & 0xFF), to: &output)
                }
            }
        }
    }

    private static func hasGlyph(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
            .unassigned:
            false
        default: true
        }
    }

    /// The text without what may be one of our codes or tokens: an ellipsis stands instead of 32 and
    /// more hexadecimal digits and hyphens in a row.
    static func masked(_ text: String) -> String {
        var masked = ""
        var run = ""
        func end() {
            masked += run.utf8.count < digitRunMax ? run : "…"
            run = ""
        }
        for scalar in text.unicodeScalars {
            if scalar == "-" || scalar.properties.isASCIIHexDigit {
                run.unicodeScalars.append(scalar)
            } else {
                end()
                masked.unicodeScalars.append(scalar)
            }
        }
        end()
        return masked
    }

    private static let digitRunMax = 32

    /// The text, or as much of it as takes at most `bytesMax` bytes, with an ellipsis behind it.
    static func bounded(_ text: String, bytesMax: Int) -> String {
        guard text.utf8.count > bytesMax else { return text }
        let ellipsis = "…"
        var count = 0
        var cut = ""
        for scalar in text.unicodeScalars {
            count += UTF8.width(scalar)
            guard count + ellipsis.utf8.count <= bytesMax else { break }
            cut.unicodeScalars.append(scalar)
        }
        return cut + ellipsis
    }
}
