// A stream that encrypts, over one that does not: its handler sees plain bytes, and becomes ready when
// the handshake is over.

import System
import UV

/// The loop's thread only.
public final class TLSStream: ByteStream, ByteStreamHandler {
    private enum Phase {
        case handshaking, open
        /// TLS or the connection is of no more use.
        case failed
        case closed
    }

    let inner: any ByteStream
    private let shared: TLSLoop
    let session: TLSSession
    private var handler: (any ByteStreamHandler)?
    private var phase = Phase.handshaking
    private var startedMicroseconds = 0
    /// What has come since there was something for HTTP in it.
    private var emptyBytes = 0
    private var stepsLeft = TLSLimits.stepsMax
    private var isPaused = false
    private var hasEnded = false
    private var hasFinishedSending = false
    /// What the handler has not taken since it has paused.
    private var waiting = Waiting()
    private var nextTurn: NextTurn?
    /// As far as anybody has asked for it.
    private var knownSecurity: StreamSecurity?

    private struct Waiting {
        var bytes: [UInt8] = []
        var hasEnd = false
        var isEmpty: Bool { bytes.isEmpty && !hasEnd }
    }

    convenience init(_ inner: any ByteStream, _ shared: TLSLoop) {
        self.init(inner, shared, shared.makeSession())
    }

    init(_ inner: any ByteStream, _ shared: TLSLoop, _ session: consuming TLSSession) {
        self.inner = inner
        self.shared = shared
        self.session = session
    }

    public private(set) var isReady = false

    public func start(_ handler: any ByteStreamHandler) {
        self.handler = handler
        startedMicroseconds = Clock.monotonicMicroseconds()
        shared.counters.started.add()
        inner.start(self)
    }

    /// For tests: begins the handshake instead of waiting for it.
    func connect() {
        _ = session.connect()
        flush()
    }

    public var queuedBytes: Int { inner.queuedBytes }
    public var undeliveredBytes: Int { inner.undeliveredBytes }
    public var peerAddress: [UInt8] { inner.peerAddress }
    public var proxyAddress: [UInt8] { inner.proxyAddress }
    public var peerAsksForItself: Bool { inner.peerAsksForItself }
    public var peerCertificate: [UInt8]? { isReady ? session.peerCertificate : nil }

    public var security: StreamSecurity? {
        guard isReady else { return nil }
        if let knownSecurity { return knownSecurity }
        knownSecurity = StreamSecurity(
            version: session.version, cipher: session.cipher,
            thumbprint: peerCertificate.flatMap(Thumbprint.text))
        return knownSecurity
    }

    // MARK: Sending

    public func write(_ bytes: Span<UInt8>) {
        var rest = bytes
        while phase == .open, !hasFinishedSending, !rest.isEmpty {
            let count = min(rest.count, TLSLimits.plainBytesMax)
            let isSent = session.send(rest.extracting(first: count))
            flush()
            guard isSent else { return fail(.malformed) }
            rest = rest.extracting(droppingFirst: count)
        }
    }

    /// TLS's own end goes with the bytes.
    public func writeLast(_ bytes: Span<UInt8>) {
        let isOne = bytes.count <= TLSLimits.plainBytesMax
        guard phase == .open, !hasFinishedSending, isOne, session.send(bytes) else {
            return write(bytes)
        }
        hasFinishedSending = true
        session.finishSending()
        shared.buffers.send { inner.writeLast($0) }
    }

    /// The connection may fail in here, and the handler close it.
    func flush() {
        shared.buffers.send { inner.write($0) }
    }

    public func finishSending() {
        guard phase == .open else { return }
        sayEnd()
        inner.finishSending()
    }

    private func sayEnd() {
        guard phase == .open, !hasFinishedSending else { return }
        hasFinishedSending = true
        session.finishSending()
        flush()
    }

    // MARK: Ending

    public func close() {
        guard phase != .closed else { return }
        if phase == .handshaking { shared.counters.failed(.abandoned) }
        sayEnd()
        end()
        inner.close()
    }

    public func reset() {
        guard phase != .closed else { return }
        if phase == .handshaking { shared.counters.failed(.timeout) }
        end()
        inner.reset()
    }

    private func end() {
        noteUnfinished()
        phase = .closed
        waiting = Waiting()
        nextTurn?.close()
        nextTurn = nil
    }

    private func noteUnfinished() {
        if phase == .handshaking { shared.counters.unfinished.add() }
    }

