// Two sessions in memory, and the wire between them in the test's hands.

import COpenSSL
import Testing

@testable import TLS

/// A server and a client that talk without sockets.
final class Conversation {
    let serverBuffers = TLSBuffers()
    let clientBuffers = TLSBuffers()
    let server: TLSSession
    let client: TLSSession
    /// What the server has read.
    private(set) var received: [UInt8] = []
    /// How often the server has got any.
    private(set) var deliveries = 0
    private(set) var clientReceived: [UInt8] = []
    private(set) var serverStep = TLSSession.Step.wantsMore
    private(set) var clientStep = TLSSession.Step.wantsMore
    /// On their way.
    var toServer: [UInt8] = []
    var toClient: [UInt8] = []

    init(_ context: TLSContext, _ testClient: TestClient = TestClient(), now: Int64 = testDay) {
        server = TLSSession(context, serverBuffers)
        server.setTime(now)
        client = testClient.session(clientBuffers)
        clientStep = client.connect()
        collect()
    }

    /// Takes what the two have to send.
    func collect() {
        serverBuffers.send { toClient += copy($0) }
        clientBuffers.send { toServer += copy($0) }
    }

    private func copy(_ bytes: Span<UInt8>) -> [UInt8] { bytes.indices.map { bytes[$0] } }

    /// Gives these bytes to the server.
    func feed(_ bytes: [UInt8]) {
        serverBuffers.offer(bytes.span) {
            repeat {
                serverStep = server.receive()
                if serverBuffers.plainCount > 0 { deliveries += 1 }
                serverBuffers.withPlain { received += copy($0) }
                serverBuffers.dropPlain()
            } while serverStep == .wantsRoom
        }
        collect()
    }

    func feedClient(_ bytes: [UInt8]) {
        clientBuffers.offer(bytes.span) {
            clientStep = client.receive()
            clientBuffers.withPlain { clientReceived += copy($0) }
            clientBuffers.dropPlain()
        }
        collect()
    }

    /// Carries everything to where it goes, until nothing is on its way.
    func settle() {
        while !toServer.isEmpty || !toClient.isEmpty {
            let (up, down) = (toServer, toClient)
            (toServer, toClient) = ([], [])
            if !down.isEmpty { feedClient(down) }
            if !up.isEmpty { feed(up) }
        }
    }

    /// The client's first flight in two portions, and then the rest of the handshake byte by byte.
    func feedSplit(at place: Int) {
        let first = toServer
        toServer = []
        feed(Array(first[..<place]))
        feed(Array(first[place...]))
        feedByteByByte()
    }

    func feedByteByByte() {
        while !toServer.isEmpty || !toClient.isEmpty {
            let (up, down) = (toServer, toClient)
            (toServer, toClient) = ([], [])
            if !down.isEmpty { feedClient(down) }
            for byte in up { feed([byte]) }
        }
    }

    func clientSends(_ text: String) {
        let bytes = Array(text.utf8)
        _ = client.send(bytes.span)
        collect()
    }

    func clientFinishes() {
        client.finishSending()
        collect()
    }

    // A macro takes no session.
    var isServerReady: Bool { server.isReady }
    var isReady: Bool { server.isReady && client.isReady }
    var version: String { server.version }
    var isOldest: Bool { server.isOldest }
    var cipher: String { server.cipher }
    var peerCertificate: [UInt8]? { server.peerCertificate }
    @unsafe var clientRaw: OpaquePointer { client.raw }
    @unsafe var serverRaw: OpaquePointer { server.raw }

    var text: String { String(decoding: received, as: UTF8.self) }
}

/// What becomes of a client's handshake; nil: it is taken.
///
/// - Parameter more: what the client shows beside its certificate.
func verdict(
    _ certificate: MadeCertificate?, _ context: TLSContext, now: Int64 = testDay,
    with more: MadeCertificate? = nil
) -> TLSFailure? {
    let talk = Conversation(context, TestClient(certificate, with: more), now: now)
    talk.settle()
    if case .failed(let failure) = talk.serverStep { return failure }
    #expect(talk.isServerReady)
    return nil
}
