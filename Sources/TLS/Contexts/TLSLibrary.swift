// OpenSSL as this process uses it: started once, and its queue of errors.

import COpenSSL

/// The library. Any thread; each has a queue of errors of its own.
enum TLSLibrary {
    /// Starts it, once. It is not to clean up at the end of the process: threads may still be in it then.
    static let isStarted: Bool = {
        OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_ATEXIT), nil) == 1
    }()

    /// For handshakes and certificates; nil: OpenSSL's own. It is not freed.
    @safe nonisolated(unsafe) static let context = unsafe obie_new_certificate_library()

    /// Forgets older errors, so that what is asked for next is about the next call
    /// (`SSL_get_error(3)`).
    @inline(__always)
    static func clearErrors() { ERR_clear_error() }

    /// One entry of the queue. A value.
    struct Entry: Equatable {
        let library: Int32
        let reason: Int32

        init(_ code: UInt) {
            library = ERR_GET_LIB(code)
            reason = ERR_GET_REASON(code)
        }

        func isSSL(_ reasons: Int32...) -> Bool {
            library == ERR_LIB_SSL && reasons.contains(reason)
        }

        func isPEM(_ reason: Int32) -> Bool { library == ERR_LIB_PEM && self.reason == reason }
    }

    /// The last thing that went wrong since `clearErrors`, which made the call give up; nil: nothing was
    /// written down.
    static var lastError: Entry? {
        let code = ERR_peek_last_error()
        return code == 0 ? nil : Entry(code)
    }

    /// Such as `ee key too small`, for people.
    static var lastReason: String {
        let text = unsafe ERR_reason_error_string(ERR_peek_last_error())
        guard let text = unsafe text else { return "OpenSSL does not say why" }
        return unsafe String(cString: text)
    }
}
