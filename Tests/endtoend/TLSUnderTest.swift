// Whether the servers of tests speak TLS: where OBIE_TEST_TLS names a folder with `ca.pem`, `server.pem` and
// `server.key`. Tests/tls/endtoend_test.py makes it, and leaves out what is about plain bytes.
//
// The client is libssl's own, over memory. It shares no code with the module that the server has.

import COpenSSL
import Foundation

enum TLSUnderTest {
    private static let environment = ProcessInfo.processInfo.environment
    private static let folder = environment["OBIE_TEST_TLS"]

    /// What a server is started with.
    static var options: [String] {
        guard let folder else { return [] }
        return ["--tls-certificate", "\(folder)/server.pem", "--tls-key", "\(folder)/server.key"]
    }

    /// For all connections of this process.
    static let clientContext = Result {
        try TLSClientContext(
            authority: "\(folder ?? "")/ca.pem",
            isOld: environment["OBIE_TEST_TLS_VERSION"] == "1.2")
    }
}

/// Whom a client trusts: one authority, and of what it has signed that which names 127.0.0.1. OpenSSL
/// counts who holds it.
@safe final class TLSClientContext: Sendable {
    // Freed never: it lives as long as the process. libssl lets any thread make sessions of it.
    @safe fileprivate nonisolated(unsafe) let raw: OpaquePointer

    /// - Parameter isOld: speaks TLS 1.2 and no newer one.
    init(authority: String, isOld: Bool) throws {
        guard let made = unsafe SSL_CTX_new(TLS_client_method()) else {
            throw ClientError.tls("no memory")
        }
        unsafe raw = made
        guard unsafe SSL_CTX_load_verify_file(raw, authority) == 1 else {
            throw ClientError.tls("\(authority): \(TLSClient.lastError)")
        }
        unsafe SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nil)
        let newest = isOld ? TLS1_2_VERSION : TLS1_3_VERSION
        unsafe SSL_CTX_ctrl(raw, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(newest), nil)
    }
}

/// One conversation: bytes of the wire on one side, plain bytes on the other. Not for two threads at a time.
@safe final class TLSClient {
    // Freed in `deinit`, with both BIOs.
    @safe private let session: OpaquePointer
    @safe private let incoming: OpaquePointer
    @safe private let outgoing: OpaquePointer
    /// The server has said that no more will come.
    private(set) var hasEnded = false

    init(_ context: TLSClientContext) throws {
        guard let made = unsafe SSL_new(context.raw), let coming = unsafe BIO_new(BIO_s_mem()),
            let going = unsafe BIO_new(BIO_s_mem())
        else { throw ClientError.tls("no memory") }
        unsafe (session, incoming, outgoing) = (made, coming, going)
        unsafe SSL_set_bio(session, incoming, outgoing)
        unsafe SSL_set_connect_state(session)
        unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), "127.0.0.1")
    }

    deinit { unsafe SSL_free(session) }

    /// The handshake is over.
    var isReady: Bool { unsafe SSL_is_init_finished(session) == 1 }

    /// Something of the server has come and is not read.
    var hasIncoming: Bool { unsafe SSL_has_pending(session) == 1 || BIO_ctrl_pending(incoming) > 0 }

    func handshake() throws -> Bool {
        ERR_clear_error()
        let code = unsafe SSL_do_handshake(session)
        if code != 1 { try expectMore(code) }
        return isReady
    }

    func addIncoming(_ bytes: [UInt8]) {
        // A BIO of memory takes everything.
        _ = unsafe bytes.withUnsafeBytes {
            unsafe BIO_write(incoming, $0.baseAddress, Int32($0.count))
        }
    }

    /// What is to go over the wire.
    func takeOutgoing() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: unsafe BIO_ctrl_pending(outgoing))
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe BIO_read(outgoing, $0.baseAddress, Int32($0.count))
        }
        return Array(bytes.prefix(Int(max(count, 0))))
    }

    /// Encrypts: each call makes records of its own.
    func seal(_ bytes: [UInt8]) throws {
        guard !bytes.isEmpty else { return }
        ERR_clear_error()
        var count = 0
        let code = unsafe bytes.withUnsafeBytes {
            unsafe SSL_write_ex(session, $0.baseAddress, $0.count, &count)
        }
        guard code == 1, count == bytes.count else { throw ClientError.tls(Self.lastError) }
    }

    /// The plain bytes of all that has come whole.
    func read() throws -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var plain: [UInt8] = []
        // What another connection has left behind on this thread would be taken for an error of this one.
        ERR_clear_error()
        while true {
            var count = 0
            let code = unsafe chunk.withUnsafeMutableBytes {
                unsafe SSL_read_ex(session, $0.baseAddress, $0.count, &count)
            }
            guard code == 1 else {
                try expectMore(code)
                return plain
            }
            plain += chunk.prefix(count)
        }
    }

    /// Says close_notify. It still reads.
    func finishSending() {
        ERR_clear_error()
        _ = unsafe SSL_shutdown(session)
    }

    private func expectMore(_ code: Int32) throws {
        switch unsafe SSL_get_error(session, code) {
        case SSL_ERROR_WANT_READ: return
        case SSL_ERROR_ZERO_RETURN: hasEnded = true
        default: throw ClientError.tls(Self.lastError)
        }
    }

    /// The first of this thread's errors, which is then forgotten.
    fileprivate static var lastError: String {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0 else { return "no error is known" }
        var text = [CChar](repeating: 0, count: 256)
        unsafe text.withUnsafeMutableBufferPointer {
            unsafe ERR_error_string_n(code, $0.baseAddress, $0.count)
        }
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
