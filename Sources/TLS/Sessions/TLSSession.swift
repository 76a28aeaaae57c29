// One side of one encrypted conversation. It knows no socket and no loop: bytes that came go in, plain
// bytes and bytes to send come out, through the loop's buffers.

import COpenSSL

/// One `SSL`. The loop's thread only.
///
/// Nothing in it is written by its functions but what OpenSSL holds: whoever gets plain bytes may send
/// within the same call.
@safe struct TLSSession: ~Copyable {
    /// What has become of the bytes that came.
    enum Step: Equatable {
        /// All of them are read; more have to come.
        case wantsMore
        /// There is no room for plain bytes; to be called again with the rest.
        case wantsRoom
        /// The peer has said that it sends no more (close_notify).
        case ended
        /// Nothing more can be read or sent. An alert for the peer may be among the bytes to send.
        case failed(TLSFailure)

        var isFailure: Bool { if case .failed = self { true } else { false } }
    }

    // Freed in `deinit`, with its BIO.
    @safe let raw: OpaquePointer
    /// What the BIO points to.
    private let buffers: TLSBuffers

    init(_ context: TLSContext, _ buffers: TLSBuffers) {
        unsafe self.init(context.raw, buffers)
        unsafe SSL_set_accept_state(raw)
    }

    /// - Parameter context: an `SSL_CTX`, which the session holds too.
    @unsafe init(_ context: OpaquePointer, _ buffers: TLSBuffers) {
        guard let made = unsafe SSL_new(context) else {
            preconditionFailure("there is no memory for a TLS connection")
        }
        unsafe raw = made
        self.buffers = buffers
        let bio = unsafe buffers.makeBIO()
        // Given away once for both directions (`SSL_set_bio(3)`).
        unsafe SSL_set_bio(raw, bio, bio)
        unsafe SSL_set_info_callback(raw, TLSBuffers.countStep)
    }

    deinit { unsafe SSL_free(raw) }

    /// For tests: it begins to talk, instead of waiting for the other side.
    borrowing func connect() -> Step {
        unsafe SSL_set_connect_state(raw)
        return handshake()
    }

    /// Judges the peer's certificate by this time.
    ///
    /// - Parameter now: in milliseconds since 1970.
    borrowing func setTime(_ now: Int64) {
        guard let parameters = unsafe SSL_get0_param(raw) else { return }
        unsafe X509_VERIFY_PARAM_set_time(parameters, Int(now / 1000))
    }

    var isReady: Bool { unsafe SSL_is_init_finished(raw) == 1 }

    /// Reads what the buffers offer: of the handshake first, then plain bytes, into the buffers, as many
    /// as there are.
    borrowing func receive() -> Step {
        if !isReady {
            let step = handshake()
            guard isReady, step == .wantsMore else { return step }
        }
        TLSLibrary.clearErrors()
        while !buffers.isPlainFull {
            var count = 0
            let room = unsafe buffers.plainRest
            let code = unsafe SSL_read_ex(raw, room.baseAddress, room.count, &count)
            guard code == 1 else { return step(after: code) }
            buffers.addedPlain(count)
            // Another call would find out no more, and take 16 KiB for it.
            if buffers.isInputEmpty, unsafe SSL_has_pending(raw) == 0 { return .wantsMore }
        }
        return .wantsRoom
    }

    private borrowing func handshake() -> Step {
        TLSLibrary.clearErrors()
        let code = unsafe SSL_do_handshake(raw)
        return code == 1 ? .wantsMore : step(after: code)
    }

    private borrowing func step(after code: Int32) -> Step {
        switch unsafe SSL_get_error(raw, code) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_NONE: return .wantsMore
        case SSL_ERROR_ZERO_RETURN: return .ended
        default:
            let verdict = unsafe SSL_get_verify_result(raw)
            return .failed(TLSFailure(TLSLibrary.lastError, verdict: verdict))
        }
    }

    /// Encrypts. The bytes to send are in the buffers then.
    ///
    /// - Returns: false where the session is of no more use.
    borrowing func send(_ bytes: Span<UInt8>) -> Bool {
        TLSLibrary.clearErrors()
        return unsafe bytes.withUnsafeBytes { plain in
            var count = 0
            return unsafe SSL_write_ex(raw, plain.baseAddress, plain.count, &count) == 1
        }
    }

    /// Says that no more will come (close_notify). Not after a failure (`SSL_shutdown(3)`).
    borrowing func finishSending() {
        TLSLibrary.clearErrors()
        _ = unsafe SSL_shutdown(raw)
    }

    // MARK: What was agreed on

    /// Such as `TLSv1.3`.
    var version: String { unsafe TLSSession.text(SSL_get_version(raw)) }

    /// Such as `TLS_AES_256_GCM_SHA384`.
    var cipher: String {
        unsafe TLSSession.text(SSL_CIPHER_get_name(SSL_get_current_cipher(raw)))
    }

    var isOldest: Bool { unsafe SSL_version(raw) == TLS1_2_VERSION }

    /// The certificate that the peer has shown and that is its own, verified; nil where it showed none.
    /// In DER.
    var peerCertificate: [UInt8]? {
        // Belongs to the session.
        guard let certificate = unsafe SSL_get0_peer_certificate(raw),
            unsafe SSL_get_verify_result(raw) == Int(X509_V_OK)
        else { return nil }
        let count = unsafe i2d_X509(certificate, nil)
        guard count > 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        let written = unsafe bytes.withUnsafeMutableBufferPointer { target in
            var end = target.baseAddress
            return unsafe i2d_X509(certificate, &end)
        }
        return written == count ? bytes : nil
    }

    private static func text(_ text: UnsafePointer<CChar>?) -> String {
        guard let text = unsafe text else { return "unknown" }
        return unsafe String(cString: text)
    }
}
