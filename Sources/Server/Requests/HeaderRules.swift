// What the header fields must be that all /v1/obie endpoints share.

import Bytes
import HTTP1

enum HeaderRules {
    /// All faults of all fields but Authorization, in the order of the contract.
    static func faults(_ fields: borrowing RequestFields, _ bytes: Span<UInt8>) -> [Fault] {
        var faults: [Fault] = []
        let (institution, version) = (fields.institution, fields.version)
        if !institution.isOnce || !isVisible(bytes, institution.value, 6...128) {
            faults.append(
                whyMissing(institution, "fi_reference_id")
                    ?? Fault(
                        .parameterInvalid,
                        "the header fi_reference_id must be 6 to 128 visible ASCII characters"))
        }
        if !version.isOnce || !isVersion1(bytes, version.value) {
            faults.append(
                whyMissing(version, "version")
                    ?? Fault(
                        .versionUnsupported, "the header version must be 1 or 1.N, such as 1.0"))
        }
        if fields.ccgToken.isDoubled { faults.append(doubled("ccg_token")) }
        if !isJSON(fields.contentType, bytes) {
            faults.append(
                whyMissing(fields.contentType, "Content-Type")
                    ?? Fault(
                        .contentTypeInvalid, "the header Content-Type must be application/json"))
        }
        let reference = fields.transactionReference
        if reference.isDoubled {
            faults.append(doubled("transaction_reference"))
        } else if !isVisible(bytes, reference.value, 0...128) {
            faults.append(
                Fault(
                    .parameterInvalid,
                    "the header transaction_reference must be at most 128 visible ASCII characters"
                ))
        }
        return faults
    }

    private static let json = KnownText("application/json", ignoringCase: true)

    @inline(__always)
    private static func isJSON(_ field: HeaderField, _ bytes: Span<UInt8>) -> Bool {
        let value = field.value
        guard field.count == 1, value.count >= json.count,
            json.begins(bytes, at: value.lowerBound)
        else { return false }
        return isTypeEnd(bytes, value.lowerBound + json.count, value.upperBound)
    }

    /// The media type, in any case and with any parameters, exactly once (RFC 9110 §8.3.1).
    static func isMediaType(_ field: HeaderField, _ type: [UInt8], _ bytes: Span<UInt8>) -> Bool {
        let value = field.value
        guard field.count == 1, value.count >= type.count else { return false }
        let end = value.lowerBound + type.count
        guard equalIgnoringCase(bytes, value.lowerBound..<end, type) else { return false }
        return isTypeEnd(bytes, end, value.upperBound)
    }

    /// True where from `at` on there is nothing, or there are parameters.
    @inline(__always)
    private static func isTypeEnd(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var at = start
        while at < end, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
        return at == end || bytes[at] == UInt8(ascii: ";")
    }

    /// nil for a field that is there once.
    @inline(never)
    private static func whyMissing(_ field: HeaderField, _ name: String) -> Fault? {
        if field.isDoubled { return doubled(name) }
        return field.isMissing ? Fault(.parameterMissing, "the header \(name) is required") : nil
    }

    @inline(never)
    private static func doubled(_ name: String) -> Fault {
        Fault(.parameterInvalid, "the header \(name) must be given once")
    }

    /// Visible ASCII, as many as that.
    static func isVisible(
        _ bytes: Span<UInt8>, _ range: Range<Int>, _ lengths: ClosedRange<Int>
    ) -> Bool {
        guard lengths.contains(range.count) else { return false }
        var part = bytes.extracting(range)
        if part.count >= 8 {
            // The last word has some bytes of the one before.
            var beyond = TextWords.beyondVisible(part.word(at: part.count &- 8))
            while part.count > 8 {
                beyond |= TextWords.beyondVisible(part.word(at: 0))
                part = part.extracting(droppingFirst: 8)
            }
            return beyond == 0
        }
        for at in part.indices where part[at] <= 0x20 || part[at] >= 0x7F { return false }
        return true
    }

    /// `1`, or `1.` and digits.
    private static func isVersion1(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard bytes[range.lowerBound] == UInt8(ascii: "1") else { return false }
        if range.count == 1 { return true }
        guard range.count > 2, bytes[range.lowerBound + 1] == UInt8(ascii: ".") else {
            return false
        }
        for at in range.dropFirst(2) where bytes[at] &- 0x30 >= 10 { return false }
        return true
    }
}
