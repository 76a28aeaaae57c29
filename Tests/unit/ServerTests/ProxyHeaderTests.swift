// The PROXY protocol: its two headers, at every split, and a stream that begins with one.

import Bytes
import HTTP1
import Metrics
import Testing
import UV

@testable import Server

@Suite struct ProxyHeaderTests {
    static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

    static func binary(
        _ command: UInt8, _ family: UInt8, _ content: [UInt8], length: Int? = nil
    ) -> [UInt8] {
        let count = length ?? content.count
        return signature + [command, family, UInt8(count >> 8), UInt8(count & 0xFF)] + content
    }

    static let four: [UInt8] = [192, 0, 2, 7, 10, 0, 0, 1, 0x11, 0x22, 0x1F, 0x90]
    static let sixteen: [UInt8] = [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [7]
    static let six = sixteen + sixteen + [0x11, 0x22, 0x1F, 0x90]
    static let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 192, 0, 2, 7]

    static let good: [([UInt8], [UInt8]?)] = [
        (Array("PROXY TCP4 192.0.2.7 10.0.0.1 4711 8080\r\n".utf8), [192, 0, 2, 7]),
        (
            Array("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n".utf8),
            [255, 255, 255, 255]
        ),
        (Array("PROXY TCP6 2001:db8::7 ::1 0 1\r\n".utf8), sixteen),
        (Array("PROXY TCP6 ::ffff:192.0.2.7 ::1 4711 8080\r\n".utf8), [192, 0, 2, 7]),
        (Array("PROXY UNKNOWN\r\n".utf8), nil),
        (Array("PROXY UNKNOWN ffff::f ffff::f 65535 65535 whatever\r\n".utf8), nil),
        (Array(("PROXY UNKNOWN " + String(repeating: "x", count: 91) + "\r\n").utf8), nil),
        (binary(0x21, 0x11, four), [192, 0, 2, 7]), (binary(0x21, 0x21, six), sixteen),
        (binary(0x21, 0x21, mapped + sixteen + [0, 1, 0, 2]), [192, 0, 2, 7]),
        // With what follows the addresses: it is skipped.
        (binary(0x21, 0x11, four + [3, 0, 4, 1, 2, 3, 4]), [192, 0, 2, 7]),
        (binary(0x21, 0x11, four + [4, 0, 0, 0xE0, 0, 1, 9]), [192, 0, 2, 7]),
        (binary(0x21, 0x21, six + [5, 0, 0]), sixteen),
        (
            binary(0x21, 0x11, four + [4, 0x0F, 0xE1] + [UInt8](repeating: 9, count: 4065)),
            [192, 0, 2, 7]
        ),
        // The balancer for itself, and for whom it cannot say.
        (binary(0x20, 0x00, []), nil), (binary(0x20, 0x11, four), nil),
        (binary(0x20, 0x11, [1]), nil), (binary(0x21, 0x00, [1, 2, 3]), nil),
        (binary(0x20, 0x21, six + [3, 0xFF, 0xFF]), nil),
        (binary(0x21, 0x31, [UInt8](repeating: 65, count: 216)), nil),
        (binary(0x21, 0x31, [UInt8](repeating: 65, count: 216) + [4, 0, 1, 0]), nil),
    ]

    @Test(arguments: good)
    func headerIsReadAtEverySplit(bytes: [UInt8], source: [UInt8]?) {
        for behind in [[], Array("GET / HTTP/1.1\r\n".utf8)] {
            let all = bytes + behind
            for count in 0...all.count {
                let part = Array(all.prefix(count))
                let expected: ProxyHeader.Outcome =
                    count < bytes.count
                    ? .incomplete : .complete(ProxyHeader(length: bytes.count, source: source))
                #expect(ProxyHeader.read(part.span) == expected, "\(count) bytes")
            }
        }
    }

