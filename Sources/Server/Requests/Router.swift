// From a path and a method to the code that answers (the public listener).

import Bytes
import HTTP1
import Tokens

/// Answers the public listener. The path is compared literally; the query is no part of it.
final class Router: RequestHandler {
    private static let routes = RouteTable([
        .tokens, .codes, .introspection, .revocation, .errors, .health, .description,
    ])

    private let issuer: TokenIssuer
    private let endpoints: TokenEndpoints
    private let gateway: GatewayEndpoints
    private let authenticator: Authenticator

    /// - Parameters:
    ///   - shared: what the connections of the loop have in common.
    ///   - throttle: for attempts that fail; nil lets all fail as often as they like.
    init(
        issuer: TokenIssuer, shared: SharedBytes, throttle: FailureThrottle? = nil,
        now: @escaping () -> Milliseconds
    ) {
        self.issuer = issuer
        authenticator = Authenticator(
            issuer: issuer, shared: shared, throttle: throttle, now: now)
        endpoints = TokenEndpoints(
            issuer: issuer, authenticator: authenticator, shared: shared, now: now)
        gateway = GatewayEndpoints(issuer: issuer, authenticator: authenticator, now: now)
    }

    func response(to error: TokenError, _ client: Client.Tag) -> Response {
        authenticator.response(to: error, client)
    }

    func route(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) -> Route {
        Router.routes.route(bytes, head.path)
    }

    func handle(
        _ route: Route, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        _ session: inout Session, _ responder: any Responder
    ) {
        issuer.beginRequest()
        switch (route, head.method) {
        case (.tokens, .post):
            endpoints.handle(.exchange, head, bytes, &session, responder)
        case (.codes, .post):
            endpoints.handle(.issueCode, head, bytes, &session, responder)
        case (.introspection, .post):
            gateway.handle(.introspect, head, bytes, &session, responder)
        case (.revocation, .post):
            gateway.handle(.revoke, head, bytes, &session, responder)
        case (.errors, .get), (.errors, .head):
            responder.respond(
                .content(ErrorPage.html, type: "text/html; charset=utf-8", status: .ok))
        case (.health, .get), (.health, .head):
            responder.respond(.content(Router.healthy, type: "application/json", status: .ok))
        case (.description, .get), (.description, .head):
            responder.respond(
                .content(
                    PackageResources.openapi_json, type: "application/json", status: .ok))
        case (.other, _), (.live, _), (.ready, _), (.metrics, _):
            responder.respond(Router.noRoute(head, bytes))
        case (.tokens, _), (.codes, _), (.introspection, _), (.revocation, _):
            responder.respond(Router.notOffered(head.method, allow: "POST, OPTIONS"))
        case (.errors, _), (.health, _), (.description, _):
            responder.respond(Router.notOffered(head.method, allow: "GET, HEAD, OPTIONS"))
        }
    }

    static let healthy = Array(#"{"status":"ok"}"#.utf8)

    /// 404; or what the server can do at all, for `OPTIONS *` (RFC 9110 §9.3.7).
    static func noRoute(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) -> Response {
        if head.method == .options, bytesEqual(bytes, head.path, [UInt8(ascii: "*")]) {
            return .options(allow: "GET, HEAD, POST, OPTIONS")
        }
        return .fault(.notFound, "there is nothing at this path; the API starts with /v1/obie/")
    }

    /// 405; or 204 for OPTIONS.
    static func notOffered(_ method: Method, allow: String) -> Response {
        method == .options ? .options(allow: allow) : .methodNotAllowed(allow: allow)
    }
}

extension Status {
    static let ok = Status(200, "OK")
    static let created = Status(201, "Created")
    static let noContent = Status(204, "No Content")
}
