// What leads from a line in a log to a request, and back.

import Tokens
import UV

/// Where a request came from, and by which name it is found again.
struct RequestOrigin {
    let id: RequestID
    /// The client's raw address.
    let peer: [UInt8]
    /// That of the proxy whose connection it came on; empty where there is none that is trusted.
    let proxy: [UInt8]
    /// How the connection is encrypted; nil where it is not.
    let security: StreamSecurity?
}
