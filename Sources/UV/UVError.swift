// A libuv error code with its name and text. Knows nothing of what was being done.

import CLibUV

/// A libuv error. The raw code survives, so codes this file has never heard of stay intact.
public struct UVError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The negative code that libuv returned (`uv_err_name(3)`).
    public let code: Int32

    public init(code: Int32) {
        self.code = code
    }

    public static let addressInUse = UVError(code: UV_EADDRINUSE.rawValue)
    /// The peer breaks the rules of what is spoken on the connection.
    public static let protocolError = UVError(code: UV_EPROTO.rawValue)
    public static let endOfFile = UVError(code: UV_EOF.rawValue)

    /// The short name, such as `EADDRINUSE`.
    public var name: String {
        var text = [CChar](repeating: 0, count: 64)
        unsafe uv_err_name_r(code, &text, text.count)
        return UVError.string(text)
    }

    public var description: String {
        var text = [CChar](repeating: 0, count: 128)
        unsafe uv_strerror_r(code, &text, text.count)
        return "\(UVError.string(text)) (\(name))"
    }

    private static func string(_ text: [CChar]) -> String {
        String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
