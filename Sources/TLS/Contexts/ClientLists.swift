// The revocation lists that clients' certificates are held against.

import COpenSSL

/// Lists that are in force. Any thread: nothing changes.
public struct ClientLists: Sendable {
    public let all: [RevocationList]
    /// When the first of them has to have a successor, in milliseconds since 1970; nil: none has to.
    public let expiry: Int64?
    /// For a store of OpenSSL's, which counts for itself who uses them.
    let signed: [SignedList]
    private let revoked: RevokedCertificates

    /// - Parameters:
    ///   - lists: PEM, with the certificates of those among the authorities that are not in `authorities`.
    ///   - authorities: PEM.
    ///   - now: what lists are judged by, in milliseconds since 1970.
    public init(
        _ lists: [UInt8], of authorities: [UInt8], now: Int64
    ) throws(TLSFault) {
        let issuers = try ListIssuers(authorities: authorities, beside: lists)
        signed = try PEMReader.read(lists, .clientCRL) { (reader) throws(TLSFault) in
            try unsafe ClientLists.read(reader, of: issuers, now: now)
        }
        all = signed.map(\.about)
        revoked = RevokedCertificates(signed, issuers: issuers.all)
        expiry = signed.map(\.validity.until).filter { $0 != .max }.min()
    }

    /// Whether one of them names a certificate, or an authority above it.
    ///
    /// - Parameter der: what cannot be read counts as named.
    public func name(_ der: [UInt8]) -> Bool { revoked.contain(der) }

    @unsafe private static func read(
        _ reader: PEMReader, of issuers: ListIssuers, now: Int64
    ) throws(TLSFault) -> [SignedList] {
        var all: [SignedList] = []
        while let raw = try unsafe reader.nextRevocationList() {
            try unsafe all.append(SignedList(raw, of: issuers))
        }
        if all.isEmpty { throw .absent(.clientCRL) }
        // Of two of one CA the newer counts, also once it has ended: the older one does not know who was
        // revoked in between.
        let lists = all.indices.filter { place in
            !all.indices.contains { all[place].isReplaced(by: all[$0], isBehind: $0 > place) }
        }.map { all[$0] }
        if lists.contains(where: { list in lists.contains(where: list.isMistaken) }) {
            throw .namelessLists
        }
        // With a list that has expired every client would be refused.
        for list in lists { try list.validity.check(.clientCRL, now: now) }
        return lists
    }
}
