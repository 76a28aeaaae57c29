// Form-encoded bodies (application/x-www-form-urlencoded, WHATWG URL §5.1): a few members out of
// many.

import Bytes

/// What a form says about one name.
enum FormValue: Equatable {
    case absent
    case value([UInt8])
    case doubled
    /// The form cannot be decoded.
    case malformed

    /// Something that is not empty.
    var content: [UInt8]? {
        if case .value(let bytes) = self, !bytes.isEmpty { bytes } else { nil }
    }
}

enum FormReader {
    /// Looks for `name`, with escapes resolved in names and values.
    static func value(_ name: [UInt8], _ form: Span<UInt8>) -> FormValue {
        values([name], form)[0]
    }

    /// Looks for each of the names, in one pass.
    static func values(_ names: [[UInt8]], _ form: Span<UInt8>) -> [FormValue] {
        var found = [FormValue](repeating: .absent, count: names.count)
        var start = 0
        while start < form.count {
            var end = start
            while end < form.count, form[end] != UInt8(ascii: "&") { end += 1 }
            var equals = start
            while equals < end, form[equals] != UInt8(ascii: "=") { equals += 1 }
            guard let index = place(of: start..<equals, in: names, form),
                let value = decode(form, min(equals + 1, end)..<end)
            else { return found.map { _ in .malformed } }
            if index < names.count {
                found[index] = found[index] == .absent ? .value(value) : .doubled
            }
            start = end + 1
        }
        return found
    }

    /// Which of the names stands there; their count where none does, and nil where an escape is broken.
    private static func place(
        of range: Range<Int>, in names: [[UInt8]], _ form: Span<UInt8>
    ) -> Int? {
        // Most names are written as they are.
        for index in names.indices where bytesEqual(form, range, names[index]) { return index }
        guard hasEscapes(form, range) else { return names.count }
        return decode(form, range).map { names.firstIndex(of: $0) ?? names.count }
    }

    private static func hasEscapes(_ form: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for at in range where form[at] == UInt8(ascii: "%") || form[at] == UInt8(ascii: "+") {
            return true
        }
        return false
    }

    /// A name or a value without its escapes; nil where one of them is broken.
    static func decode(_ text: [UInt8]) -> [UInt8]? { decode(text.span, 0..<text.count) }

    private static func decode(_ form: Span<UInt8>, _ range: Range<Int>) -> [UInt8]? {
        var output: [UInt8] = []
        guard hasEscapes(form, range) else {
            output.append(form, range)
            return output
        }
        var at = range.lowerBound
        while at < range.upperBound {
            switch form[at] {
            case UInt8(ascii: "+"):
                output.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard at + 2 < range.upperBound, let high = Hexadecimal.value(form[at + 1]),
                    let low = Hexadecimal.value(form[at + 2])
                else { return nil }
                output.append(high << 4 | low)
                at += 2
            default:
                output.append(form[at])
            }
            at += 1
        }
        return output
    }
}
