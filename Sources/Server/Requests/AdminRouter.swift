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

    func handle(_ request: borrowing Request, _ bytes: Span<UInt8>, _ responder: any Responder) {
        let route = routes.route(bytes, request.path)
        responder.routed(to: route)
        guard route != .other else {
            return responder.respond(
                .fault(
                    .notFound,
                    "there is nothing at this path; there are /livez, /readyz and /metrics"))
        }
        if let refusal = route.refusal(of: request.method) { return responder.respond(refusal) }
        if route == .metrics {
            return responder.respond(
                .content(renderMetrics(), type: MetricsText.contentType, status: .ok))
        }
        let state = readiness == .ready && !isStoreAvailable() ? Readiness.storeFailing : readiness
        if route == .live || state == .ready { return responder.respond(Pages.healthy) }
        responder.respond(
            .content(
                Array(#"{"status":"\#(state.rawValue)"}"#.utf8), type: "application/json",
                status: ErrorCode.overloaded.status))
    }

    private let routes = RouteTable([.ready, .live, .metrics])
}
