// The paths that are answered, by name.

import Bytes
import HTTP1
import Reports

/// What a request's path leads to. Metrics and logs name it, never the path itself: that may be
/// anything.
enum Route: UInt8, CaseIterable {
    case tokens, codes, consents, introspection, revocation, errors, health, description, start
    /// What the sandbox's page shows. In production there is no such path.
    case counts
    /// Any of the files that pages load.
    case file
    case live, ready, metrics
    /// No path of ours, or a request that could not be read.
    case other

    /// The path; a word where there is none, or many.
    var template: String {
        switch self {
        case .tokens: ReportedEndpoint.tokens.path
        case .codes: ReportedEndpoint.codes.path
        case .consents: ReportedEndpoint.consents.path
        case .introspection: ReportedEndpoint.introspection.path
        case .revocation: ReportedEndpoint.revocation.path
        case .errors: "/errors"
        case .health: "/healthz"
        case .description: "/openapi.json"
        case .start: "/"
        case .counts: "/sandbox/counts"
        case .file: "file"
        case .live: "/livez"
        case .ready: "/readyz"
        case .metrics: "/metrics"
        case .other: "other"
        }
    }

    /// What reports call it; nil: a probe or a page, of which nobody asks for figures.
    var reported: ReportedEndpoint? {
        switch self {
        case .tokens: .tokens
        case .codes: .codes
        case .consents: .consents
        case .introspection: .introspection
        case .revocation: .revocation
        case .errors, .health, .description, .start, .counts, .file, .live, .ready, .metrics,
            .other:
            nil
        }
    }

    /// Who asks there is told by what is registered.
    var asksRegistry: Bool { isPosted }

    /// What is offered there, beside OPTIONS.
    var isPosted: Bool {
        switch self {
        case .tokens, .codes, .consents, .introspection, .revocation: true
        case .errors, .health, .description, .start, .counts, .file, .live, .ready, .metrics,
            .other:
            false
        }
    }

    /// The answer to a method that is not offered: 405, or 204 to OPTIONS; nil where it is offered.
    func refusal(of method: Method) -> Response? {
        let isOffered = isPosted ? method == .post : method == .get || method == .head
        if isOffered { return nil }
        let allow = isPosted ? "POST, OPTIONS" : "GET, HEAD, OPTIONS"
        return method == .options ? .options(allow: allow) : .methodNotAllowed(allow: allow)
    }
}

/// A few routes to choose from. The path is compared literally.
struct RouteTable {
    private let routes: [Route]
    private let paths: [KnownText]

    /// - Parameters:
    ///   - routes: the most used first.
    ///   - files: paths that lead to `file`.
    init(_ routes: [Route], files: [String] = []) {
        self.routes = routes + files.map { _ in .file }
        paths = (routes.map(\.template) + files).map { KnownText($0) }
    }

    func route(_ bytes: Span<UInt8>, _ path: Range<Int>) -> Route {
        let paths = paths.span
        for index in paths.indices where paths[index].matches(bytes, path) {
            return routes[index]
        }
        return .other
    }
}
