// A connection that a balancer has accepted for somebody else: it says for whom first, in a PROXY header.
// What comes behind that is the client's.

import UV

/// A stream that is ready once its PROXY header has come. One without is refused; how long it may take is
/// the handshake's limit. The loop's thread only.
final class ProxiedStream: ByteStream, ByteStreamHandler {
    private let inner: any ByteStream
    private let proxies: TrustedProxies
    private var handler: (any ByteStreamHandler)?
    /// Of the header, as long as it is not all there.
    private var kept: [UInt8] = []
    private var hasFailed = false
    private var source: [UInt8] = []
    private var knownProxy: [UInt8] = []

    private(set) var isReady = false

    /// - Parameter proxies: who may say for whom it asks; where there are none, everybody.
    init(_ inner: any ByteStream, from proxies: TrustedProxies) {
        self.inner = inner
        self.proxies = proxies
    }

    /// The client's, as the header has it, known after its end too; the balancer's where that speaks for
    /// itself.
    var peerAddress: [UInt8] { source.isEmpty ? inner.peerAddress : source }
    var proxyAddress: [UInt8] { source.isEmpty ? [] : knownProxy }

    func start(_ handler: any ByteStreamHandler) {
        self.handler = handler
        inner.start(self)
    }

    var queuedBytes: Int { inner.queuedBytes }
    var undeliveredBytes: Int { inner.undeliveredBytes }
    var security: StreamSecurity? { inner.security }
    var peerCertificate: [UInt8]? { inner.peerCertificate }
    func write(_ bytes: Span<UInt8>) { inner.write(bytes) }
    func pauseReading() { inner.pauseReading() }
    func resumeReading() { inner.resumeReading() }
    func finishSending() { inner.finishSending() }
    func close() { inner.close() }
    func reset() { inner.reset() }

    func received(_ bytes: Span<UInt8>) {
        if isReady {
            handler?.received(bytes)
        } else if !hasFailed {
            readHeader(bytes)
        }
    }

    private func readHeader(_ bytes: Span<UInt8>) {
        let before = kept.count
        if before == 0 {
            knownProxy = inner.peerAddress
            guard proxies.isEmpty || proxies.contains(knownProxy) else {
                return refuse("it comes from an address that trusted-proxies does not name")
            }
        }
        // No more than a header can have: what is behind it is the handler's.
        let room = ProxyHeader.binaryBytesMax - before
        kept.append(bytes, 0..<min(room, bytes.count))
        switch ProxyHeader.read(kept.span) {
        case .incomplete: return
        case .refused(let reason): refuse(reason)
        case .complete(let header):
            kept = []
            source = header.source ?? []
            isReady = true
            handler?.becameReady()
            let rest = bytes.extracting(droppingFirst: header.length - before)
            if !rest.isEmpty { handler?.received(rest) }
        }
    }

    private func refuse(_ reason: String) {
        kept = []
        hasFailed = true
        handler?.failed(.handshake(reason))
    }

    func receivedEnd() {
        if !hasFailed { handler?.receivedEnd() }
    }

    func drained() { handler?.drained() }

    func failed(_ failure: StreamFailure) {
        guard !hasFailed else { return }
        hasFailed = true
        handler?.failed(failure)
    }

    func closed() {
        handler?.closed()
        handler = nil
    }
}

extension StreamKind {
    /// Plain connections of clients, which come through balancers that speak the PROXY protocol.
    ///
    /// - Parameter proxies: nobody else may connect; where there are none, everybody may.
    public static func proxied(from proxies: TrustedProxies) -> StreamKind {
        StreamKind(scheme: StreamKind.plain.scheme) { ProxiedStream($0, from: proxies) }
    }
}
