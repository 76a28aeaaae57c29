// How encrypted streams end, and what is counted of it.

import COpenSSL
import Glibc
import Metrics
import Testing

@testable import TLS
@testable import UV

/// Writes down what a stream tells.
final class Ear: ByteStreamHandler {
    let stream: any ByteStream
    var received: [UInt8] = []
    var isReady = false
    var hasEnded = false
    var failure: StreamFailure?
    var isClosed = false
    var onReady: () -> Void = {}

    init(_ stream: any ByteStream) {
        self.stream = stream
        stream.start(self)
    }

    func becameReady() {
        isReady = true
        onReady()
    }
    func received(_ bytes: Span<UInt8>) {
        for index in bytes.indices { received.append(bytes[index]) }
    }
    func receivedEnd() { hasEnded = true }
    func drained() {}
    func failed(_ failure: StreamFailure) {
        self.failure = failure
        stream.close()
    }
    func closed() { isClosed = true }
}

@Suite(.serialized) struct StreamEndTests {
    private func run(_ body: (TLSBench) throws -> Void) throws {
        let loop = try EventLoop()
        defer { loop.abandon() }
        try body(TLSBench(loop, try SessionTests.context()))
    }

    private func ready(_ bench: TLSBench) throws -> (near: Ear, far: Ear) {
        let pair = try bench.pair()
        let (near, far) = (Ear(pair.near), Ear(pair.far))
        bench.turn(until: { near.isReady && far.isReady })
        return (near, far)
    }

    private func send(_ bytes: [UInt8], _ socket: Int32) {
        #expect(unsafe Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) > 0)
    }

    @Test func endWithoutAWordIsCounted() throws {
        try run { bench in
            let (near, far) = try ready(bench)
            far.stream.reset()
            bench.turn(until: { near.failure != nil || near.hasEnded })
            let (other, peer) = try ready(bench)
            #expect(bench.shared.counters.truncated.value == 0)
            // The connection ends under TLS, as if somebody had cut it off.
            (peer.stream as? TLSStream)?.cutOff()
            bench.turn(until: { other.hasEnded })
            #expect(bench.shared.counters.truncated.value == 1)
            let (last, polite) = try ready(bench)
            polite.stream.finishSending()
            bench.turn(until: { last.hasEnded })
            #expect(bench.shared.counters.truncated.value == 1)
        }
    }

    @Test func handshakesAreCounted() throws {
        try run { bench in
            let (near, _) = try ready(bench)
            #expect(near.stream.security?.version == "TLSv1.3")
            #expect(near.stream.security?.thumbprint == nil)
            let (server, socket) = try bench.sockets()
            let half = Ear(TLSStream(server, bench.shared))
            let counters = bench.shared.counters
            #expect(counters.started.value == 2)
            #expect(counters.finished13.value == 1)
            close(socket)
            bench.turn(until: { half.hasEnded })
            #expect(counters.unfinished.value == 1)
            #expect(counters.count(of: .ended) == 1)
            half.stream.close()
            #expect(counters.count(of: .abandoned) == 0)
        }
    }

