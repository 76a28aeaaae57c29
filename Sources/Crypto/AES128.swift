// One block of AES-128 at a time, with the key laid out once.

import COpenSSL
import Tokens

/// AES-128 (FIPS 197) under one key. One thread at a time: a context counts what it does.
@safe final class AES128: BlockCipher {
    // Made in `init`, freed in `deinit`, which also wipes what OpenSSL has made of the key.
    private let sealing: OpaquePointer
    private let opening: OpaquePointer

    private static let keyBytes = 16
    private static let blockBytes: Int32 = 16

    init(key: Span<UInt8>) {
        precondition(key.count == AES128.keyBytes, "a key of AES-128 has 16 bytes")
        unsafe sealing = AES128.context(key, EVP_EncryptInit_ex2)
        unsafe opening = AES128.context(key, EVP_DecryptInit_ex2)
    }

    deinit {
        unsafe EVP_CIPHER_CTX_free(sealing)
        unsafe EVP_CIPHER_CTX_free(opening)
    }

    private typealias Begin = (
        OpaquePointer?, OpaquePointer?, UnsafePointer<UInt8>?, UnsafePointer<UInt8>?,
        UnsafePointer<OSSL_PARAM>?
    ) -> Int32

    private static func context(_ key: Span<UInt8>, _ begin: Begin) -> OpaquePointer {
        let context = unsafe EVP_CIPHER_CTX_new()
        let isReady = unsafe key.withUnsafeBufferPointer {
            unsafe begin(context, Library.aes128, $0.baseAddress, nil, nil) == 1
        }
        // Whole blocks only: with padding the last one would be held back.
        guard isReady, let context = unsafe context,
            unsafe EVP_CIPHER_CTX_set_padding(context, 0) == 1
        else { preconditionFailure("AES-128 refuses a key only where there is no memory") }
        return unsafe context
    }

    func seal(_ block: Block) -> Block {
        unsafe AES128.turned(block) {
            unsafe EVP_EncryptUpdate(sealing, $0, $1, $0, AES128.blockBytes)
        }
    }

    func open(_ block: Block) -> Block {
        unsafe AES128.turned(block) {
            unsafe EVP_DecryptUpdate(opening, $0, $1, $0, AES128.blockBytes)
        }
    }

    /// - Parameter turn: turns the 16 bytes in their place, and says how many it has written.
    @inline(__always)
    private static func turned(
        _ block: Block, _ turn: (UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<Int32>) -> Int32
    ) -> Block {
        var words = (block.high.bigEndian, block.low.bigEndian)
        var count: Int32 = 0
        let result = unsafe withUnsafeMutableBytes(of: &words) { bytes in
            unsafe turn(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), &count)
        }
        precondition(result == 1 && count == blockBytes, "AES-128 takes every block")
        return (UInt64(bigEndian: words.0), UInt64(bigEndian: words.1))
    }
}
