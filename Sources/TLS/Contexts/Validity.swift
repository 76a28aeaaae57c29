// From when until when a certificate or a revocation list is good.

import COpenSSL
import Glibc

/// Both in milliseconds since 1970.
struct Validity {
    let from: Int64
    let until: Int64

    @unsafe init(certificate: OpaquePointer) {
        from = unsafe Validity.milliseconds(X509_get0_notBefore(certificate)) ?? .max
        until = unsafe Validity.milliseconds(X509_get0_notAfter(certificate)) ?? 0
    }

    /// A list without a next one is good for ever.
    @unsafe init(revocationList: OpaquePointer) {
        from = unsafe Validity.milliseconds(X509_CRL_get0_lastUpdate(revocationList)) ?? .max
        let next = unsafe X509_CRL_get0_nextUpdate(revocationList)
        until = unsafe next == nil ? .max : Validity.milliseconds(next) ?? 0
    }

    /// nil where the time cannot be read: then it is good at no time.
    private static func milliseconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        var parts = unsafe tm()
        guard let time = unsafe time, unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return Int64(unsafe timegm(&parts)) * 1000
    }

    /// - Parameter now: in milliseconds since 1970.
    func check(_ part: TLSPart, now: Int64) throws(TLSFault) {
        if now < from { throw .notYetValid(part, from) }
        if now >= until { throw .expired(part, until) }
    }
}
