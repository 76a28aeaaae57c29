// One request to a server that speaks TLS, and what it answers.

import COpenSSL
import UV

/// Stands between a connection that this process opens and whoever asks on it. The loop's thread only.
///
/// Its handler gets plain bytes. `failed` says with which words the handshake was refused, and by whom.
public final class TLSProbe: ByteStreamHandler {
    private let buffers = TLSBuffers()
    private let session: TLSSession
    private let request: [UInt8]
    private let handler: any ByteStreamHandler
    private var stream: (any ByteStream)?
    private var hasAsked = false
    private var isOver = false

    public init(
        _ context: TLSClientContext, asking request: [UInt8], _ handler: any ByteStreamHandler
    ) {
        session = unsafe TLSSession(context.raw, buffers)
        self.request = request
        self.handler = handler
    }

    /// Begins the handshake.
    ///
    /// - Parameter stream: whose handler this is; it may still be on its way to the server.
    public func start(_ stream: any ByteStream) {
        self.stream = stream
        _ = session.connect()
        flush()
    }

    private func flush() { buffers.send { stream?.write($0) } }

    public func received(_ bytes: Span<UInt8>) {
        guard !isOver else { return }
        buffers.offer(bytes) {
            while !isOver, takeStep(session.receive()) {}
        }
    }

    /// - Returns: true where there is more to read.
    private func takeStep(_ step: TLSSession.Step) -> Bool {
        // Of what went wrong: the next call to OpenSSL forgets it.
        let reason = reason
        if session.isReady, !hasAsked {
            hasAsked = true
            let request = request
            _ = session.send(request.span)
        }
        flush()
        if buffers.plainCount > 0 { buffers.withPlain { handler.received($0) } }
        buffers.dropPlain()
        switch step {
        case .wantsMore: return false
        case .wantsRoom: return true
        case .ended: receivedEnd()
        case .failed: end { handler.failed(.handshake(reason)) }
        }
        return false
    }

    private var reason: String {
        let verdict = unsafe SSL_get_verify_result(session.raw)
        let entry = TLSLibrary.lastError
        guard entry?.isSSL(SSL_R_CERTIFICATE_VERIFY_FAILED) == true,
            let text = unsafe X509_verify_cert_error_string(verdict)
        else { return TLSLibrary.lastReason }
        return unsafe "its certificate is refused: \(String(cString: text))"
    }

    private func end(_ tell: () -> Void) {
        guard !isOver else { return }
        isOver = true
        tell()
    }

    public func receivedEnd() { end { handler.receivedEnd() } }
    public func drained() { handler.drained() }
    public func failed(_ failure: StreamFailure) { end { handler.failed(failure) } }

    public func closed() {
        handler.closed()
        stream = nil
    }
}
