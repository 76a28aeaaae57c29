// Whose certificate the token of an exchange is to be bound to (RFC 8705 §3): the provider's, who never connects
// here. The institution passes on the certificate, or its thumbprint, or both.

import Bytes
import HTTP1
import Tokens

/// What a server does about certificates.
public struct CertificatePolicy: Sendable {
    /// nil: none is read, so that all are malformed.
    public var reader: (any CertificateReader)?
    /// An exchange that names no certificate is refused.
    public var requiresHolder = false

    public init(reader: (any CertificateReader)? = nil, requiresHolder: Bool = false) {
        (self.reader, self.requiresHolder) = (reader, requiresHolder)
    }
}

/// A certificate that came with an exchange. Nothing of it is believed yet.
final class GivenCertificate {
    let certificate: Certificate
    /// In DER, itself first.
    let chain: [[UInt8]]

    init(_ certificate: Certificate, _ chain: [[UInt8]]) {
        (self.certificate, self.chain) = (certificate, chain)
    }

    /// Why it is not this provider's, now; nil where it is.
    func refusal(
        for provider: Provider, now: Milliseconds, _ reader: (any CertificateReader)?
    ) -> CertificateRefusal? {
        if let refusal = certificate.refusal(for: provider, now: now) { return refusal }
        guard let reader, reader.trusts(.providers) else { return nil }
        return reader.authorities(of: chain, among: .providers, now: now) == nil ? .untrusted : nil
    }
}

/// Whose the token of an exchange is to be. An object, since most are nobody's.
final class ExchangeHolder {
    let thumbprint: Thumbprint
    /// The certificate itself, where it came.
    let given: GivenCertificate?

    private init(_ thumbprint: Thumbprint, _ given: GivenCertificate?) {
        (self.thumbprint, self.given) = (thumbprint, given)
    }

    /// - Returns: nil where neither the body nor the head says anything.
    @inline(__always)
    static func of(
        _ place: JSONString?, _ body: Span<UInt8>, _ claim: HolderClaim?
    ) -> ExchangeHolder? {
        place == nil && claim == nil ? nil : read(place, body, claim)
    }

    @inline(never)
    private static func read(
        _ place: JSONString?, _ body: Span<UInt8>, _ claim: HolderClaim?
    ) -> ExchangeHolder? {
        let given = claim?.certificate
        let thumbprint = place.flatMap { TokenBody.thumbprint($0, body) }
        return (thumbprint ?? given?.certificate.thumbprint).map { ExchangeHolder($0, given) }
    }
}

/// What the head of an exchange says of a certificate, before its body is read. An object, since most say
/// nothing.
final class HolderClaim {
    private enum State {
        /// There is none, and there has to be one; the body may have a thumbprint.
        case missing
        case malformed(Fault)
        case given(GivenCertificate)
    }

    private let state: State

    private init(_ state: State) { self.state = state }

    /// - Returns: nil where nothing is said, and nothing has to be.
    @inline(__always)
    static func of(
        _ field: HeaderField, _ bytes: Span<UInt8>, requiresHolder: Bool,
        _ reader: (any CertificateReader)?
    ) -> HolderClaim? {
        if field.isMissing, !requiresHolder { return nil }
        return field.isMissing ? HolderClaim(.missing) : read(field, bytes, reader)
    }

    @inline(never)
    private static func read(
        _ field: HeaderField, _ bytes: Span<UInt8>, _ reader: (any CertificateReader)?
    ) -> HolderClaim {
        if field.isDoubled {
            return HolderClaim(
                .malformed(Fault(.parameterInvalid, "the header eidas must be given once")))
        }
        guard let chain = CertificateText.chain(bytes.extracting(field.value)),
            let first = chain.first,
            let certificate = reader?.read(first)
        else {
            return HolderClaim(
                .malformed(
                    Fault(
                        .parameterInvalid,
                        "the header eidas must be a certificate: base64 of its DER, or PEM with % escapes"
                    )))
        }
        return HolderClaim(.given(GivenCertificate(certificate, chain)))
    }

    /// What is wrong with it beside what the body says.
    ///
    /// - Parameters:
    ///   - holder: the thumbprint in the body; nil: there is none, or it is malformed.
    ///   - isNamed: the body says something about it.
    func fault(beside holder: Thumbprint?, isNamed: Bool) -> Fault? {
        switch state {
        case .missing:
            isNamed
                ? nil
                : Fault(
                    .parameterMissing,
                    "cnf or the header eidas is required: tokens are bound to certificates here")
        case .malformed(let fault): fault
        case .given(let given):
            holder.map { $0 == given.certificate.thumbprint } ?? true
                ? nil
                : Fault(
                    .parameterInvalid,
                    "cnf and the header eidas must name the same certificate, or one of them is left out"
                )
        }
    }

    var certificate: GivenCertificate? {
        if case .given(let given) = state { given } else { nil }
    }
}
