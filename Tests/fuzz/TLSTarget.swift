// Target `tls`: the bytes are what somebody on the way does to a conversation: they change, drop, repeat and
// insert bytes of the client, or they are all that comes. Nothing that the client has not said is ever
// taken for its words. OpenSSL draws keys of its own, so the same input is not quite the same run.

import COpenSSL

@testable import TLS

enum TLSTarget {
    private static let now: Int64 = 1_800_000_000_000
    private static let lengthMax = 64 * 1024
    private static let said = Array(
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}".utf8)

    private static let server: TLSContext = {
        let made = SelfSigned.make(names: ["localhost"], now: now, days: 1)
        do throws(TLSFault) {
            var material = TLSMaterial(certificate: made.certificate, key: made.key)
            material.clientAuthentication = .optional
            material.clientCA = made.certificate
            return try TLSContext(material, now: now)
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    // One for the whole process, which never frees it.
    @safe private nonisolated(unsafe) static let client: OpaquePointer = {
        guard let raw = unsafe SSL_CTX_new(TLS_client_method()) else {
            preconditionFailure("there is no memory")
        }
        return unsafe raw
    }()

    static func run(_ input: [UInt8]) {
        guard let kind = input.first else { return }
        if kind & 1 == 0 {
            tamper(Array(input.dropFirst()), isOld: kind & 2 == 0)
        } else {
            noise(Array(input.dropFirst()))
        }
    }

    /// Nobody can begin a conversation without a handshake.
    private static func noise(_ input: [UInt8]) {
        let far = FarEnd(server)
        var random = InputRandom(input)
        var start = 0
        for end in random.portionEnds(input.count) {
            far.feed(Array(input[start..<end]))
            start = end
        }
        require(!far.session.isReady && far.received.isEmpty, "noise is no handshake")
    }

    private static func tamper(_ input: [UInt8], isOld: Bool) {
        let far = FarEnd(server)
        let buffers = TLSBuffers()
        let near = unsafe TLSSession(client, buffers)
        if isOld {
            unsafe SSL_ctrl(near.raw, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        }
        var edits = input[...]
        var random = InputRandom(input)
        _ = near.connect()
        var hasSpoken = false
        for _ in 0..<8 {
            let sent = edited(taken(buffers), &edits)
            var start = 0
            for end in random.portionEnds(sent.count) {
                far.feed(Array(sent[start..<end]))
                start = end
            }
            let back = taken(far.buffers)
            buffers.offer(back.span) { _ = near.receive() }
            buffers.dropPlain()
            if near.isReady, !hasSpoken {
                hasSpoken = true
                _ = near.send(said.span)
            }
        }
        require(said.starts(with: far.received), "the server reads what the client has said")
        require(!input.isEmpty || far.received == said, "who is left alone is heard")
    }

    private static func taken(_ buffers: TLSBuffers) -> [UInt8] {
        var taken: [UInt8] = []
        buffers.send { bytes in taken = bytes.indices.map { bytes[$0] } }
        return taken
    }

    /// Three bytes for an edit: how far it is from the one before, what is done, and with what.
    private static func edited(_ bytes: [UInt8], _ edits: inout ArraySlice<UInt8>) -> [UInt8] {
        var (bytes, place) = (bytes, 0)
        while edits.count >= 3 {
            let edit = Array(edits.prefix(3))
            place += Int(edit[0])
            guard place < bytes.count else { break }
            edits = edits.dropFirst(3)
            switch edit[1] & 3 {
            case 0: bytes[place] ^= edit[2]
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(edit[2], at: place)
            // Each time twice as much: a few of them would take all the time there is.
            default: if bytes.count < lengthMax { bytes += bytes[place...] }
            }
        }
        return bytes
    }
}

/// The server's side.
private final class FarEnd {
    let buffers = TLSBuffers()
    let session: TLSSession
    private(set) var received: [UInt8] = []
    private var hasFailed = false

    init(_ context: TLSContext) { session = TLSSession(context, buffers) }

    func feed(_ bytes: [UInt8]) {
        let before = received.count
        buffers.offer(bytes.span) {
            var step = TLSSession.Step.wantsRoom
            while step == .wantsRoom {
                step = session.receive()
                buffers.withPlain { plain in received += plain.indices.map { plain[$0] } }
                buffers.dropPlain()
            }
            require(!hasFailed || received.count == before, "a session that failed reads no more")
            if case .failed = step { hasFailed = true }
        }
    }
}
