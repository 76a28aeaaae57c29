// Which kind of stream clients are served on. The only place that names one.

import Server
import TLS
import UV

extension Settings {
    /// What the public listeners talk, and the scheme of their URL.
    ///
    /// - Parameters:
    ///   - endpoint: nil: without TLS.
    ///   - refusals: counts connections that are refused before their first request.
    func streams(
        _ endpoint: TLSEndpoint?, counting refusals: ProxyRefusals = ProxyRefusals()
    ) -> StreamKind {
        // Who balances says for whom in front of everything else.
        let connection: StreamKind =
            self.proxyProtocol
            ? .proxied(from: self.trustedProxies, counting: refusals) : .plain
        return endpoint.map { .tls($0, over: connection) } ?? connection
    }

    /// The same where it is only named, and nobody talks on it.
    var namedStreams: StreamKind {
        self.tlsCertificate == nil ? .plain : StreamKind(scheme: StreamKind.encryptedScheme) { $0 }
    }
}
