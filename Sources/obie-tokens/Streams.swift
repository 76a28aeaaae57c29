// Which kind of stream clients are served on. The only place that names one.

import Server
import UV

extension Settings {
    /// What the public listeners talk, and the scheme of their URL.
    var streams: StreamKind {
        self.proxyProtocol ? .proxied(from: self.trustedProxies) : .plain
    }
}