    /// The peer gets OpenSSL's alert, where there is one; the handler closes.
    private func fail(_ failure: TLSFailure) {
        guard phase == .handshaking || phase == .open else { return }
        shared.counters.failed(failure)
        stop(
            phase == .handshaking
                ? .handshake(failure.text(shared.endpoint.prefix))
                : .connection(UVError.protocolError))
    }

    // MARK: Reading

    public func pauseReading() {
        isPaused = true
        inner.pauseReading()
    }

    public func resumeReading() {
        isPaused = false
        inner.resumeReading()
        if !waiting.isEmpty { awaitTurn() }
    }

    /// What waits is delivered from the loop, never from inside `resumeReading`.
    private func awaitTurn() {
        guard phase == .open else { return }
        do throws(UVError) {
            if nextTurn == nil {
                nextTurn = try NextTurn(shared.loop) { [unowned self] in deliverWaiting() }
            }
            nextTurn?.await()
        } catch {
            preconditionFailure("uv_idle_init never fails: \(error)")
        }
    }

    private func deliverWaiting() {
        guard phase == .open, !isPaused else { return }
        let bytes = waiting.bytes
        waiting.bytes = []
        if !bytes.isEmpty { handler?.received(bytes.span) }
        guard phase == .open, !isPaused, waiting.hasEnd, waiting.bytes.isEmpty else { return }
        waiting.hasEnd = false
        handler?.receivedEnd()
    }

    /// All records of one read at once: what was sent together is answered together.
    public func received(_ bytes: Span<UInt8>) {
        guard phase == .handshaking || phase == .open, !hasEnded else { return }
        emptyBytes += bytes.count
        let buffers = shared.buffers
        buffers.allowSteps(stepsLeft)
        buffers.offer(bytes) {
            while takeStep(session.receive()) {}
        }
        stepsLeft = buffers.stepsLeft
        if emptyBytes > TLSLimits.emptyBytesMax { fail(.flood) }
    }

    /// - Returns: true where there is more to read.
    private func takeStep(_ step: TLSSession.Step) -> Bool {
        let buffers = shared.buffers
        flush()
        if phase == .handshaking, session.isReady, !step.isFailure { becomeReady() }
        if phase == .open, buffers.plainCount > 0 {
            emptyBytes = 0
            buffers.withPlain { deliver($0) }
        }
        buffers.dropPlain()
        guard phase == .handshaking || phase == .open else { return false }
        switch step {
        case .wantsMore: return false
        case .wantsRoom: return true
        case .ended: tellEnd()
        case .failed(let failure): fail(buffers.isOutOfSteps ? .flood : failure)
        }
        return false
    }

    private func becomeReady() {
        phase = .open
        isReady = true
        emptyBytes = 0
        shared.counters.finished(
            isOldest: session.isOldest,
            microseconds: Clock.monotonicMicroseconds() - startedMicroseconds)
        handler?.becameReady()
        // No ticket takes that along, and a client with Nagle's algorithm waits for it with its request.
        inner.acknowledgeAtOnce()
    }

    private func deliver(_ bytes: Span<UInt8>) {
        guard isPaused || !waiting.bytes.isEmpty else {
            handler?.received(bytes)
            return
        }
        for index in bytes.indices { waiting.bytes.append(bytes[index]) }
    }

    private func tellEnd() {
        guard !hasEnded else { return }
        hasEnded = true
        if isPaused || !waiting.bytes.isEmpty {
            waiting.hasEnd = true
        } else {
            handler?.receivedEnd()
        }
    }

    /// The connection ends. Without TLS's own end before it somebody may have cut it off: whoever reads
    /// must not take what is there for all that was to come.
    public func receivedEnd() {
        switch phase {
        case .failed, .closed: return
        case .handshaking:
            shared.counters.failed(.ended)
            noteUnfinished()
            phase = .failed
            handler?.receivedEnd()
        case .open:
            if hasEnded { return }
            shared.counters.truncated.add()
            tellEnd()
        }
    }

    public func drained() {
        if phase == .open { handler?.drained() }
    }

    public func failed(_ failure: StreamFailure) {
        guard phase == .handshaking || phase == .open else { return }
        if phase == .handshaking { shared.counters.failed(.ended) }
        stop(failure)
    }

    private func stop(_ failure: StreamFailure) {
        noteUnfinished()
        phase = .failed
        waiting = Waiting()
        handler?.failed(failure)
    }

    public func closed() {
        end()
        handler?.closed()
        handler = nil
    }
}
