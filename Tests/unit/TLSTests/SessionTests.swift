// Handshakes, records and their ends, without sockets.

import COpenSSL
import Testing

@testable import TLS

@Suite struct SessionTests {
    static let ca = TestCA()
    static let identity = ca.issue("server", usage: "serverAuth")

    static func material(_ change: (inout TLSMaterial) -> Void = { _ in }) -> TLSMaterial {
        var material = TLSMaterial(
            certificate: identity.certificatePEM, key: identity.keyPEM)
        change(&material)
        return material
    }

    static func context(_ change: (inout TLSMaterial) -> Void = { _ in }) throws -> TLSContext {
        try TLSContext(material(change), now: testDay)
    }

    static let versions = [("TLSv1.2", TLS1_2_VERSION), ("TLSv1.3", TLS1_3_VERSION)]

    @Test(arguments: versions)
    func bytesComeThrough(name: String, version: Int32) throws {
        let client = TestClient(oldest: version, newest: version)
        let talk = Conversation(try Self.context(), client)
        talk.settle()
        #expect(talk.isReady)
        #expect(talk.version == name)
        #expect(talk.isOldest == (version == TLS1_2_VERSION))
        #expect(talk.cipher.contains("GCM"))
        talk.clientSends("first")
        talk.clientSends(" second")
        talk.settle()
        #expect(talk.text == "first second")
        talk.clientFinishes()
        talk.settle()
        #expect(talk.serverStep == .ended)
    }

    /// Whatever portions the wire delivers: in two at every place, and byte by byte.
    @Test(arguments: versions)
    func everySplitReadsTheSame(name: String, version: Int32) throws {
        let context = try Self.context()
        let client = TestClient(oldest: version, newest: version)
        var cut = 0
        var length = 1
        while cut <= length {
            let talk = Conversation(context, client)
            length = talk.toServer.count
            talk.feedSplit(at: min(cut, length))
            talk.clientSends("GET / HTTP/1.1\r\n\r\n")
            let records = talk.toServer
            talk.toServer = []
            let place = cut % (records.count + 1)
            talk.feed(Array(records[..<place]))
            talk.feed(Array(records[place...]))
            #expect(talk.text == "GET / HTTP/1.1\r\n\r\n", "cut at \(cut)")
            cut += 1
        }
        let talk = Conversation(context, client)
        talk.feedByteByByte()
        talk.clientSends("drip")
        talk.feedByteByByte()
        #expect(talk.text == "drip")
    }

    @Test func recordsOfOneReadAreDeliveredTogether() throws {
        let talk = Conversation(try Self.context())
        talk.settle()
        for number in 0..<100 { talk.clientSends("request \(number);") }
        let all = talk.toServer
        talk.toServer = []
        talk.feed(all)
        #expect(talk.deliveries == 1)
        #expect(talk.received.count { $0 == UInt8(ascii: ";") } == 100)
    }

    @Test func nothingIsResumed() throws {
        let talk = Conversation(try Self.context())
        talk.settle()
        let session = unsafe SSL_get1_session(talk.clientRaw)
        defer { unsafe SSL_SESSION_free(session) }
        #expect(unsafe SSL_SESSION_is_resumable(session) == 0)
        #expect(unsafe SSL_SESSION_get_max_early_data(session) == 0)
    }

    @Test func protocolIsHTTPOrNotNamed() throws {
        let context = try Self.context()
        for (offer, isTaken) in [
            ([], true), (["http/1.1"], true), (["h2", "http/1.1"], true), (["h2"], false),
            (["http/1.0"], false), (["http/1.1x"], false),
        ] {
            let talk = Conversation(context, TestClient(protocols: offer))
            talk.settle()
            #expect(talk.isServerReady == isTaken, "\(offer)")
            if !isTaken { #expect(talk.serverStep == .failed(.alpn)) }
        }
    }

    @Test func oldVersionsAreRefused() throws {
        let old = TestClient(oldest: TLS1_1_VERSION, newest: TLS1_1_VERSION)
        let talk = Conversation(try Self.context(), old)
        talk.settle()
        #expect(talk.serverStep == .failed(.version))
        let strict = Conversation(
            try Self.context { $0.oldest = .tls13 }, TestClient(newest: TLS1_2_VERSION))
        strict.settle()
        #expect(strict.serverStep == .failed(.version))
    }

    /// TLS 1.2 still has names for them.
    @Test(arguments: [("ECDSA+SHA224", false), ("ECDSA+SHA1", false), ("ECDSA+SHA256", true)])
    func weakSignaturesAreRefused(offer: String, isTaken: Bool) throws {
        let client = TestClient(newest: TLS1_2_VERSION, signatures: offer)
        let talk = Conversation(try Self.context(), client)
        talk.settle()
        #expect(talk.isServerReady == isTaken)
        if !isTaken { #expect(talk.serverStep == .failed(.algorithms)) }
    }

    @Test func otherLanguagesAreTold() throws {
        let context = try Self.context()
        for (bytes, failure) in [
            ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", TLSFailure.plainHTTP),
            ("CONNECT h:1 HTTP/1.1\r\n\r\n", .plainHTTP), ("SSH-2.0-OpenSSH_9.2\r\n", .version),
            (String(repeating: "\u{0}", count: 64), .malformed),
        ] {
            let talk = Conversation(context)
            talk.toServer = []
            talk.feed(Array(bytes.utf8))
            guard case .failed(let found) = talk.serverStep else {
                Issue.record("\(bytes) was taken")
                continue
            }
            #expect(found == failure || found == .malformed && failure == .version, "\(bytes)")
        }
    }

    @Test func renegotiationIsRefused() throws {
        let client = TestClient(newest: TLS1_2_VERSION)
        let talk = Conversation(try Self.context(), client)
        talk.settle()
        #expect(unsafe SSL_renegotiate(talk.clientRaw) == 1)
        _ = unsafe SSL_do_handshake(talk.clientRaw)
        talk.collect()
        talk.settle()
        // The server says no, which is not what this client takes for an answer.
        #expect(talk.clientStep == .failed(.malformed))
        #expect(talk.serverStep == .failed(.alert))
        #expect(unsafe SSL_get_state(talk.serverRaw) == TLS_ST_OK)
    }
}
