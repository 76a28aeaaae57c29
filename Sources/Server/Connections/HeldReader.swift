// What reads requests, for as long as it is in the midst of one.

import HTTP1

/// A reader that connections of one loop hold in turn: a connection between requests needs none of its
/// own, so it takes no memory for one. The loop's thread.
final class HeldReader {
    var reader: RequestReader

    init(_ limits: Limits) { reader = RequestReader(limits: limits) }

    private init(_ reader: RequestReader) { self.reader = reader }

    /// Takes what is half read out, for a connection to keep; this one is new again.
    func takeOut() -> HeldReader {
        let taken = HeldReader(reader)
        reader = RequestReader(limits: reader.limits)
        return taken
    }
}
