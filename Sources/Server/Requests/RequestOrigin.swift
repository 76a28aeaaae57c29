// What leads from a line in a log to a request, and back.

import Tokens

/// Where a request came from, and by which name it is found again.
struct RequestOrigin {
    let id: RequestID
    /// The client's raw address.
    let peer: [UInt8]
}
