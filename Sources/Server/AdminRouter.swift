// The admin listener: probes for whoever runs the process.

import HTTP1

/// Whether the server wants new work.
enum Readiness: String {
    case starting, ready, draining
    case storeFailing = "store_failing"
}

/// Answers `/livez` and `/readyz`.
final class AdminRouter: RequestHandler {
    var readiness = Readiness.starting
    private let isStoreAvailable: () -> Bool

    init(isStoreAvailable: @escaping () -> Bool) {
        self.isStoreAvailable = isStoreAvailable
    }

    func handle(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ session: inout Session,
        _ responder: any Responder
    ) {
        let isLive = bytesEqual(bytes, head.path, AdminRouter.live)
        guard isLive || bytesEqual(bytes, head.path, AdminRouter.ready) else {
            responder.respond(
                .fault(.notFound, "there is nothing at this path; there are /livez and /readyz"))
            return
        }
        guard head.method == .get || head.method == .head else {
            responder.respond(Router.notOffered(head.method, allow: "GET, HEAD, OPTIONS"))
            return
        }
        let state = readiness == .ready && !isStoreAvailable() ? Readiness.storeFailing : readiness
        let isGood = isLive || state == .ready
        responder.respond(
            .content(
                isGood ? Router.healthy : Array(#"{"status":"\#(state.rawValue)"}"#.utf8),
                type: "application/json",
                status: isGood ? .ok : ErrorCode.overloaded.status))
    }

    private static let live = [UInt8]("/livez".utf8)
    private static let ready = [UInt8]("/readyz".utf8)
}
