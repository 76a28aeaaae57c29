// What libcrypto does for the domain. Knows no other part of OpenSSL, and nothing of what is hashed or sealed.

import COpenSSL
import Tokens

/// The cryptography of OpenSSL's libcrypto, 3.0 or newer. Any thread.
public struct OpenSSL: Cryptography {
    public init() {}

    /// Whether the library has all that this type needs, and random numbers for whoever else uses it. Where its
    /// configuration has taken some of it away, whatever needs that traps. Any thread.
    public static var isUsable: Bool { Library.isUsable }

    public func digest(_ message: Span<UInt8>) -> [UInt8] { SHA256.hash(message) }

    public func authenticationCode(_ message: Span<UInt8>, key: Span<UInt8>) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: SHA256.byteCount)
        let made = unsafe code.withUnsafeMutableBufferPointer { code in
            unsafe key.withUnsafeBufferPointer { key in
                unsafe message.withUnsafeBufferPointer { message in
                    unsafe HMAC(
                        Library.sha256, key.baseAddress, Int32(key.count), message.baseAddress,
                        message.count, code.baseAddress, nil)
                }
            }
        }
        precondition(unsafe made != nil, "HMAC fails only where there is no memory")
        return code
    }

    public func isEqual(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
        guard one.count == other.count else { return false }
        return unsafe one.withUnsafeBytes { one in
            unsafe other.withUnsafeBytes { other in
                // Of nothing there is no address.
                unsafe one.isEmpty
                    || CRYPTO_memcmp(one.baseAddress, other.baseAddress, one.count) == 0
            }
        }
    }

    public func blockCipher(key: Span<UInt8>) -> any BlockCipher { AES128(key: key) }
}
