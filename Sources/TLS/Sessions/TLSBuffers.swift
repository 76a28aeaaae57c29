// What OpenSSL reads from and writes to instead of a socket: the buffers of one loop, which its sessions
// share, one call at a time.

import COpenSSL

/// The loop's thread only.
@safe final class TLSBuffers {
    /// Plain bytes of one call at most: what one read can bring, and a record that began before it.
    static let plainBytesMax = 96 * 1024

    // Borrowed from whoever offers it, during the call.
    @safe private var input: UnsafeRawBufferPointer?
    /// What is to go over the wire.
    private var output: [UInt8] = []
    /// The same memory as `output` had, for the next time.
    private var spare: [UInt8] = []
    // Freed in `deinit`.
    @safe let plain = UnsafeMutableRawBufferPointer.allocate(
        byteCount: plainBytesMax, alignment: 64)
    private(set) var plainCount = 0
    /// How many more steps the session of the call may take.
    private(set) var stepsLeft = Int.max

    deinit { unsafe plain.deallocate() }

    /// Lets sessions read `bytes` during `body`.
    @inline(__always)
    func offer<Value>(_ bytes: Span<UInt8>, _ body: () -> Value) -> Value {
        unsafe bytes.withUnsafeBytes { raw in
            unsafe input = raw
            defer { input = nil }
            return body()
        }
    }

    /// Lets the session of the next calls take so many steps. Behind them it can read nothing more.
    func allowSteps(_ count: Int) { stepsLeft = count }
    var isOutOfSteps: Bool { stepsLeft < 0 }

    var isInputEmpty: Bool { unsafe input?.isEmpty ?? true }

    /// Takes away what is to be sent, and sends it. Whoever sends may come back here meanwhile.
    func send(_ body: (Span<UInt8>) -> Void) {
        guard !output.isEmpty else { return }
        var taken: [UInt8] = []
        swap(&taken, &output)
        swap(&spare, &output)
        body(taken.span)
        taken.removeAll(keepingCapacity: true)
        swap(&taken, &spare)
    }

    // MARK: Plain bytes

    func dropPlain() { plainCount = 0 }
    var isPlainFull: Bool { plainCount == TLSBuffers.plainBytesMax }

    /// Where the next plain bytes go.
    @unsafe var plainRest: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(rebasing: plain[plainCount...])
    }

    func addedPlain(_ count: Int) { plainCount += count }

    /// The plain bytes of the call, during `body`.
    func withPlain(_ body: (Span<UInt8>) -> Void) {
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: plain[..<plainCount])
        unsafe body(bytes.bindMemory(to: UInt8.self).span)
    }
}

// MARK: The BIO

extension TLSBuffers {
    // Never freed. Not changed once it is made.
    @safe private nonisolated(unsafe) static let method: OpaquePointer = {
        let kind = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
        guard let method = unsafe BIO_meth_new(kind, "loop's buffers") else {
            preconditionFailure("there is no memory for OpenSSL")
        }
        unsafe BIO_meth_set_read(method) { bio, target, count in
            unsafe TLSBuffers.read(bio, target, count)
        }
        unsafe BIO_meth_set_write(method) { bio, bytes, count in
            unsafe TLSBuffers.write(bio, bytes, count)
        }
        // Only that everything has been passed on is ever asked for.
        unsafe BIO_meth_set_ctrl(method) { _, what, _, _ in what == BIO_CTRL_FLUSH ? 1 : 0 }
        return unsafe method
    }()

    /// A BIO over these buffers, which must outlive it. The caller, or the session that it is given to,
    /// frees it.
    @unsafe func makeBIO() -> OpaquePointer {
        guard let bio = unsafe BIO_new(TLSBuffers.method) else {
            preconditionFailure("there is no memory for a TLS connection")
        }
        // Not counted: each session holds the buffers.
        unsafe BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        unsafe BIO_set_init(bio, 1)
        return unsafe bio
    }

    @unsafe private static func owner(of bio: OpaquePointer?) -> TLSBuffers? {
        guard let data = unsafe BIO_get_data(bio) else { return nil }
        return unsafe Unmanaged<TLSBuffers>.fromOpaque(data).takeUnretainedValue()
    }

    @unsafe private static func read(
        _ bio: OpaquePointer?, _ target: UnsafeMutablePointer<CChar>?, _ wanted: Int32
    ) -> Int32 {
        guard let target = unsafe target, let owner = unsafe owner(of: bio) else { return -1 }
        unsafe obie_bio_clear_retry(bio)
        // An end for good: it is not to come again.
        if owner.isOutOfSteps { return -1 }
        guard let input = owner.input, unsafe !input.isEmpty, wanted > 0 else {
            unsafe obie_bio_set_retry_read(bio)
            return -1
        }
        let count = min(Int(wanted), input.count)
        let part = unsafe UnsafeRawBufferPointer(rebasing: input[..<count])
        unsafe UnsafeMutableRawBufferPointer(start: target, count: count).copyMemory(from: part)
        unsafe owner.input = UnsafeRawBufferPointer(rebasing: input[count...])
        return Int32(count)
    }

    @unsafe private static func write(
        _ bio: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ count: Int32
    ) -> Int32 {
        guard let bytes = unsafe bytes, count > 0, let owner = unsafe owner(of: bio) else {
            return -1
        }
        unsafe obie_bio_clear_retry(bio)
        unsafe owner.output.append(
            contentsOf: UnsafeRawBufferPointer(start: bytes, count: Int(count)))
        return count
    }

    /// OpenSSL tells here of each message of a handshake, also behind its end (`SSL_KEY_UPDATE`,
    /// renegotiation), and of alerts; never of plain bytes (`SSL_CTX_set_info_callback(3)`).
    @unsafe static let countStep: @convention(c) (OpaquePointer?, Int32, Int32) -> Void = {
        session, what, _ in
        guard what & (SSL_CB_LOOP | SSL_CB_ALERT) != 0 else { return }
        guard let bio = unsafe SSL_get_rbio(session), let owner = unsafe owner(of: bio) else {
            return
        }
        owner.stepsLeft -= 1
    }
}
