// The admin listener: probes and metrics for whoever runs the process.

import HTTP1
import Metrics

/// Whether the server wants new work.
enum Readiness: String {
    case starting, ready, draining
    case storeFailing = "store_failing"
}

/// Answers `/livez`, `/readyz` and `/metrics`.
final class AdminRouter: RequestHandler {
    var readiness = Readiness.starting
    private let isStoreAvailable: () -> Bool
    private let renderMetrics: () -> [UInt8]

    /// - Parameter renderMetrics: the page, as it is now.
    init(isStoreAvailable: @escaping () -> Bool, renderMetrics: @escaping () -> [UInt8]) {
        self.isStoreAvailable = isStoreAvailable
        self.renderMetrics = renderMetrics
    }

    func route(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) -> Route {
        AdminRouter.routes.route(bytes, head.path)
    }

    func handle(
        _ route: Route, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        _ session: inout Session, _ responder: any Responder
    ) {
        guard route != .other else {
            responder.respond(
                .fault(
                    .notFound,
                    "there is nothing at this path; there are /livez, /readyz and /metrics"))
            return
        }
        guard head.method == .get || head.method == .head else {
            responder.respond(Router.notOffered(head.method, allow: "GET, HEAD, OPTIONS"))
            return
        }
        if route == .metrics {
            responder.respond(
                .content(renderMetrics(), type: MetricsText.contentType, status: .ok))
            return
        }
        let state = readiness == .ready && !isStoreAvailable() ? Readiness.storeFailing : readiness
        let isGood = route == .live || state == .ready
        responder.respond(
            .content(
                isGood ? Router.healthy : Array(#"{"status":"\#(state.rawValue)"}"#.utf8),
                type: "application/json",
                status: isGood ? .ok : ErrorCode.overloaded.status))
    }

    private static let routes = RouteTable([.ready, .live, .metrics])
}
