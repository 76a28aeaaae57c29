// One question to a running server, and its answer.

import ArgumentParser
import TLS
import UV

/// `http://IP:PORT/PATH`, or `https://`. There is no look-up of names.
struct ProbeURL: CustomStringConvertible {
    private static let schemes = [StreamKind.plain.scheme, StreamKind.encryptedScheme]

    let scheme: String
    let address: SocketAddress
    let path: String
    var isEncrypted: Bool { scheme == StreamKind.encryptedScheme }

    init(scheme: String, address: SocketAddress, path: String) {
        (self.scheme, self.address, self.path) = (scheme, address, path)
    }

    init(_ text: String) throws {
        let scheme = ProbeURL.schemes.first { text.hasPrefix("\($0)://") }
        let rest = text.dropFirst((scheme ?? "").count + 3)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard let scheme, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ValidationError(
                "'\(text)' is not a URL to ask, such as http://127.0.0.1:9090/readyz")
        }
        self.scheme = scheme
        do {
            address = try SocketAddress(String(rest[..<slash]))
        } catch {
            throw ValidationError(error.description)
        }
        path = slash == rest.endIndex ? "/" : String(rest[slash...])
    }

    var description: String { "\(scheme)://\(address)\(path)" }
}

enum ProbeOutcome {
    case answered(status: Int, body: String)
    case noHTTP
    case timedOut
    case failed(StreamFailure)
}

/// One GET on a loop of its own.
final class Probe: ByteStreamHandler {
    /// An answer of more bytes than this is judged by these.
    private static let bytesMax = 4096

    private let timer: Timer
    private var stream: TCPStream?
    private var received: [UInt8] = []
    private var outcome: ProbeOutcome?

    private init(_ timer: Timer) {
        self.timer = timer
    }

    /// Asks and waits until the server has closed the connection.
    ///
    /// - Parameter context: what TLS is spoken with; nil: none is.
    /// - Throws: `UVError` where the attempt cannot even begin.
    static func ask(
        _ url: ProbeURL, _ context: TLSClientContext?, withinMilliseconds limit: UInt64
    ) throws(UVError) -> ProbeOutcome {
        Signal.ignoreWriteSignals()
        let loop = try EventLoop()
        // Every handle is closed by `finish`, and the loop runs until it is.
        defer { loop.run() }
        let probe = Probe(try Timer(loop))
        probe.timer.start(afterMilliseconds: limit) { probe.finish(.timedOut) }
        let request =
            "GET \(url.path) HTTP/1.1\r\nHost: \(url.address)\r\n"
            + "User-Agent: obie-tokens-healthcheck\r\nConnection: close\r\n\r\n"
        let encrypted = context.map { TLSProbe($0, asking: Array(request.utf8), probe) }
        let stream: TCPStream
        do throws(UVError) {
            stream = try TCPStream(loop, connectingTo: url.address, encrypted ?? probe)
        } catch {
            probe.finish(.failed(.connection(error)))
            throw error
        }
        probe.stream = stream
        if let encrypted {
            encrypted.start(stream)
        } else {
            stream.write(Array(request.utf8).span)
        }
        loop.run()
        return probe.outcome ?? .timedOut
    }

    private func finish(_ outcome: ProbeOutcome) {
        guard self.outcome == nil else { return }
        self.outcome = outcome
        timer.close()
        stream?.close()
    }

    func received(_ bytes: Span<UInt8>) {
        for index in bytes.indices where received.count < Probe.bytesMax {
            received.append(bytes[index])
        }
        if received.count == Probe.bytesMax { finish(judged) }
    }

    func receivedEnd() { finish(judged) }
    func drained() {}
    func failed(_ failure: StreamFailure) { finish(.failed(failure)) }
    func closed() {}

    /// What the bytes say: `HTTP/1.1 200 …` (RFC 9112 §4), and a body for people to read.
    private var judged: ProbeOutcome {
        let text = String(decoding: received, as: UTF8.self)
        let words = text.prefix { $0 != "\r\n" }.split(separator: " ")
        guard text.hasPrefix("HTTP/1."), words.count >= 2, words[1].utf8.count == 3,
            let status = Int(words[1])
        else { return .noHTTP }
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\r\n" }
        let body = lines.drop { !$0.isEmpty }.dropFirst().joined(separator: " ")
        return .answered(
            status: status,
            body: String(body.prefix(100).filter { $0 >= " " && $0 <= "~" }))
    }
}
