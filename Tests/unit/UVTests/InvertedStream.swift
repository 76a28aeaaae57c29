// A stream of another kind over a TCP connection: it inverts every bit.

import UV

/// Like one that encrypts, it stands between a connection and its handler.
final class InvertedStream: ByteStream, ByteStreamHandler {
    private let inner: TCPStream
    private let deliversInside: Bool
    private var handler: (any ByteStreamHandler)?

    /// - Parameter deliversInside: breaks the contract: `resumeReading` delivers a byte.
    init(_ inner: TCPStream, deliversInside: Bool = false) {
        self.inner = inner
        self.deliversInside = deliversInside
    }

    static let kind = StreamKind(scheme: "inverted") { InvertedStream($0) }

    private func inverted(_ bytes: Span<UInt8>) -> [UInt8] {
        bytes.indices.map { ~bytes[$0] }
    }

    func start(_ handler: any ByteStreamHandler) {
        self.handler = handler
        inner.start(self)
    }

    func resumeReading() {
        if deliversInside { handler?.received([0].span) }
        inner.resumeReading()
    }

    var isReady: Bool { inner.isReady }
    var queuedBytes: Int { inner.queuedBytes }
    var undeliveredBytes: Int { inner.undeliveredBytes }
    var peerAddress: [UInt8] { inner.peerAddress }
    func write(_ bytes: Span<UInt8>) { inner.write(inverted(bytes).span) }
    func pauseReading() { inner.pauseReading() }
    func finishSending() { inner.finishSending() }
    func close() { inner.close() }
    func reset() { inner.reset() }

    func received(_ bytes: Span<UInt8>) { handler?.received(inverted(bytes).span) }
    func receivedEnd() { handler?.receivedEnd() }
    func drained() { handler?.drained() }
    func failed(_ failure: StreamFailure) { handler?.failed(failure) }
    func closed() {
        handler?.closed()
        handler = nil
    }
}
