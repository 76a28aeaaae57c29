// Every bound of the HTTP layer, in one place. Sizes are in bytes.

/// How much a request may be, before it is refused.
public struct Limits: Sendable {
    /// The request target; longer is `targetTooLong`.
    public var targetBytesMax = 8 * 1024
    /// Request line and header section with the empty line behind them; longer is `headTooLarge`.
    public var headBytesMax = 16 * 1024
    /// Header fields; more is `headTooLarge`.
    public var fieldsMax = 100
    /// The content after decoding; longer is `bodyTooLarge`.
    public var bodyBytesMax = 64 * 1024
    /// What chunk extensions and the trailer section may add to one body, beyond the framing that
    /// chunks of one byte need.
    public var chunkOverheadBytesMax = 16 * 1024

    public init() {}

    /// The relations that the code relies on.
    public var isConsistent: Bool {
        targetBytesMax < headBytesMax && headBytesMax <= Int(UInt16.max) && fieldsMax > 0
            && chunkOverheadBytesMax > 0
    }
}
