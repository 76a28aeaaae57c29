// Certificates for the domain, read and verified by OpenSSL's libcrypto. No I/O: whoever has the files of
// authorities hands over their bytes.

import Bytes
import COpenSSL
import Glibc
import Synchronization
import Tokens

/// Why a file of authorities cannot be taken: the end of a sentence.
public struct AuthoritiesFailure: Error, CustomStringConvertible {
    public let description: String
}

/// Authorities that are trusted. Any thread: OpenSSL locks a store of its own accord.
@safe public final class TrustedAuthorities: @unchecked Sendable {
    /// Freed in `deinit`. Nothing is added to it once it is made.
    fileprivate let store: OpaquePointer

    /// - Parameter pem: one or more certificates in PEM. Each of them is trusted by itself: lists of
    ///   trusted services name the authorities that issue, and not what has certified those.
    public init(pem: [UInt8]) throws(AuthoritiesFailure) {
        if let line = PEMText.strayLine(in: pem) {
            throw AuthoritiesFailure(
                description: "its line \(line) is meant to begin or end a certificate and does not "
                    + "(-----BEGIN CERTIFICATE-----, -----END CERTIFICATE-----; a comment begins with #)"
            )
        }
        guard let store = unsafe X509_STORE_new() else {
            throw AuthoritiesFailure(description: "there is no memory for it")
        }
        unsafe self.store = store
        var count = 0
        let isWhole = unsafe PEMCertificates.each(pem) { certificate in
            count += 1
            return unsafe X509_STORE_add_cert(store, certificate) == 1
        }
        guard isWhole else {
            throw AuthoritiesFailure(
                description: "it holds something that is no certificate in PEM")
        }
        guard count > 0 else {
            throw AuthoritiesFailure(description: "it holds no certificate in PEM")
        }
    }

    deinit { unsafe X509_STORE_free(store) }

    /// What a chain is to be good for.
    enum Purpose {
        /// A certificate of a website or of a seal, as providers have them.
        case any
        /// To prove who connects (RFC 5280 §4.2.1.12).
        case client
    }

    private static let depthMax: Int32 = 8
    /// As in a handshake: RSA and DSA from 2,048 bits on, curves from 224, nothing signed with MD5 or SHA-1
    /// (`SSL_CTX_set_security_level(3)`).
    private static let securityLevel: Int32 = 2

    /// The authorities of a chain that holds, the nearest first.
    ///
    /// - Parameter chain: in DER, what it is about first; the rest is not trusted, and helps.
    /// - Returns: nil where it does not hold.
    func authorities(of chain: [[UInt8]], for purpose: Purpose, now: Milliseconds) -> [Thumbprint]?
    {
        defer { ERR_clear_error() }
        let certificates = chain.prefix(Int(TrustedAuthorities.depthMax)).compactMap {
            X509Certificate($0)
        }
        guard let first = certificates.first, certificates.count == chain.count else { return nil }
        guard let others = unsafe OPENSSL_sk_new_null() else { return nil }
        // Frees the list; the certificates are those of `certificates`.
        defer { unsafe OPENSSL_sk_free(others) }
        for other in certificates.dropFirst() {
            guard unsafe OPENSSL_sk_push(others, UnsafeRawPointer(other.handle)) > 0 else {
                return nil
            }
        }
        return withExtendedLifetime(certificates) {
            unsafe verify(first.handle, others, purpose, now)
        }
    }

    @unsafe private func verify(
        _ certificate: OpaquePointer, _ others: OpaquePointer, _ purpose: Purpose,
        _ now: Milliseconds
    ) -> [Thumbprint]? {
        guard let context = unsafe X509_STORE_CTX_new() else { return nil }
        defer { unsafe X509_STORE_CTX_free(context) }
        guard unsafe X509_STORE_CTX_init(context, store, certificate, others) == 1 else {
            return nil
        }
        let parameters = unsafe X509_STORE_CTX_get0_param(context)
        unsafe X509_VERIFY_PARAM_set_time(parameters, time_t(now / 1000))
        unsafe X509_VERIFY_PARAM_set_depth(parameters, TrustedAuthorities.depthMax)
        unsafe X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        unsafe X509_VERIFY_PARAM_set_auth_level(parameters, TrustedAuthorities.securityLevel)
        if purpose == .client {
            unsafe X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_CLIENT)
        }
        guard unsafe X509_verify_cert(context) == 1,
            let chain = unsafe X509_STORE_CTX_get0_chain(context)
        else { return nil }
        let count = unsafe OPENSSL_sk_num(chain)
        // A certificate that is trusted by itself is its own authority.
        let first: Int32 = count > 1 ? 1 : 0
        var authorities: [Thumbprint] = []
        for index in first..<count {
            guard let one = unsafe OPENSSL_sk_value(chain, index),
                let thumbprint = unsafe X509Certificate.thumbprint(of: OpaquePointer(one))
            else { return nil }
            authorities.append(thumbprint)
        }
        return authorities
    }
}

/// Reads and verifies certificates. Any thread; takes some 0.3 ms for each that it reads.
public final class X509Reader: CertificateReader {
    private struct Trust {
        var providers: TrustedAuthorities?
        var clients: TrustedAuthorities?
        var generation = 0
    }

    private let trust: Mutex<Trust>
    private let revoked: @Sendable ([UInt8]) -> Bool

    /// - Parameters:
    ///   - providers: who may have issued providers' certificates; nil: their chains are not verified.
    ///   - clients: who may have issued clients' certificates; nil: none of them has an authority.
    ///   - revoked: whether a list that is in force names the certificate of a client.
    public init(
        providers: TrustedAuthorities? = nil, clients: TrustedAuthorities? = nil,
        revoked: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }
    ) {
        trust = Mutex(Trust(providers: providers, clients: clients))
        self.revoked = revoked
    }

    /// From now on these are trusted, and no others.
    public func trust(providers: TrustedAuthorities?, clients: TrustedAuthorities?) {
        trust.withLock {
            $0 = Trust(providers: providers, clients: clients, generation: $0.generation + 1)
        }
    }

    public var generation: Int { trust.withLock { $0.generation } }

    public func read(_ der: [UInt8]) -> Certificate? { X509Certificate(der)?.facts }

    public func isRevoked(_ der: [UInt8]) -> Bool { revoked(der) }

    private func trusted(_ authorities: CertificateAuthorities) -> TrustedAuthorities? {
        trust.withLock {
            switch authorities {
            case .providers: $0.providers
            case .clients: $0.clients
            }
        }
    }

    public func trusts(_ authorities: CertificateAuthorities) -> Bool {
        trusted(authorities) != nil
    }

    public func authorities(
        of chain: [[UInt8]], among authorities: CertificateAuthorities, now: Milliseconds
    ) -> [Thumbprint]? {
        trusted(authorities)?.authorities(
            of: chain, for: authorities == .clients ? .client : .any, now: now)
    }
}
