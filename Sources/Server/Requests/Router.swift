// From a path and a method to the endpoint that answers (the public listener).

import Bytes
import HTTP1
import Tokens

/// Answers the public listener. The path is compared literally; the query is no part of it.
final class Router: RequestHandler {
    private static let everywhere: [Route] = [
        .tokens, .codes, .introspection, .revocation, .consents, .errors, .health, .description,
        .start,
    ]
    private let routes: RouteTable
    private let files: PageFiles
    private let issuer: TokenIssuer
    private let checks: RequestChecks
    private let tokens: TokensEndpoint
    private let codes: CodesEndpoint
    private let consents: ConsentEndpoint
    private let introspection: IntrospectionEndpoint
    private let revocation: RevocationEndpoint
    private let isServing: (@Sendable () -> Bool)?
    private let sandboxCounts: (() -> [UInt8])?

    /// - Parameters:
    ///   - shared: what the connections of the loop have in common.
    ///   - throttle: for attempts that fail; nil lets all fail as often as they like.
    ///   - clock: what endpoints are told the time by.
    ///   - certificates: what is done about them.
    ///   - isServing: false while what is registered may have changed, so that nobody can be told
    ///     anything; nil: that never happens.
    ///   - sandboxCounts: what the sandbox's page shows, as JSON; nil in production, which has neither.
    init(
        issuer: TokenIssuer, shared: SharedBytes, throttle: FailureThrottle? = nil,
        clock: RequestClock, certificates: CertificatePolicy = CertificatePolicy(),
        isServing: (@Sendable () -> Bool)? = nil, sandboxCounts: (() -> [UInt8])? = nil
    ) {
        self.issuer = issuer
        self.sandboxCounts = sandboxCounts
        files = sandboxCounts == nil ? .everywhere : .sandbox
        routes = RouteTable(
            Router.everywhere + (sandboxCounts == nil ? [] : [.counts]), files: files.paths)
        self.isServing = isServing
        let limiter = throttle.map { FailureLimiter($0, clock) }
        let authenticator = Authenticator(
            limiter: limiter, prover: CertificateProver(certificates, clock))
        checks = RequestChecks(issuer, authenticator, shared, clock)
        tokens = TokensEndpoint(issuer, checks, limiter, clock, certificates)
        codes = CodesEndpoint(issuer, checks, clock)
        consents = ConsentEndpoint(issuer, checks, clock)
        let gateway = GatewayChecks(issuer, authenticator)
        introspection = IntrospectionEndpoint(issuer, gateway, clock)
        revocation = RevocationEndpoint(issuer, gateway)
    }

    func handle(_ request: borrowing Request, _ bytes: Span<UInt8>, _ responder: any Responder) {
        // An absolute URI may have no path, which is the same as `/` (RFC 9110 §4.2.3).
        let route = request.path.isEmpty ? .start : routes.route(bytes, request.path)
        responder.routed(to: route)
        if route != .other, let refusal = route.refusal(of: request.method) {
            return responder.respond(refusal)
        }
        if route.isPosted,
            let refusal = HeaderRules.refusal(of: request.fields.contentEncoding, bytes)
        {
            return responder.respond(refusal)
        }
        // Before anybody is refused by a registry that may be old.
        if let isServing, route.asksRegistry, !isServing() {
            checks.noteUnserved(request, bytes, responder)
            return responder.respond(.failure(.store(.unavailable)))
        }
        // Only now: what is registered is at least as new as what was asked about above.
        issuer.beginRequest()
        switch route {
        case .tokens: tokens.handle(request, bytes, responder)
        case .codes: codes.handle(request, bytes, responder)
        case .consents: consents.handle(request, bytes, responder)
        case .introspection: introspection.handle(request, bytes, responder)
        case .revocation: revocation.handle(request, bytes, responder)
        case .errors: responder.respond(Pages.errors)
        case .health: responder.respond(Pages.healthy)
        case .description:
            responder.respond(sandboxCounts == nil ? Pages.description : Pages.sandboxDescription)
        case .start: responder.respond(sandboxCounts == nil ? Pages.start : Pages.console)
        case .counts: responder.respond(counts())
        case .file: responder.respond(files.file(bytes, request.path))
        case .other, .live, .ready, .metrics: responder.respond(Pages.none(request, bytes))
        }
    }

    private func counts() -> Response {
        guard let sandboxCounts else { preconditionFailure("production has no such route") }
        return .content(sandboxCounts(), type: "application/json", status: .ok)
    }
}
