// What clients have proven on one loop. Connections of the same client share it: each proves it by itself, and
// then holds what the first of them has made.

import Bytes
import HTTP1
import Tokens

/// Who asks, and for which institution.
struct Caller: Equatable {
    let client: Client.Tag
    let institution: Institution.ID
}

/// A field `Authorization`, and the client that it proves.
final class ProvenClient {
    /// Of the registry that proved it; another one proves it anew.
    let generation: Int
    let authorization: [UInt8]
    /// All loops have the same object: to look at it costs more than to look at the copies behind it.
    let client: Client
    let needsCertificate: Bool
    /// The institution that was last asked for.
    var lastCaller: ProvenCaller?

    init(_ generation: Int, _ authorization: [UInt8], _ client: Client) {
        (self.generation, self.authorization, self.client) = (generation, authorization, client)
        needsCertificate = client.needsCertificate
    }
}

/// A field `fi_reference_id`, and the institution that the client may act for.
final class ProvenCaller {
    let reference: [UInt8]
    let caller: Caller
    /// The CCG token that was last found good. It belongs to one institution.
    var lastGrant: ProvenGrant?

    init(_ reference: [UInt8], _ caller: Caller) {
        (self.reference, self.caller) = (reference, caller)
    }
}

/// A CCG token.
final class ProvenGrant {
    let ccgToken: [UInt8]
    let grant: CCGGrant
    /// The one that it speaks for, as long as it lasts: a copy for this loop.
    var provider: Provider?

    init(_ ccgToken: [UInt8], _ grant: CCGGrant) {
        (self.ccgToken, self.grant) = (ccgToken, grant)
    }
}

/// The clients of one loop that have proven themselves to a registry. The loop's thread.
final class ProvenClients {
    /// Bounds what stays when nobody uses it any more.
    private static let countMax = 256

    private var clients: [ObjectIdentifier: ProvenClient] = [:]
    /// Another registry knows others.
    private var generation: Int?

    /// What a connection is to hold that has just proven itself: never asked before that, since how long
    /// comparing takes could tell what others have proven.
    func share(
        _ bytes: Span<UInt8>, _ value: Range<Int>, _ client: Client, _ generation: Int
    ) -> ProvenClient {
        let key = ObjectIdentifier(client)
        if self.generation != generation { clients = [:] }
        self.generation = generation
        let known = clients[key]
        if let known, bytesEqual(bytes, value, known.authorization) { return known }
        if known == nil, clients.count >= ProvenClients.countMax { clients = [:] }
        var authorization: [UInt8] = []
        authorization.append(bytes, value)
        let proven = ProvenClient(generation, authorization, client)
        clients[key] = proven
        return proven
    }
}
