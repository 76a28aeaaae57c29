// The paths that are answered, by name.

import Bytes
import HTTP1

/// What a request's path leads to. Metrics and logs name it, never the path itself: that may be
/// anything.
enum Route: UInt8, CaseIterable {
    case tokens, codes, introspection, revocation, errors, health, description
    case live, ready, metrics
    /// No path of ours, or a request that could not be read.
    case other

    /// The path; `other` where there is none.
    var template: String {
        switch self {
        case .tokens: "/v1/obie/tokens"
        case .codes: "/v1/obie/authorization_codes"
        case .introspection: "/oauth2/introspect"
        case .revocation: "/oauth2/revoke"
        case .errors: "/errors"
        case .health: "/healthz"
        case .description: "/openapi.json"
        case .live: "/livez"
        case .ready: "/readyz"
        case .metrics: "/metrics"
        case .other: "other"
        }
    }
}

/// A few routes to choose from. The path is compared literally.
struct RouteTable {
    private let paths: [(route: Route, path: [UInt8])]

    /// - Parameter routes: the most used first.
    init(_ routes: [Route]) {
        paths = routes.map { ($0, Array($0.template.utf8)) }
    }

    func route(_ bytes: Span<UInt8>, _ path: Range<Int>) -> Route {
        for candidate in paths where bytesEqual(bytes, path, candidate.path) {
            return candidate.route
        }
        return .other
    }
}
