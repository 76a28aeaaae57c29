// Whose certificate a connection shows: the client's of the handshake, or the one that a trusted proxy passes
// on.

import Bytes
import HTTP1
import UV

extension Connection {
    var shownCertificate: ShownCertificate {
        if let forwarded = forwardedCertificate { return .forwarded(forwarded) }
        let trusted = commons.trustedProxies
        // Of a proxy that passes certificates on, the handshake shows the proxy's own.
        if trusted.certificateField != nil, trusted.contains(streamAddress) {
            return .none
        }
        return stream.peerCertificate.map { .verified($0) } ?? .none
    }

    var certificateFault: String? {
        if case .refused(let title)? = forwardedCertificate?.content { return title }
        return nil
    }

    /// Reads from a head which certificate a proxy passes on. To be called for each, where one may.
    func readCertificate(_ fields: borrowing Fields, _ bytes: Span<UInt8>) {
        guard let name = commons.trustedProxies.certificateField else { return }
        var (count, value) = (0, 0..<0)
        for index in 0..<fields.count {
            let field = fields[index]
            guard field.isNamed(name.fieldName, bytes) else { continue }
            count += 1
            value = field.value
        }
        // A proxy whose client has none may send an empty one.
        if count == 0 || count == 1 && value.isEmpty {
            if forwardedCertificate != nil { forwardedCertificate = nil }
            return
        }
        guard count == 1 else {
            return refuseCertificate("the header \(name.name) must be given once")
        }
        guard commons.trustedProxies.contains(streamAddress) else {
            return refuseCertificate("the header \(name.name) is taken from trusted proxies only")
        }
        if let known = forwardedCertificate, bytesEqual(bytes, value, known.value) { return }
        var copy: [UInt8] = []
        copy.append(bytes, value)
        forwardedCertificate = ForwardedCertificate(copy, name)
    }

    /// With an empty value, which no other has: it is judged anew each time.
    private func refuseCertificate(_ title: String) {
        forwardedCertificate = ForwardedCertificate([], .refused(title))
    }
}
