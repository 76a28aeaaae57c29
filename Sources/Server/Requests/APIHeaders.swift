// The header fields that all /v1/obie endpoints share, and their rules.

import Bytes
import HTTP1

/// Where one field stands, and how often it occurs.
struct HeaderField {
    private(set) var value = 0..<0
    private(set) var count = 0

    /// An empty field counts as missing.
    var isMissing: Bool { value.isEmpty && count <= 1 }
    var isDoubled: Bool { count > 1 }

    /// The media type, in any case and with any parameters, exactly once (RFC 9110 §8.3.1).
    func isMediaType(_ type: [UInt8], _ bytes: Span<UInt8>) -> Bool {
        guard count == 1, value.count >= type.count else { return false }
        let end = value.lowerBound + type.count
        guard equalIgnoringCase(bytes, value.lowerBound..<end, type) else { return false }
        var at = end
        while at < value.upperBound, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
        return at == value.upperBound || bytes[at] == UInt8(ascii: ";")
    }

    fileprivate mutating func found(_ value: Range<Int>) {
        self.value = value
        count += 1
    }
}

/// The fields of a request that the API looks at.
struct APIHeaders {
    private(set) var authorization = HeaderField()
    private(set) var institution = HeaderField()
    private(set) var version = HeaderField()
    private(set) var ccgToken = HeaderField()
    private(set) var contentType = HeaderField()
    private(set) var transactionReference = HeaderField()

    init(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) {
        for field in head.fields {
            switch field.name.count {
            case 7 where equalIgnoringCase(bytes, field.name, APIHeaders.versionName):
                version.found(field.value)
            case 9 where equalIgnoringCase(bytes, field.name, APIHeaders.ccgTokenName):
                ccgToken.found(field.value)
            case 12 where equalIgnoringCase(bytes, field.name, APIHeaders.contentTypeName):
                contentType.found(field.value)
            case 13 where equalIgnoringCase(bytes, field.name, APIHeaders.authorizationName):
                authorization.found(field.value)
            case 15 where equalIgnoringCase(bytes, field.name, APIHeaders.institutionName):
                institution.found(field.value)
            case 21 where equalIgnoringCase(bytes, field.name, APIHeaders.transactionName):
                transactionReference.found(field.value)
            default: continue
            }
        }
    }

    private static let authorizationName = [UInt8]("authorization".utf8)
    private static let institutionName = [UInt8]("fi_reference_id".utf8)
    private static let versionName = [UInt8]("version".utf8)
    private static let ccgTokenName = [UInt8]("ccg_token".utf8)
    private static let contentTypeName = [UInt8]("content-type".utf8)
    private static let transactionName = [UInt8]("transaction_reference".utf8)
    private static let json = [UInt8]("application/json".utf8)

    /// All faults of all fields but Authorization, in the order of the contract.
    func faults(_ bytes: Span<UInt8>) -> [Fault] {
        var faults: [Fault] = []
        if let fault = required(institution, "fi_reference_id") {
            faults.append(fault)
        } else if !isVisible(bytes, institution.value, 6...128) {
            faults.append(
                Fault(
                    .parameterInvalid,
                    "the header fi_reference_id must be 6 to 128 visible ASCII characters"))
        }
        if let fault = required(version, "version") {
            faults.append(fault)
        } else if !isVersion1(bytes, version.value) {
            faults.append(
                Fault(.versionUnsupported, "the header version must be 1 or 1.N, such as 1.0"))
        }
        if ccgToken.isDoubled { faults.append(doubled("ccg_token")) }
        if let fault = required(contentType, "Content-Type") {
            faults.append(fault)
        } else if !contentType.isMediaType(APIHeaders.json, bytes) {
            faults.append(
                Fault(.contentTypeInvalid, "the header Content-Type must be application/json"))
        }
        if transactionReference.isDoubled {
            faults.append(doubled("transaction_reference"))
        } else if !isVisible(bytes, transactionReference.value, 0...128) {
            faults.append(
                Fault(
                    .parameterInvalid,
                    "the header transaction_reference must be at most 128 visible ASCII characters"
                ))
        }
        return faults
    }

    private func required(_ field: HeaderField, _ name: String) -> Fault? {
        if field.isDoubled { return doubled(name) }
        return field.isMissing ? Fault(.parameterMissing, "the header \(name) is required") : nil
    }

    private func doubled(_ name: String) -> Fault {
        Fault(.parameterInvalid, "the header \(name) must be given once")
    }

    private func isVisible(
        _ bytes: Span<UInt8>, _ range: Range<Int>, _ lengths: ClosedRange<Int>
    ) -> Bool {
        for at in range where bytes[at] <= 0x20 || bytes[at] >= 0x7F { return false }
        return lengths.contains(range.count)
    }

    /// `1`, or `1.` and digits.
    private func isVersion1(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard bytes[range.lowerBound] == UInt8(ascii: "1") else { return false }
        if range.count == 1 { return true }
        guard range.count > 2, bytes[range.lowerBound + 1] == UInt8(ascii: ".") else {
            return false
        }
        for at in range.dropFirst(2) where bytes[at] &- 0x30 >= 10 { return false }
        return true
    }
}
