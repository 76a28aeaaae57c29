// What makes a change show: every line holds the hash of the line before it. Knows no files.

import Bytes
import Crypto

/// The SHA-256 of a line's bytes without the line's end, or what stands in its place before the
/// first line.
struct AuditHash: Equatable, Sendable {
    let bytes: [UInt8]

    private init(bytes: [UInt8]) { self.bytes = bytes }

    init(of line: ArraySlice<UInt8>) {
        bytes = SHA256.hash(line.span)
    }

    /// What the first line of a file has before it: 32 zeros, which no line hashes to.
    static let start = AuditHash(bytes: [UInt8](repeating: 0, count: SHA256.byteCount))

    static let digitCount = 2 * SHA256.byteCount

    /// Reads 64 lower-case hexadecimal digits, or nothing.
    init?(digits: some Collection<UInt8>) {
        guard digits.count == AuditHash.digitCount, let bytes = Hexadecimal.bytes(digits) else {
            return nil
        }
        self.bytes = bytes
    }

    /// 64 lower-case hexadecimal digits.
    var text: String { Hexadecimal.text(bytes) }
}

/// Where a chain of lines has got to.
///
/// A line is `{"time":…,"event":…,…,"prev":"<hash of the line before>"}`. Whoever changes, removes,
/// inserts or moves a line must rewrite all lines after it, and the hash of the last one with them:
/// who noted that hash earlier, elsewhere, sees it.
struct AuditChain: Sendable {
    /// Of the last line.
    private(set) var head: AuditHash

    init(head: AuditHash = .start) { self.head = head }

    private static let opening = Array(#","prev":""#.utf8)
    private static let closing = Array(#""}"#.utf8)

    /// Appends the record as a line with its end.
    mutating func append(_ record: AuditRecord, to output: inout [UInt8]) {
        let start = output.count
        record.appendMembers(to: &output)
        output.append(contentsOf: AuditChain.opening)
        Hexadecimal.append(head.bytes, to: &output)
        output.append(contentsOf: AuditChain.closing)
        head = AuditHash(of: output[start...])
        output.append(UInt8(ascii: "\n"))
    }

    /// Whether the bytes are whole lines that lead from the line with one hash to the line with another.
    static func leads(_ bytes: [UInt8], from: AuditHash, to head: AuditHash) -> Bool {
        var (rest, previous) = (bytes[...], from)
        while !rest.isEmpty {
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return false }
            let line = rest[..<end]
            guard AuditChain.previous(of: line) == previous else { return false }
            previous = AuditHash(of: line)
            rest = rest[(end + 1)...]
        }
        return previous == head
    }

    /// What a line says of the line before it; nil where it is no line of an audit log.
    static func previous(of line: ArraySlice<UInt8>) -> AuditHash? {
        guard line.starts(with: AuditRecord.opening) else { return nil }
        let tail = line.suffix(opening.count + AuditHash.digitCount + closing.count)
        guard tail.starts(with: opening), tail.suffix(closing.count).elementsEqual(closing) else {
            return nil
        }
        return AuditHash(digits: tail.dropFirst(opening.count).dropLast(closing.count))
    }
}