    @Test(arguments: [
        Array("GET / HTTP/1.1\r\n".utf8), Array("PROXX".utf8), Array("proxy TCP4 ".utf8),
        [0x16, 3, 1, 2, 0], [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 13],
        Array("PROXY TCP4 192.0.2.7 10.0.0.1 4711\r\n".utf8),
        Array("PROXY TCP4 192.0.2.7 10.0.0.1 4711 8080 \r\n".utf8),
        Array("PROXY TCP4  192.0.2.7 10.0.0.1 4711 8080\r\n".utf8),
        Array("PROXY TCP4 192.0.2.7 10.0.0.1 04711 8080\r\n".utf8),
        Array("PROXY TCP4 192.0.2.7 10.0.0.1 4711 65536\r\n".utf8),
        Array("PROXY TCP4 192.0.2.7 10.0.0.1 4711 -1\r\n".utf8),
        Array("PROXY TCP4 192.0.2.256 10.0.0.1 4711 8080\r\n".utf8),
        Array("PROXY TCP4 ::1 ::1 4711 8080\r\n".utf8),
        Array("PROXY TCP4 ::ffff:192.0.2.7 10.0.0.1 4711 8080\r\n".utf8),
        Array("PROXY TCP6 192.0.2.7 10.0.0.1 4711 8080\r\n".utf8),
        Array("PROXY UDP4 192.0.2.7 10.0.0.1 4711 8080\r\n".utf8),
        Array("PROXY TCP4 192.0.2.7 10.0.0.1 4711 8080\rX".utf8),
        Array("PROXY TCP4 192.0.2.7 10.0.0.1 4711 8080\nGET / HTTP/1.1\r\n".utf8),
        Array("PROXY \r\n".utf8), Array("PROXY UNKNOWNX\r\n".utf8),
        Array(("PROXY UNKNOWN " + String(repeating: "x", count: 92) + "\r\n").utf8),
        Array(("PROXY UNKNOWN " + String(repeating: "x", count: 1000)).utf8),
        binary(0x11, 0x11, four), binary(0x22, 0x11, four), binary(0x21, 0x12, four),
        binary(0x21, 0x22, six), binary(0x21, 0x41, four),
        binary(0x21, 0x11, Array(four.dropLast())),
        binary(0x21, 0x21, Array(six.dropLast())), binary(0x21, 0x21, four),
        binary(0x21, 0x11, four, length: 4081), binary(0x20, 0x00, [], length: 65535),
        binary(0x21, 0x31, [UInt8](repeating: 65, count: 215)),
        // What follows the addresses reaches beyond the end, or is cut short.
        binary(0x21, 0x11, four + [3]), binary(0x21, 0x11, four + [3, 0]),
        binary(0x21, 0x11, four + [3, 0, 4, 1, 2, 3]), binary(0x21, 0x11, four + [3, 0xFF, 0xFF]),
        binary(0x21, 0x21, six + [4, 0, 1, 0, 3, 0, 1]),
        binary(0x21, 0x31, [UInt8](repeating: 65, count: 217)),
    ])
    func anythingElseIsRefused(bytes: [UInt8]) {
        guard case .refused = ProxyHeader.read(bytes.span) else {
            Issue.record("\(bytes) is taken: \(ProxyHeader.read(bytes.span))")
            return
        }
        // Once it is none, more bytes do not make it one; and it is never one before.
        var isRefused = false
        for count in 0...bytes.count {
            switch ProxyHeader.read(Array(bytes.prefix(count)).span) {
            case .refused: isRefused = true
            case .incomplete: #expect(!isRefused)
            case .complete: Issue.record("\(count) bytes are one")
            }
        }
    }

    // MARK: The stream

    private final class Witness: ByteStreamHandler {
        var isReady = false
        var bytes: [UInt8] = []
        var failures: [StreamFailure] = []
        var ends = 0
        var isClosed = false
        func becameReady() { isReady = true }
        func received(_ part: Span<UInt8>) {
            #expect(isReady)
            bytes += part.indices.map { part[$0] }
        }
        func receivedEnd() { ends += 1 }
        func drained() {}
        func failed(_ failure: StreamFailure) { failures.append(failure) }
        func closed() { isClosed = true }
    }

    private static func stream(
        _ proxies: TrustedProxies = .none, _ refusals: ProxyRefusals = ProxyRefusals()
    ) -> (ProxiedStream, Witness, FakeTransport) {
        let (transport, witness) = (FakeTransport(), Witness())
        let stream = ProxiedStream(transport, from: proxies, counting: refusals)
        stream.start(witness)
        return (stream, witness, transport)
    }

    @Test(arguments: [0, 1, 2])
    func clientsBytesComeBehindTheHeader(step: Int) {
        let request = Array("GET / HTTP/1.1\r\n\r\n".utf8)
        for (header, source) in Self.good {
            let (stream, witness, _) = Self.stream()
            #expect(!stream.isReady)
            let all = header + request
            let ends =
                step == 0
                ? [all.count] : Array(stride(from: step, to: all.count, by: step)) + [all.count]
            var start = 0
            for end in ends {
                stream.received(Array(all[start..<end]).span)
                start = end
            }
            #expect(stream.isReady && witness.isReady && witness.bytes == request)
            #expect(stream.peerAddress == source ?? [127, 0, 0, 1])
            #expect(stream.proxyAddress == (source == nil ? [] : [127, 0, 0, 1]))
            #expect(stream.peerAsksForItself == (source == nil))
            stream.closed()
            #expect(witness.isClosed)
        }
    }

