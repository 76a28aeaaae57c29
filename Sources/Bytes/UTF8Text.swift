// Texts out of borrowed bytes.

extension String {
    /// The text that the bytes are in UTF-8 (RFC 3629); nil where they are none.
    @inlinable
    public init?(validating bytes: Span<UInt8>) {
        do {
            self.init(copying: try UTF8Span(validating: bytes))
        } catch {
            return nil
        }
    }
}
