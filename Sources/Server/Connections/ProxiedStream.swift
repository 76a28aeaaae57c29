// A connection that a balancer has accepted for somebody else: it says for whom first, in a PROXY header.
// What comes behind that is the client's.

import UV

/// A stream that is ready once its PROXY header has come. One without is refused; how long it may take is
/// the handshake's limit. The loop's thread only.
final class ProxiedStream: ByteStream, ByteStreamHandler {
    private let inner: any ByteStream
    private let proxies: TrustedProxies
    private let refusals: ProxyRefusals
    private var handler: (any ByteStreamHandler)?
    /// Of the header, as long as it is not all there.
    private var kept: [UInt8] = []
    private var hasFailed = false
    private var source: [UInt8] = []
    private var knownProxy: [UInt8] = []

    private(set) var isReady = false
    var isSilent: Bool { !isReady && !hasFailed }

    /// - Parameter proxies: who may say for whom it asks; where there are none, everybody.
    init(_ inner: any ByteStream, from proxies: TrustedProxies, counting refusals: ProxyRefusals) {
        self.inner = inner
        self.proxies = proxies
        self.refusals = refusals
    }

    /// The client's, as the header has it, known after its end too; the balancer's where that speaks for
    /// itself.
    var peerAddress: [UInt8] { source.isEmpty ? inner.peerAddress : source }
    var proxyAddress: [UInt8] { source.isEmpty ? [] : knownProxy }

    /// The balancer has said that it asks for itself, such as for its health checks. What else it says of
    /// clients may be what one of them has written.
    var peerAsksForItself: Bool { source.isEmpty }

    func start(_ handler: any ByteStreamHandler) {
        self.handler = handler
        inner.start(self)
        knownProxy = inner.peerAddress
        // At once: a stranger who says nothing must not hold a connection for as long as a header may take.
        if !knownProxy.isEmpty { refuseStranger() }
    }

    /// - Returns: whether it is one.
    @discardableResult
    private func refuseStranger() -> Bool {
        if proxies.isEmpty || proxies.contains(knownProxy) { return false }
        refuse(.untrusted)
        return true
    }

    var queuedBytes: Int { inner.queuedBytes }
    var undeliveredBytes: Int { inner.undeliveredBytes }
    var security: StreamSecurity? { inner.security }
    var peerCertificate: [UInt8]? { inner.peerCertificate }
    func write(_ bytes: Span<UInt8>) { inner.write(bytes) }
    func writeLast(_ bytes: Span<UInt8>) { inner.writeLast(bytes) }
    func acknowledgeAtOnce() { inner.acknowledgeAtOnce() }
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
        // Who has gone again is nobody whom anybody trusts.
        if before == 0, knownProxy.isEmpty {
            knownProxy = inner.peerAddress
            if refuseStranger() { return }
        }
        // No more than a header can have: what is behind it is the handler's.
        let room = ProxyHeader.binaryBytesMax - before
        kept.append(bytes, 0..<min(room, bytes.count))
        switch ProxyHeader.read(kept.span) {
        case .incomplete: return
        case .refused(let refusal): refuse(refusal)
        case .complete(let header):
            kept = []
            source = header.source ?? []
            isReady = true
            handler?.becameReady()
            let rest = bytes.extracting(droppingFirst: header.length - before)
            if !rest.isEmpty { handler?.received(rest) }
        }
    }

    private func refuse(_ refusal: ProxyRefusal) {
        kept = []
        hasFailed = true
        refusals.count(refusal)
        handler?.failed(.handshake(refusal.sentence))
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
    /// - Parameters:
    ///   - proxies: nobody else may connect; where there are none, everybody may.
    ///   - refusals: counts the connections that are refused.
    public static func proxied(
        from proxies: TrustedProxies, counting refusals: ProxyRefusals
    ) -> StreamKind {
        StreamKind(scheme: StreamKind.plain.scheme) {
            ProxiedStream($0, from: proxies, counting: refusals)
        }
    }
}
