// Which certificates the revocation lists that are in force name.

import COpenSSL

/// Any thread may ask: nothing changes, and OpenSSL sorts a list under a lock, once.
struct RevokedCertificates: Sendable {
    private let lists: [SignedList]
    /// Whoever may have issued a client's certificate, or stands above the one who has.
    private let issuers: [HeldCertificate]
    /// Those of them that a list names, and those below them.
    private var revokedIssuers: [HeldCertificate] = []

    /// The thread that makes a context.
    init(_ lists: [SignedList], issuers: [HeldCertificate]) {
        (self.lists, self.issuers) = (lists, issuers)
        // In whatever order they stand: each round finds those below the ones of before.
        while let next = issuers.first(where: { !isRevoked($0) && contain($0) }) {
            revokedIssuers.append(next)
        }
    }

    private func isRevoked(_ issuer: HeldCertificate) -> Bool {
        revokedIssuers.contains { $0 === issuer }
    }

    /// Whether a list names the certificate, or an authority between it and the one that is trusted. What a
    /// client brought beside it in its handshake is not known here: authorities are those of the files.
    ///
    /// - Parameter der: a certificate. Of what cannot be read nobody knows, so it counts as named.
    func contain(_ der: [UInt8]) -> Bool {
        defer { ERR_clear_error() }
        let certificate = unsafe der.withUnsafeBufferPointer {
            unsafe obie_read_certificate(TLSLibrary.context, $0.baseAddress, $0.count)
        }
        guard let certificate = unsafe certificate else { return true }
        return contain(unsafe HeldCertificate(certificate))
    }

    private func contain(_ certificate: HeldCertificate) -> Bool {
        let above = issuers.filter { $0.hasIssued(certificate) }
        return above.contains(where: isRevoked)
            || lists.contains { list in
                above.contains { $0 === list.issuer } && list.names(certificate)
            }
    }
}
