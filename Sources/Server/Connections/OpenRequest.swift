// What is kept of a request from its head to its answer.

import Tokens

/// Connections of one loop use one of these in turn: only a connection whose answer the store owes has its
/// own, so one between requests takes no memory for it. The loop's thread.
final class OpenRequest {
    var reply: ReplyContext
    /// The id that the request has brought, where `reply` says so.
    var givenID: [UInt8] = []
    var record = RequestRecord()

    init(_ reply: ReplyContext) { self.reply = reply }

    /// Takes what is open out, for a connection to keep; this one is for others again.
    func takeOut() -> OpenRequest {
        let taken = OpenRequest(reply)
        (taken.givenID, taken.record) = (givenID, record)
        givenID = []
        record.notes = nil
        return taken
    }
}
