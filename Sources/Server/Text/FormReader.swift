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
            guard let key = decode(form, start..<equals),
                let value = decode(form, min(equals + 1, end)..<end)
            else { return found.map { _ in .malformed } }
            if let index = names.firstIndex(of: key) {
                found[index] = found[index] == .absent ? .value(value) : .doubled
            }
            start = end + 1
        }
        return found
    }

    /// A name or a value without its escapes; nil where one of them is broken.
    static func decode(_ text: [UInt8]) -> [UInt8]? { decode(text.span, 0..<text.count) }

    private static func decode(_ form: Span<UInt8>, _ range: Range<Int>) -> [UInt8]? {
        var output: [UInt8] = []
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
