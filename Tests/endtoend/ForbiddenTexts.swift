// A search for secrets in every form in which they could stand somewhere.

import Foundation
import Testing

/// Texts that must stand nowhere.
struct ForbiddenTexts {
    private typealias Needle = (name: String, bytes: [UInt8])

    /// By their first eight bytes.
    private var needles: [UInt64: [Needle]] = [:]

    private mutating func add(_ needle: Needle) {
        let key = needle.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        precondition(needle.bytes.count >= 8, "too short to say anything")
        needles[key, default: []].append(needle)
    }

    /// The text itself, in upper case, without hyphens, in base64; and as the bytes that it is
    /// the hexadecimal form of.
    mutating func add(_ name: String, _ text: String) {
        let plain = text.replacing("-", with: "")
        for form in Set([text, text.uppercased(), plain, plain.uppercased()]) {
            add((name, Array(form.utf8)))
        }
        // However it lies among other bytes, two of three characters of these are in its base64.
        for shift in 0..<3 {
            let padded = Data([UInt8](repeating: 0, count: shift)) + Data(text.utf8)
            let encoded = padded.base64EncodedString()
            add((name + " in base64", Array(encoded.utf8.dropFirst(4).dropLast(4))))
        }
        if plain.count.isMultiple(of: 2), plain.wholeMatch(of: /[0-9a-f]{32,64}/) != nil {
            var bytes: [UInt8] = []
            var rest = plain[...]
            while let byte = UInt8(rest.prefix(2), radix: 16) {
                bytes.append(byte)
                rest = rest.dropFirst(2)
            }
            add((name + " as bytes", bytes))
        }
    }

    /// What of it stands in these bytes.
    func found(in bytes: [UInt8]) -> Set<String> {
        var found: Set<String> = []
        var window: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
            window = window << 8 | UInt64(byte)
            guard index >= 7, let candidates = needles[window] else { continue }
            let rest = bytes[(index - 7)...]
            for candidate in candidates where rest.starts(with: candidate.bytes) {
                found.insert(candidate.name)
            }
        }
        return found
    }

    func expectNone(
        in bytes: [UInt8], _ place: String, _ here: SourceLocation = #_sourceLocation
    ) {
        let found = found(in: bytes)
        #expect(found.isEmpty, "\(place) shows \(found.sorted())", sourceLocation: here)
    }

    func expectNone(
        in text: String, _ place: String, _ here: SourceLocation = #_sourceLocation
    ) {
        expectNone(in: Array(text.utf8), place, here)
    }
}
