// Who sends a request: the peer of the stream, or whoever trusted proxies say.

import HTTP1

extension Connection {
    /// The client's: behind proxies, only as far as those are trusted.
    var peerAddress: [UInt8] { forwardedAddress.isEmpty ? streamAddress : forwardedAddress }

    var streamAddress: [UInt8] {
        if knownAddress.isEmpty { knownAddress = stream.peerAddress }
        return knownAddress
    }

    var origin: RequestOrigin {
        let reply = openRequest.reply
        return RequestOrigin(
            id: reply.hasGivenID ? .given(openRequest.givenID) : .drawn(reply.drawnID),
            peer: peerAddress,
            proxy: forwardedAddress.isEmpty ? stream.proxyAddress : streamAddress,
            security: stream.security)
    }

    /// What the head of a request says may matter.
    var readsForwarded: Bool {
        !commons.trustedProxies.isEmpty || commons.trustedProxies.certificateField != nil
    }

    /// Reads from a head who sends it. To be called for each, where it may matter.
    func readForwarded(_ fields: borrowing Fields, _ bytes: Span<UInt8>) {
        guard !stream.peerAsksForItself, commons.trustedProxies.contains(streamAddress) else {
            return
        }
        let client = ForwardedAddress.client(
            fields, bytes, behind: streamAddress, commons.trustedProxies)
        forwardedAddress = client == streamAddress ? [] : client
    }

    /// Nobody has been read to send the next request.
    func forgetForwarded() {
        if !forwardedAddress.isEmpty { forwardedAddress = [] }
    }
}
