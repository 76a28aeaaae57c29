// Which revocation list of a CA is in force, so that an older one is noticed that takes its place.

import COpenSSL

/// What tells one list of a CA from another. A value.
public struct RevocationList: Equatable, Sendable {
    /// The CA's name, such as `/CN=Test CA`.
    public let issuer: String
    /// `thisUpdate`, in milliseconds since 1970.
    public let made: Int64
    /// Its number in big-endian bytes (RFC 5280 §5.2.3); nil: it has none.
    let number: [UInt8]?

    init(issuer: String, made: Int64, number: [UInt8]?) {
        (self.issuer, self.made, self.number) = (issuer, made, number)
    }

    /// - Parameter list: an `X509_CRL`, which stays the caller's.
    @unsafe init(_ list: OpaquePointer, _ validity: Validity) {
        var name = [CChar](repeating: 0, count: 512)
        unsafe name.withUnsafeMutableBufferPointer { buffer in
            _ = unsafe X509_NAME_oneline(
                X509_CRL_get_issuer(list), buffer.baseAddress, Int32(buffer.count))
        }
        let text = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        issuer = String(decoding: text, as: UTF8.self)
        made = validity.from
        number = unsafe RevocationList.number(list)
    }

    @unsafe private static func number(_ list: OpaquePointer) -> [UInt8]? {
        guard let found = unsafe X509_CRL_get_ext_d2i(list, NID_crl_number, nil, nil) else {
            return nil
        }
        // Made for us alone.
        let value = unsafe found.assumingMemoryBound(to: ASN1_INTEGER.self)
        defer { unsafe ASN1_INTEGER_free(value) }
        guard let start = unsafe ASN1_STRING_get0_data(value) else { return nil }
        return unsafe Array(
            UnsafeBufferPointer(start: start, count: Int(ASN1_STRING_length(value))))
    }

    func isOlder(than other: RevocationList) -> Bool {
        if made != other.made { return made < other.made }
        guard let mine = number, let others = other.number else { return false }
        return mine.count == others.count
            ? mine.lexicographicallyPrecedes(others) : mine.count < others.count
    }

    private static func newest(_ lists: [RevocationList]) -> [String: RevocationList] {
        Dictionary(lists.map { ($0.issuer, $0) }) { $0.isOlder(than: $1) ? $1 : $0 }
    }

    /// CAs whose newest list among these was made before their newest among those, each with both: by the date,
    /// and where that is the same, by the number.
    public static func stepsBack(
        from before: [RevocationList], to after: [RevocationList]
    ) -> [(old: RevocationList, new: RevocationList)] {
        let known = newest(before)
        return newest(after).values.sorted { $0.issuer < $1.issuer }.compactMap { list in
            known[list.issuer].flatMap { list.isOlder(than: $0) ? ($0, list) : nil }
        }
    }
}
