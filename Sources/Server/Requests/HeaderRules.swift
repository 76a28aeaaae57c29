// What the header fields must be that all /v1/obie endpoints share.

import Bytes
import HTTP1
import Tokens

enum HeaderRules {
    /// All faults of all fields but Authorization, in the order of the contract.
    ///
    /// - Parameter needsCCGToken: whatever the body says.
    static func faults(
        _ fields: borrowing RequestFields, _ bytes: Span<UInt8>, needsCCGToken: Bool
    ) -> [Fault] {
        var faults: [Fault] = []
        let (institution, version, ccgToken) = (
            fields.institution, fields.version, fields.ccgToken
        )
        if !institution.isOnce || !isVisible(bytes, institution.value, 6...128) {
            faults.append(
                whyMissing(institution, "fi_reference_id")
                    ?? invalidInstitution(bytes, institution.value))
        }
        if !version.isOnce || !isVersion1(bytes, version.value) {
            faults.append(
                whyMissing(version, "version")
                    ?? Fault(
                        .versionUnsupported,
                        "the header version must be 1 or 1.N, such as 1.0, or latest"))
        }
        if ccgToken.isDoubled || needsCCGToken && ccgToken.isMissing,
            let fault = whyMissing(ccgToken, "ccg_token")
        {
            faults.append(fault)
        }
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

    /// Documents are set with hyphens that look like `-` and are none; they are copied with the rest.
    @inline(never)
    private static func invalidInstitution(_ bytes: Span<UInt8>, _ value: Range<Int>) -> Fault {
        let text = String(decoding: value.map { bytes[$0] }, as: UTF8.self)
        guard let other = text.unicodeScalars.first(where: isOtherHyphen) else {
            return Fault(
                .parameterInvalid,
                "the header fi_reference_id must be 6 to 128 visible ASCII characters")
        }
        let digits = String(other.value, radix: 16, uppercase: true)
        let number = String(repeating: "0", count: 4 - digits.count) + digits
        return Fault(
            .parameterInvalid,
            "the header fi_reference_id has a hyphen of another kind, U+\(number); type the hyphen "
                + "of ASCII, as in PSDGB-FCA-111111")
    }

    /// Unicode's dashes that are taken for a hyphen, and the soft hyphen.
    private static func isOtherHyphen(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0xAD, 0x2010...0x2015, 0x2043, 0x2212, 0xFE58, 0xFE63, 0xFF0D: true
        default: false
        }
    }

    /// What is wrong with the idempotency key, where an exchange brings one; an empty one is none.
    @inline(__always)
    static func idempotencyKeyFault(
        _ fields: borrowing RequestFields, _ bytes: Span<UInt8>
    ) -> Fault? {
        let field = fields.idempotencyKey
        return field.isMissing ? nil : faultOfKey(field, bytes)
    }

    @inline(never)
    private static func faultOfKey(_ field: HeaderField, _ bytes: Span<UInt8>) -> Fault? {
        if field.isDoubled { return doubled("x-idempotency-key") }
        guard !isVisible(bytes, field.value, IdempotencyKey.lengths) else { return nil }
        return Fault(
            .parameterInvalid,
            "the header x-idempotency-key must be 16 to 128 visible ASCII characters, such as a UUID"
        )
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

    private static let identity = KnownText("identity", ignoringCase: true)

    /// 415 for a body that has been encoded, such as by gzip (RFC 9110 §8.4, §15.5.16); nil for one as
    /// it is.
    @inline(__always)
    static func refusal(of encoding: HeaderField, _ bytes: Span<UInt8>) -> Response? {
        if encoding.isMissing || encoding.count == 1 && identity.matches(bytes, encoding.value) {
            return nil
        }
        return .fault(
            .contentEncodingUnsupported,
            "the body must be sent as it is, without a Content-Encoding such as gzip")
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

    private static let latest = KnownText("latest")

    /// `1`, or `1.` and digits; or `latest`, which is 1.
    private static func isVersion1(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard bytes[range.lowerBound] == UInt8(ascii: "1") else {
            return latest.matches(bytes, range)
        }
        if range.count == 1 { return true }
        guard range.count > 2, bytes[range.lowerBound + 1] == UInt8(ascii: ".") else {
            return false
        }
        for at in range.dropFirst(2) where bytes[at] &- 0x30 >= 10 { return false }
        return true
    }
}