    @Test func plainHTTPIsToldAndCounted() throws {
        try run { bench in
            let (server, socket) = try bench.sockets()
            defer { close(socket) }
            let near = Ear(TLSStream(server, bench.shared))
            send(Array("GET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8), socket)
            bench.turn(until: { near.isClosed })
            #expect(near.failure == .handshake(TLSFailure.plainHTTP.text("")))
            #expect(bench.shared.counters.count(of: .plainHTTP) == 1)
        }
    }

    /// Each listener has settings of its own, and an operator looks at those that are named.
    @Test func textsNameTheSettingsOfTheListener() {
        for failure in TLSFailure.allCases {
            let (open, admin) = (failure.text(""), failure.text("admin-"))
            let named = open.replacing(/tls-(?=client-|certificate|key)/) { "admin-\($0.output)" }
            #expect(admin == named)
        }
        #expect(TLSFailure.certificateUntrusted.text("admin-").contains(" admin-tls-client-ca"))
        #expect(TLSFailure.revocationList.text("admin-").contains(" admin-tls-client-crl"))
    }

    @Test func lateHandshakeIsATimeout() throws {
        try run { bench in
            let (server, socket) = try bench.sockets()
            defer { close(socket) }
            let near = Ear(TLSStream(server, bench.shared))
            near.stream.reset()
            bench.turn(until: { near.isClosed })
            #expect(bench.shared.counters.count(of: .timeout) == 1)
            #expect(bench.shared.counters.unfinished.value == 1)
        }
    }

    /// Updated keys, over and over, each with a byte for HTTP behind it: the connection ends behind the
    /// limit, and within one read.
    @Test(arguments: [SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED])
    func floodOfKeysEnds(kind: Int32) throws {
        try run { bench in
            let (near, far) = try ready(bench)
            let stream = try #require(far.stream as? TLSStream)
            let byte = Array("x".utf8)
            for _ in 0..<40 {
                stream.updateKeys(kind)
                stream.write(byte.span)
            }
            bench.turn(until: { near.received.count == 40 })
            #expect(near.received.count == 40 && near.failure == nil)
            for _ in 0..<1000 {
                stream.updateKeys(kind)
                stream.write(byte.span)
            }
            bench.turn(until: { near.failure != nil })
            #expect(near.failure == .connection(.protocolError))
            #expect(bench.shared.counters.count(of: .flood) == 1)
            #expect(near.received.count <= TLSLimits.stepsMax / 3)
        }
    }

    /// A ClientHello of 100,000 bytes, which OpenSSL would wait for: it ends where the limit is.
    @Test func endlessHelloEnds() throws {
        try run { bench in
            let (server, socket) = try bench.sockets()
            defer { close(socket) }
            let near = Ear(TLSStream(server, bench.shared))
            let record: [UInt8] = [22, 3, 1, 0x40, 0]
            send(record + [1, 0x01, 0x86, 0xA0] + [UInt8](repeating: 0, count: 16380), socket)
            for _ in 0..<20 { bench.loop.runOnce() }
            for _ in 0..<3 {
                #expect(near.failure == nil)
                send(record + [UInt8](repeating: 0, count: 16384), socket)
                for _ in 0..<20 { bench.loop.runOnce() }
            }
            bench.turn(until: { near.isClosed })
            #expect(near.failure == .handshake(TLSFailure.flood.text("")))
            #expect(bench.shared.counters.count(of: .flood) == 1)
        }
    }

    /// Who pauses as soon as it is ready gets what came with the handshake later, from the loop.
    @Test func pauseAtTheBeginningHolds() throws {
        try run { bench in
            let pair = try bench.pair()
            let (near, far) = (Ear(pair.near), Ear(pair.far))
            far.onReady = {
                let hello = Array("hello".utf8)
                far.stream.write(hello.span)
                far.stream.finishSending()
            }
            near.onReady = { near.stream.pauseReading() }
            bench.turn(until: { near.isReady && far.isReady })
            for _ in 0..<50 { bench.loop.runOnce() }
            #expect(near.received.isEmpty && !near.hasEnded)
            near.stream.resumeReading()
            #expect(near.received.isEmpty)
            bench.turn(until: { near.hasEnded })
            #expect(near.received == Array("hello".utf8))
        }
    }

    @Test func newContextIsForNewConnections() throws {
        try run { bench in
            let (near, far) = try ready(bench)
            bench.endpoint.replace(with: try SessionTests.context { $0.oldest = .tls13 })
            let hello = Array("hello".utf8)
            far.stream.write(hello.span)
            bench.turn(until: { near.received.count == 5 })
            #expect(near.received == hello)
            let (next, _) = try ready(bench)
            #expect(next.isReady)
        }
    }

    @Test func pageNamesEveryReason() throws {
        var text = MetricsText()
        let context = try SessionTests.context()
        TLSEndpoint.appendMetrics([("public", TLSEndpoint(context) { 0 })], to: &text)
        let page = String(decoding: text.bytes, as: UTF8.self)
        for failure in TLSFailure.allCases {
            let labels = "{reason=\"\(failure.rawValue)\"}"
            #expect(page.contains("obie_tokens_tls_failures_total\(labels) 0\n"))
            #expect(!failure.text("").isEmpty)
        }
        let expiry = (testDay + oneDay) / 1000
        #expect(page.contains("timestamp_seconds{listener=\"public\"} \(expiry)\n"))
    }
}

extension TLSStream {
    /// For tests: the connection ends under TLS.
    func cutOff() { inner.finishSending() }

    /// For tests: a KeyUpdate.
    func updateKeys(_ kind: Int32) {
        let raw = session.raw
        unsafe SSL_key_update(raw, kind)
        _ = unsafe SSL_do_handshake(raw)
        flush()
    }
}
