// What a handler answers, before it is bytes.

import Bytes
import HTTP1
import Tokens

/// An answer. `Replies` turns it into bytes.
enum Response {
    /// 201 with an access token.
    case token(IssuedToken)
    /// 201 with the sandbox's fixed token.
    case fixedToken
    /// 201 with a CCG token, which lives as many seconds.
    case ccgToken(SealedIdentifier, seconds: Milliseconds)
    /// 201 with an authorization code and where to bring it.
    case code(SealedIdentifier, redirectURI: String, state: String?)
    /// 200 with what a token is good for; nil: with nothing but that it is not alive.
    case introspection(ActiveToken?)
    /// 200 without content: the token is alive no more, or (nil) never was.
    case revoked(AccessToken?)
    /// An error in the words of RFC 6749 §5.2.
    case oauthError(String, String, Status)
    /// What the domain refused, in the API's words.
    case failure(TokenError)
    /// 429: too many failures, of which `because` is the last one.
    case rateLimited(retryAfterSeconds: Int64, because: TokenError?)
    /// All faults have the status of the first.
    case faults([Fault])
    /// 405
    case methodNotAllowed(allow: String)
    /// 204, for OPTIONS.
    case options(allow: String)
    /// 200, or 503 for a probe that says no.
    case content([UInt8], type: String, status: Status)

    /// The error objects in it; none where it is no error, or one in the words of RFC 6749.
    var errorObjects: [Fault] {
        switch self {
        case .faults(let faults): faults
        case .failure(let error): [Fault(error)]
        case .rateLimited(let seconds, _):
            [
                Fault(
                    .rateLimited,
                    "too many attempts have failed; wait \(seconds) s and check what is sent")
            ]
        case .methodNotAllowed(let allow):
            [Fault(.methodNotAllowed, "the method is not offered here; use \(allow)")]
        case .token, .fixedToken, .ccgToken, .code, .introspection, .revoked, .oauthError, .options,
            .content:
            []
        }
    }

    var status: Status {
        switch self {
        case .token, .fixedToken, .ccgToken, .code: .created
        case .introspection, .revoked: .ok
        case .options: .noContent
        case .oauthError(_, _, let status), .content(_, _, let status): status
        case .failure(let error): Fault(error).code.status
        case .rateLimited: ErrorCode.rateLimited.status
        case .faults(let faults): faults.first?.code.status ?? ErrorCode.internalError.status
        case .methodNotAllowed: ErrorCode.methodNotAllowed.status
        }
    }

    static func fault(_ code: ErrorCode, _ title: String) -> Response {
        .faults([Fault(code, title)])
    }
}

/// What of the request decides how its answer is written.
struct ReplyContext {
    var isHead = false
    var keepsAlive = false
    /// An HTTP/1.0 client is told that the connection stays (RFC 9112 §9.3).
    var isHTTP10 = false
    /// `x-fapi-interaction-id`, to be echoed; empty: none.
    var interactionID: [UInt8] = []

    /// The answer needs no field that depends on the request.
    var isPlain: Bool { keepsAlive && !isHTTP10 && interactionID.isEmpty && !isHead }

    private static let interactionIDName = [UInt8]("x-fapi-interaction-id".utf8)

    /// For a request whose head could not be read.
    init() {}

    init(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) {
        isHead = head.method == .head
        keepsAlive = head.keepsAlive
        isHTTP10 = head.minorVersion == 0
        var count = 0
        for field in head.fields where field.name.count == ReplyContext.interactionIDName.count {
            guard equalIgnoringCase(bytes, field.name, ReplyContext.interactionIDName) else {
                continue
            }
            count += 1
            if count == 1, ReplyContext.isUUID(bytes, field.value) {
                interactionID.append(bytes, field.value)
            } else {
                interactionID = []
            }
        }
    }

    /// 8-4-4-4-12 hexadecimal digits of either case (RFC 9562 §4).
    private static func isUUID(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard range.count == 36 else { return false }
        for (index, at) in range.enumerated() {
            let byte = bytes[at]
            switch index {
            case 8, 13, 18, 23:
                if byte != UInt8(ascii: "-") { return false }
            default:
                if byte &- 0x30 >= 10, (byte | 0x20) &- 0x61 >= 6 { return false }
            }
        }
        return true
    }
}

/// Takes the answer to one request: exactly one, on the loop's thread, at once or later.
protocol Responder: ExchangeReceiver {
    func respond(_ response: Response)
    /// For what the audit log is told with the answer; nil where there is no audit log.
    var notes: RequestNotes? { get }
    /// The raw address of the client; empty once it has gone.
    var peerAddress: [UInt8] { get }
}

/// Answers requests. One per event loop.
protocol RequestHandler: AnyObject {
    /// Which of its paths the request names.
    func route(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) -> Route

    /// - Parameters:
    ///   - route: as `route` says.
    ///   - bytes: the request; the ranges of `head` count from its first byte. Only there during
    ///     the call.
    ///   - session: what was learnt on this connection before.
    func handle(
        _ route: Route, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        _ session: inout Session, _ responder: any Responder)

    /// The answer to an exchange that failed.
    func response(to error: TokenError, _ client: Client.Tag) -> Response
}

extension RequestHandler {
    func route(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) -> Route { .other }

    func response(to error: TokenError, _ client: Client.Tag) -> Response {
        .failure(error)
    }
}
