// Why certificates and keys cannot be served with. What to do about it says whoever knows where they
// came from.

/// What a TLS context is made of, by what it is for.
public enum TLSPart: CaseIterable, Sendable {
    /// The server's certificate, with those that lead to its CA.
    case certificate
    case key
    /// The authorities of the clients' certificates.
    case clientCA
    /// Their revocation lists.
    case clientCRL
}

/// What is wrong with a part. It holds nothing secret.
public enum TLSFault: Error, Equatable, Sendable {
    /// There is none of it in what was given.
    case absent(TLSPart)
    /// It begins as it should, and cannot be read.
    case malformed(TLSPart)
    /// This line, counted from 1, is meant to begin or end a block, and is mistyped: OpenSSL would pass over
    /// the block.
    case mistyped(TLSPart, line: Int)
    /// The key is under a pass phrase, which nobody is there to type.
    case encrypted
    /// The key is not that of the certificate.
    case mismatched
    /// A revocation list that none of the authorities has signed, and none below them that stands beside it.
    case unknownIssuer
    /// A revocation list that does not stand by itself: one that adds to another (delta), that is about some
    /// reasons only, or about certificates of other authorities (indirect).
    case partialList
    /// Revocation lists of authorities with the same name, of which one does not say whose key has signed it.
    case namelessLists
    /// OpenSSL refuses it: too short, or signed with what is no longer safe. The text is OpenSSL's.
    case refused(TLSPart, String)
    /// It was good until then, in milliseconds since 1970.
    case expired(TLSPart, Int64)
    /// It will be good from then on, in milliseconds since 1970.
    case notYetValid(TLSPart, Int64)
}
