// Between a connection and those who answer its requests.

import HTTP1
import Tokens

/// Takes the answer to one request: exactly one, on the loop's thread, at once or later.
protocol Responder: AnyObject {
    /// Which of the paths the request named; to be said before the answer.
    func routed(to route: Route)
    /// Whom the request was sent for, as far as that is proven: for the reports. To be said before the answer.
    func asked(for institution: Institution.ID)
    func respond(_ response: Response)
    /// What the connection has proven.
    var session: Session { get }
    /// For what the logs are told with the answer; nil where nobody keeps one.
    var notes: RequestNotes? { get }
    /// The raw address of the client; empty where it is not known.
    var peerAddress: [UInt8] { get }
    /// The client's.
    var shownCertificate: ShownCertificate { get }
    /// Why the request cannot be taken as it is, since what it says of a certificate cannot be: a title for
    /// people.
    var certificateFault: String? { get }
}

extension Responder {
    func asked(for institution: Institution.ID) {}
    var shownCertificate: ShownCertificate { .none }
    var certificateFault: String? { nil }
}

/// Answers requests. One per event loop.
protocol RequestHandler: AnyObject {
    /// - Parameter bytes: the request's; only there during the call.
    func handle(_ request: borrowing Request, _ bytes: Span<UInt8>, _ responder: any Responder)
}
