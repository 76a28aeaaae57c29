// Where the blocks of a PEM text begin and end (RFC 7468 §2). Libraries pass over whatever does not begin as one: so
// a certificate whose first line is mistyped would be no certificate, and nobody would be told.

public enum PEMText {
    /// Those that are read, and those that may stand beside them.
    private static let labels = ["CERTIFICATE", "X509 CERTIFICATE", "X509 CRL"]
    private static let labelEnds = [
        "PRIVATE KEY", "PUBLIC KEY", "PARAMETERS", "CERTIFICATE REQUEST",
    ]
    /// What stands in a line that is meant to begin or end a block.
    private static let marks = ["BEGIN", "-END", "CERTIFICATE", "CRL"]

    private static let dash = UInt8(ascii: "-")
    private static let lineFeed = UInt8(ascii: "\n")

    /// The first line that is meant to begin or end a block, and does not: it is mistyped, of a kind that is not
    /// known, or without its counterpart. Comments may say what they want: they begin with `#`, or have no dash
    /// at either end.
    ///
    /// - Returns: its number, from 1; nil where there is none.
    public static func strayLine(in text: [UInt8]) -> Int? {
        var block: (label: String, line: Int)?
        let lines = text.split(separator: lineFeed, omittingEmptySubsequences: false)
        for (number, raw) in zip(1..., lines) {
            guard let line = marked(raw) else { continue }
            if let open = block {
                guard line == "-----END \(open.label)-----" else { return number }
                block = nil
            } else if let label = label(line) {
                block = (label, number)
            } else if isMeant(line) {
                return number
            }
        }
        return block?.line
    }

    /// A line with a dash at either end, without what is blank behind it; nil: another one.
    private static func marked(_ raw: ArraySlice<UInt8>) -> String? {
        let end = raw.lastIndex { $0 > 0x20 } ?? raw.startIndex
        guard let first = raw.first(where: { $0 > 0x20 }), first == dash || raw[end] == dash else {
            return nil
        }
        return String(decoding: raw[...end], as: UTF8.self)
    }

    /// Of the block that begins here; nil: none does, or none that is known.
    private static func label(_ line: String) -> String? {
        let (begin, end) = ("-----BEGIN ", "-----")
        guard line.hasPrefix(begin), line.hasSuffix(end), line.count > begin.count + end.count
        else { return nil }
        let label = String(line.dropFirst(begin.count).dropLast(end.count))
        return labels.contains(label) || labelEnds.contains { label.hasSuffix($0) } ? label : nil
    }

    private static func isMeant(_ line: String) -> Bool {
        guard line.first(where: { !$0.isWhitespace }) != "#" else { return false }
        let upper = line.uppercased()
        return marks.contains { upper.includes($0) }
    }
}
