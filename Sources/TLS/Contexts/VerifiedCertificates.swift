// Clients' certificates that have been verified: while nothing of what counted can have changed, their
// authority's signature is not verified again.

import COpenSSL
import Synchronization

/// Of one context, which never changes: CAs, lists and rules are the same for as long as it is used. So
/// only time can change a verdict, and only on a certificate that the context's own CA has signed: where a
/// client has shown others in between, all of them are verified each time. The handshake of a client that
/// comes back, as banks' gateways do, takes an eighth less work then. Its own signature is verified in each.
/// Any thread.
final class VerifiedCertificates: Sendable {
    /// SHA-256 of a certificate's DER.
    typealias Digest = [UInt8]

    /// From when until when each is good, in milliseconds since 1970.
    private let known = Mutex<[Digest: Range<Int64>]>([:])
    /// When the first of the revocation lists ends, in milliseconds since 1970.
    private let listsEnd: Int64

    init(listsEnd: Int64) { self.listsEnd = listsEnd }

    var count: Int { known.withLock { $0.count } }

    func isGood(_ digest: Digest, at now: Int64) -> Bool {
        known.withLock { $0[digest]?.contains(now) ?? false }
    }

    /// Where there are too many, those of before are forgotten, and verified once more when they come.
    func add(_ digest: Digest, _ times: Range<Int64>) {
        known.withLock { known in
            if known.count >= TLSContext.verifiedCertificatesMax {
                known.removeAll(keepingCapacity: true)
            }
            known[digest] = times
        }
    }

    /// Has a context ask here, which it holds as long as it lives itself.
    @unsafe func serve(_ raw: OpaquePointer) {
        let place = unsafe Unmanaged.passRetained(self).toOpaque()
        // Without a place in it the context would not let go of this.
        precondition(unsafe SSL_CTX_set_ex_data(raw, VerifiedCertificates.index, place) == 1)
        unsafe SSL_CTX_set_cert_verify_callback(raw, VerifiedCertificates.verify, place)
    }

    /// Releases it with the context, which connections may use for longer than the server does.
    private static let index = unsafe CRYPTO_get_ex_new_index(
        CRYPTO_EX_INDEX_SSL_CTX, 0, nil, nil, nil
    ) { _, place, _, _, _, _ in
        if let place = unsafe place {
            unsafe Unmanaged<VerifiedCertificates>.fromOpaque(place).release()
        }
    }

    private static let verify: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 =
        { store, place in
            guard let store = unsafe store, let place = unsafe place else { return 0 }
            return unsafe Unmanaged<VerifiedCertificates>.fromOpaque(place).takeUnretainedValue()
                .verify(store)
        }

    /// - Parameter store: an `X509_STORE_CTX` with a client's certificate.
    /// - Returns: 1 where it is good, as `X509_verify_cert` does.
    @unsafe private func verify(_ store: OpaquePointer) -> Int32 {
        guard let certificate = unsafe X509_STORE_CTX_get0_cert(store),
            let digest = unsafe VerifiedCertificates.digest(certificate)
        else { return unsafe X509_verify_cert(store) }
        let now = unsafe Int64(X509_VERIFY_PARAM_get_time(X509_STORE_CTX_get0_param(store))) * 1000
        if isGood(digest, at: now) {
            unsafe X509_STORE_CTX_set_error(store, X509_V_OK)
            return 1
        }
        let verdict = unsafe X509_verify_cert(store)
        guard verdict == 1, unsafe X509_STORE_CTX_get_error(store) == X509_V_OK,
            let end = unsafe end(store), now < end
        else { return verdict }
        add(digest, now..<end)
        return verdict
    }

    /// When the first of certificate, CA and lists ends; nil where others stand in between.
    @unsafe private func end(_ store: OpaquePointer) -> Int64? {
        guard let chain = unsafe X509_STORE_CTX_get0_chain(store), unsafe OPENSSL_sk_num(chain) == 2
        else { return nil }
        var end = listsEnd
        for index in Int32(0)..<2 {
            guard let certificate = unsafe OPENSSL_sk_value(chain, index) else { return nil }
            unsafe end = min(end, Validity(certificate: OpaquePointer(certificate)).until)
        }
        return end
    }

    @unsafe private static func digest(_ certificate: OpaquePointer) -> Digest? {
        var digest = Digest(repeating: 0, count: 32)
        guard unsafe X509_digest(certificate, EVP_sha256(), &digest, nil) == 1 else { return nil }
        return digest
    }
}
