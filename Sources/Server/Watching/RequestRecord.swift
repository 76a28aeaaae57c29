// What is known of a request when it is finished, beside its answer: for metrics and logs.

import HTTP1
import Tokens

/// Begun with the request, handed to the observer with the answer.
struct RequestRecord {
    var route = Route.other
    let method: MethodLabel
    /// When the kernel told of what brought the request, in monotonic microseconds cut to 32 bits.
    let beganMicroseconds: UInt32
    /// The number of the institution that it was counted for; 0: for none.
    var institution: UInt32 = 0
    /// nil where no log is kept.
    var notes: RequestNotes?

    init(_ method: MethodLabel = .other, began: UInt32 = 0, _ notes: RequestNotes? = nil) {
        self.method = method
        beganMicroseconds = began
        self.notes = notes
    }
}

/// OpenTelemetry's `http.request.method`: few values, whatever clients send.
enum MethodLabel: UInt8, CaseIterable {
    case get, head, post, options, other

    var text: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .options: "OPTIONS"
        case .other: "_OTHER"
        }
    }

    init(_ method: Method) {
        switch method {
        case .get: self = .get
        case .head: self = .head
        case .post: self = .post
        case .options: self = .options
        case .put, .delete, .patch, .trace: self = .other
        }
    }
}
