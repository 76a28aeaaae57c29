// SHA-256 with a context for each thread, since to make a context takes longer than to hash an identifier.

import COpenSSL
import Glibc

/// SHA-256 (FIPS 180-4). Any thread.
public enum SHA256 {
    public static let byteCount = 32

    /// - Returns: `byteCount` bytes.
    public static func hash(_ message: Span<UInt8>) -> [UInt8] {
        unsafe message.withUnsafeBytes { message in
            unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { digest, count in
                unsafe hash(message, to: UnsafeMutableRawBufferPointer(digest))
                count = byteCount
            }
        }
    }

    /// - Parameter digest: has room for `byteCount` bytes, or this traps.
    public static func hash(
        _ message: UnsafeRawBufferPointer, to digest: UnsafeMutableRawBufferPointer
    ) {
        precondition(digest.count >= byteCount, "a digest has room")
        let context = unsafe Context.ofThisThread
        let isHashed =
            unsafe EVP_DigestInit_ex2(context, Library.sha256, nil) == 1
            && EVP_DigestUpdate(context, message.baseAddress, message.count) == 1
            && EVP_DigestFinal_ex(
                context, digest.baseAddress?.assumingMemoryBound(to: UInt8.self), nil) == 1
        precondition(isHashed, "SHA-256 fails only where there is no memory")
    }
}

private enum Context {
    /// Made when a thread first hashes, and freed when the thread ends.
    static var ofThisThread: OpaquePointer {
        if let kept = unsafe pthread_getspecific(key) { return OpaquePointer(kept) }
        guard let new = unsafe EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
        let result = unsafe pthread_setspecific(key, UnsafeRawPointer(new))
        precondition(result == 0, "out of memory")
        return unsafe new
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        let result = unsafe pthread_key_create(&key) { unsafe EVP_MD_CTX_free(OpaquePointer($0)) }
        precondition(result == 0, "a process has room for a hundred keys")
        return key
    }()
}