    @Test func connectionWithoutAHeaderIsRefused() {
        let (stream, witness, _) = Self.stream()
        stream.received(Array("GET / HTTP/1.1\r\n".utf8).span)
        stream.received(Array("more".utf8).span)
        stream.receivedEnd()
        #expect(
            witness.failures == [.handshake("it does not begin with a PROXY header")])
        #expect(!witness.isReady && witness.bytes.isEmpty && witness.ends == 0)
    }

    /// At once, also one who says nothing.
    @Test func strangerIsRefusedWhateverHeSays() {
        let (stream, witness, _) = Self.stream(ForwardedAddressTests.proxies("10.0.0.0/8"))
        #expect(witness.failures.count == 1)
        stream.received(Array("PROXY TCP4 10.0.0.1 10.0.0.1 4711 8080\r\n".utf8).span)
        stream.receivedEnd()
        #expect(witness.failures.count == 1 && !witness.isReady && witness.ends == 0)
        let (trusted, other, _) = Self.stream(ForwardedAddressTests.proxies("127.0.0.0/8"))
        trusted.received(Array("PROXY TCP4 10.0.0.1 10.0.0.1 4711 8080\r\n".utf8).span)
        #expect(other.isReady && other.failures.isEmpty)
    }

    @Test func headerHasTheTimeOfAHandshake() {
        let (host, transport) = (FakeHost(), FakeTransport())
        let stream = ProxiedStream(transport, from: .none, counting: ProxyRefusals())
        let connection = Connection(stream, host)
        stream.start(connection)
        // What comes slowly does not extend it.
        for byte in Array("PROXY TCP".utf8) {
            stream.received([byte].span)
            host.pass(milliseconds: 1_100)
        }
        #expect(!transport.isClosed)
        host.pass(milliseconds: 600)
        #expect(transport.isReset && transport.written.isEmpty)
    }

    @Test func endBeforeTheHeaderIsTold() {
        let (stream, witness, _) = Self.stream()
        stream.received(Array("PROXY".utf8).span)
        stream.receivedEnd()
        #expect(witness.ends == 1 && !witness.isReady)
    }

    @Test func silentStrangersConnectionIsClosedAtOnce() {
        let (host, transport) = (FakeHost(), FakeTransport())
        let proxies = ForwardedAddressTests.proxies("10.0.0.0/8")
        let stream = ProxiedStream(transport, from: proxies, counting: ProxyRefusals())
        let connection = Connection(stream, host)
        stream.start(connection)
        #expect(transport.isClosed && transport.written.isEmpty)
        stream.closed()
        #expect(host.closed == 1)
    }

    @Test func refusalsAreCountedByTheirReason() {
        let refusals = ProxyRefusals()
        func send(_ text: String, _ proxies: TrustedProxies = .none) {
            let (stream, _, _) = Self.stream(proxies, refusals)
            for byte in text.utf8 { stream.received([byte].span) }
        }
        send("", ForwardedAddressTests.proxies("10.0.0.0/8"))
        for _ in 0..<2 { send("GET / HTTP/1.1\r\n\r\n") }
        for _ in 0..<3 { send("PROXY UNKNOWN" + String(repeating: "x", count: 200)) }
        for _ in 0..<4 { send("PROXY TCP4 x\r\n") }
        send("PROXY TCP4 192.0.2.7 10.0.0.1 4711 8080\r\nGET /")
        send("PROXY")
        #expect(refusals.counts == [1, 2, 3, 4])
        var text = MetricsText()
        refusals.appendMetrics(to: &text)
        let page = String(decoding: text.bytes, as: UTF8.self)
        for line in [#"{reason="untrusted"} 1"#, #"{reason="malformed"} 4"#] {
            #expect(page.contains("obie_tokens_proxy_refused_total\(line)\n"), "\(page)")
        }
    }

    /// A balancer that asks for itself, in its health checks, has no other address than its own.
    @Test(arguments: [
        Array("PROXY UNKNOWN\r\n".utf8), binary(0x20, 0x00, []), binary(0x20, 0x11, four),
        binary(0x21, 0x00, []),
    ])
    func whoAsksForItselfSaysNothingOfOthers(header: [UInt8]) {
        for (header, peer) in [
            (header, [127, 0, 0, 1]), (Self.good[0].0, [192, 0, 2, 7]),
            (Array("PROXY TCP4 127.0.0.9 10.0.0.1 4711 8080\r\n".utf8), [198, 51, 100, 7]),
        ] as [([UInt8], [UInt8])] {
            let proxies = ForwardedAddressTests.proxies("127.0.0.0/8")
            let (host, transport) = (FakeHost(trustedProxies: proxies), FakeTransport())
            let stream = ProxiedStream(transport, from: proxies, counting: ProxyRefusals())
            let connection = Connection(stream, host)
            stream.start(connection)
            let request = "GET /x HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n"
            stream.received((header + Array(request.utf8)).span)
            #expect(host.fake.handled == 1)
            #expect(host.fake.peers == [peer])
        }
    }
}
