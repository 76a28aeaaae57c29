// The name of a header field that somebody looks for.

import Bytes

/// A name without regard to the case of its letters (RFC 9110 §5.1). At most 32 bytes.
public struct FieldName: Sendable {
    @usableFromInline let text: KnownText

    /// - Parameter name: in lower case.
    public init(_ name: String) { text = KnownText(name, ignoringCase: true) }
}

extension Field {
    /// True where the field has this name.
    ///
    /// - Parameter bytes: the request that the field is of, from its first byte.
    @inlinable @inline(__always)
    public func isNamed(_ name: FieldName, _ bytes: Span<UInt8>) -> Bool {
        name.text.matches(bytes, at: Int(nameStart), length: nameLength)
    }
}
