// How far a handshake has come, for whoever has to choose among many.

import COpenSSL

extension TLSSession {
    /// The peer's ClientHello has not come, or only a part of it: nothing has been computed for it yet.
    var awaitsHello: Bool {
        switch unsafe SSL_get_state(raw) {
        case TLS_ST_BEFORE, TLS_ST_SR_CLNT_HELLO: true
        default: false
        }
    }
}

extension TLSStream {
    public var isSilent: Bool { !isReady && (inner.isSilent || session.awaitsHello) }
}
