// A small blocking HTTP client on a raw socket, plain or with TLS over it: it sends exactly the bytes it is
// given and reads strictly. It knows nothing about tokens.

import Glibc

enum ClientError: Error {
    case system(call: String, errno: Int32)
    case timeout
    case closedEarly(received: [UInt8])
    case malformed(String)
    /// What libssl says.
    case tls(String)
    /// The server closed without close_notify: somebody could have cut the connection off.
    case truncated
}

/// One connection to 127.0.0.1. Not for two threads at a time.
///
/// It is dropped as a program that ends drops it: with TLS nothing is said before.
final class HTTPConnection {
    private let descriptor: Int32
    private let tls: TLSClient?
    /// Of an answer, not yet taken.
    private var received: [UInt8] = []
    /// Waits for the end of a handshake that nobody has waited for.
    private var unsent: [UInt8] = []

    /// - Parameters:
    ///   - timeoutSeconds: how long one send or receive may block.
    ///   - tls: speaks TLS; nil: the connection is plain.
    ///   - isAwaited: false where the server takes the connection later: what is sent goes out when
    ///     something is read.
    init(
        port: UInt16, timeoutSeconds: Int = 20, tls: TLSClient? = nil, isAwaited: Bool = true
    ) throws {
        self.tls = tls
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw ClientError.system(call: "socket", errno: errno) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        var one: Int32 = 1
        // The kernel copies all three before the calls return.
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let outcome = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, size)
            }
        }
        guard outcome == 0 else { throw ClientError.system(call: "connect", errno: errno) }
        guard let tls else { return }
        _ = try tls.handshake()
        try sendOnWire(tls.takeOutgoing())
        if isAwaited { try finishHandshake(tls) }
    }

    deinit {
        close(descriptor)
    }

    private func finishHandshake(_ tls: TLSClient) throws {
        while !tls.isReady {
            guard let bytes = try receiveFromWire(), !bytes.isEmpty else {
                throw ClientError.closedEarly(received: [])
            }
            tls.addIncoming(bytes)
            _ = try tls.handshake()
            try sendOnWire(tls.takeOutgoing())
        }
        let bytes = unsent
        unsent = []
        try send(bytes)
    }

    func send(_ bytes: some Collection<UInt8>) throws {
        guard let tls else { return try sendOnWire(bytes) }
        guard tls.isReady else { return unsent += bytes }
        try tls.seal(Array(bytes))
        try sendOnWire(tls.takeOutgoing())
    }

    private func sendOnWire(_ bytes: some Collection<UInt8>) throws {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw ClientError.system(call: "send", errno: errno) }
            rest = rest.dropFirst(count)
        }
    }

    func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    /// Half-closes: the server sees the end, answers can still come. With TLS that is close_notify, and
    /// the socket stays as it is (RFC 8446 §6.1).
    func finishSending() throws {
        guard let tls else {
            shutdown(descriptor, Int32(SHUT_WR))
            return
        }
        tls.finishSending()
        try sendOnWire(tls.takeOutgoing())
    }

    /// Whether something (an answer or the end) arrives within the time.
    func hasInput(withinMilliseconds milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let isThere = !received.isEmpty || tls?.hasIncoming == true
        return unsafe isThere || poll(&entry, 1, milliseconds) > 0
    }

    /// The next answer, interim ones (100) included.
    ///
    /// - Parameter isHead: whether it answers a HEAD and so has no body.
    func readResponse(isHead: Bool = false) throws -> HTTPResponse {
        var response = try HTTPResponse(head: try readHead())
        let isBodiless = isHead || response.status < 200 || response.status == 204
        guard !isBodiless else { return response }
        guard let text = response["Content-Length"], let length = Int(text) else {
            throw ClientError.malformed("no Content-Length in \(response.fields)")
        }
        while received.count < length {
            guard try receive() else { throw ClientError.closedEarly(received: received) }
        }
        response.body = Array(received.prefix(length))
        received.removeFirst(length)
        return response
    }

    /// Everything until the server closes. A reset counts as a close.
    func readUntilClose() throws -> [UInt8] {
        while try receive() {}
        defer { received = [] }
        return received
    }

    private func readHead() throws -> String {
        var searched = 0
        while true {
            while searched + 4 <= received.count {
                if received[searched..<(searched + 4)].elementsEqual([13, 10, 13, 10]) {
                    let head = String(decoding: received[..<searched], as: UTF8.self)
                    received.removeFirst(searched + 4)
                    return head
                }
                searched += 1
            }
            guard try receive() else { throw ClientError.closedEarly(received: received) }
        }
    }

    /// False at the end.
    private func receive() throws -> Bool {
        guard let tls else {
            let bytes = try receiveFromWire() ?? []
            received += bytes
            return !bytes.isEmpty
        }
        try finishHandshake(tls)
        // A record may come in several parts, and the end of the connection follows its close_notify.
        while true {
            let plain = try tls.read()
            received += plain
            if !plain.isEmpty { return true }
            guard let bytes = try receiveFromWire() else { return false }
            if bytes.isEmpty {
                if !tls.hasEnded { throw ClientError.truncated }
                return false
            }
            tls.addIncoming(bytes)
        }
    }

    /// What has come; empty at the end, nil where the connection was reset.
    private func receiveFromWire() throws -> [UInt8]? {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe chunk.withUnsafeMutableBytes {
            unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
        }
        if count < 0 {
            switch errno {
            case EAGAIN: throw ClientError.timeout
            case ECONNRESET: return nil
            default: throw ClientError.system(call: "recv", errno: errno)
            }
        }
        return Array(chunk.prefix(count))
    }
}
