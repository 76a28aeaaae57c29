// Every error that a client can get: its code, its status, and what the page behind its link says.

import HTTP1

/// The `code` of an error object. Stable: programs read it.
public enum ErrorCode: String, CaseIterable, Sendable {
    case parameterMissing = "parameter_missing"
    case parameterInvalid = "parameter_invalid"
    case versionUnsupported = "version_unsupported"
    case contentTypeInvalid = "content_type_invalid"
    case jsonInvalid = "json_invalid"
    case grantTypeUnsupported = "grant_type_unsupported"
    case httpMalformed = "http_malformed"
    case authenticationError = "authentication_error"
    case ccgTokenInvalid = "ccg_token_invalid"
    case fiForbidden = "fi_forbidden"
    case authCodeInvalid = "auth_code_invalid"
    case redirectURIUnregistered = "redirect_uri_unregistered"
    case providerNotAuthorised = "psp_not_authorised"
    case certificateInvalid = "psp_certificate_invalid"
    case notFound = "not_found"
    case methodNotAllowed = "method_not_allowed"
    case requestTimeout = "request_timeout"
    case payloadTooLarge = "payload_too_large"
    case uriTooLong = "uri_too_long"
    case contentEncodingUnsupported = "content_encoding_unsupported"
    case expectationFailed = "expectation_failed"
    case rateLimited = "rate_limited"
    case headersTooLarge = "headers_too_large"
    case internalError = "internal_error"
    case notImplemented = "not_implemented"
    case storeUnavailable = "store_unavailable"
    case overloaded
    case httpVersionUnsupported = "http_version_unsupported"

    public var status: Status {
        switch self {
        case .parameterMissing, .parameterInvalid, .versionUnsupported, .contentTypeInvalid,
            .jsonInvalid, .grantTypeUnsupported, .httpMalformed:
            Status(400, "Bad Request")
        case .authenticationError, .ccgTokenInvalid: Status(401, "Unauthorized")
        case .fiForbidden, .authCodeInvalid, .redirectURIUnregistered, .providerNotAuthorised,
            .certificateInvalid:
            Status(403, "Forbidden")
        case .notFound: Status(404, "Not Found")
        case .methodNotAllowed: Status(405, "Method Not Allowed")
        case .requestTimeout: Status(408, "Request Timeout")
        case .payloadTooLarge: Status(413, "Content Too Large")
        case .uriTooLong: Status(414, "URI Too Long")
        case .contentEncodingUnsupported: Status(415, "Unsupported Media Type")
        case .expectationFailed: Status(417, "Expectation Failed")
        case .rateLimited: Status(429, "Too Many Requests")
        case .headersTooLarge: Status(431, "Request Header Fields Too Large")
        case .internalError: Status(500, "Internal Server Error")
        case .notImplemented: Status(501, "Not Implemented")
        case .storeUnavailable, .overloaded: Status(503, "Service Unavailable")
        case .httpVersionUnsupported: Status(505, "HTTP Version Not Supported")
        }
    }

    /// What happened and what to do about it, for the page that `link` leads to.
    var explanation: String {
        switch self {
        case .parameterMissing:
            "A required header or body member is absent or empty. Send it. If you did send a header whose name "
                + "has an underscore, a proxy on the way has dropped it: let it pass such names (nginx: "
                + "underscores_in_headers on), or send fi-reference-id and ccg-token, which mean the same."
        case .parameterInvalid:
            "A header or body member has a wrong type, form or length, or occurs twice. "
                + "The title names it."
        case .versionUnsupported:
            "The header version is not 1, 1.N or latest. Send version: 1.0."
        case .contentTypeInvalid:
            "The body is not declared as JSON. Send Content-Type: application/json."
        case .jsonInvalid:
            "The body is not one JSON object in UTF-8 (RFC 8259), or nests deeper than 32 levels."
        case .grantTypeUnsupported:
            "grant_type is neither authorization_code nor client_credentials."
        case .httpMalformed:
            "The request breaks the rules of HTTP/1.1 (RFC 9112). The connection was closed."
        case .authenticationError:
            "The Authorization header is absent or its client id and secret are wrong. "
                + "Send Authorization: Basic base64(client_id:client_secret)."
        case .ccgTokenInvalid:
            "The CCG token is unknown, expired, or was issued to another institution. "
                + "Get a new one with grant_type client_credentials."
        case .fiForbidden:
            "The client may not act for the institution that fi_reference_id names."
        case .authCodeInvalid:
            "The authorization code cannot be exchanged. A code works once, within its life (60 "
                + "seconds, unless the operator chose otherwise), for the institution, the provider and "
                + "the redirect URI it was made for. "
                + "Start a new consent; quote the error's id to support."
        case .redirectURIUnregistered:
            "The redirect URI is none of those registered for the provider. It is compared byte "
                + "for byte."
        case .providerNotAuthorised:
            "The provider's authority has withdrawn its authorisation, or has not authorised it for what "
                + "the code's scope is about: account information, payment initiation or funds "
                + "confirmation. The title says which. An authorization code stays good; nothing is issued "
                + "until the registry says otherwise."
        case .certificateInvalid:
            "The certificate in the header eidas is not one that the provider may have this token with: it "
                + "is out of its time, its organizationIdentifier is not the provider's reference, it lacks "
                + "the PSD2 role for the code's scope, or no trusted authority has issued it. The title says "
                + "which. The authorization code stays good."
        case .notFound: "There is nothing at this path. Paths are compared literally."
        case .methodNotAllowed:
            "The path exists, the method is not offered there. See the header Allow."
        case .requestTimeout:
            "The head or the body of the request did not come in time: 10 seconds for each, unless "
                + "the operator chose otherwise. The connection was closed; send it again."
        case .payloadTooLarge: "The body is larger than 64 KiB. The connection was closed."
        case .uriTooLong: "The request target is longer than 8 KiB. The connection was closed."
        case .contentEncodingUnsupported:
            "The body is encoded, such as by gzip. Send it as it is, without Content-Encoding."
        case .expectationFailed:
            "The only expectation that is met is 100-continue. The connection was closed."
        case .rateLimited: "Too many failures. Wait as long as Retry-After says."
        case .headersTooLarge:
            "The request head is larger than 16 KiB or has more than 100 fields. "
                + "The connection was closed."
        case .internalError: "A fault of the server. Quote the error's id to support."
        case .notImplemented:
            "The method or transfer coding is unknown here. The connection was closed."
        case .storeUnavailable:
            "The server's storage did not take the request. Nothing has changed, a code is still "
                + "good: send the request again after as long as Retry-After says."
        case .overloaded:
            "The server has too much to do. Send the request again after as long as Retry-After "
                + "says."
        case .httpVersionUnsupported: "Only HTTP/1.1 and HTTP/1.0 are spoken here."
        }
    }
}

extension OAuthError {
    /// What happened and what to do about it, for the same page.
    var explanation: String {
        switch self {
        case .invalidClient:
            "The client id and its secret are absent or wrong. Send them with HTTP Basic, or as client_id "
                + "and client_secret in the form."
        case .invalidRequest:
            "The body is no form with exactly one token, or proves the client in two ways at once. Send "
                + "Content-Type: application/x-www-form-urlencoded and token=…"
        }
    }
}

/// One error object to be: which, and one sentence for people. Never holds a secret.
struct Fault: Equatable, Sendable {
    let code: ErrorCode
    let title: String

    init(_ code: ErrorCode, _ title: String) {
        self.code = code
        self.title = title
    }
}

extension Fault {
    /// The answer to a request that did not get as far as a path.
    init(_ error: ProtocolError) {
        switch error {
        case .malformed(let rule): self.init(.httpMalformed, "the request has \(rule.rawValue)")
        case .targetTooLong: self.init(.uriTooLong, "the request target must be at most 8 KiB")
        case .headTooLarge:
            self.init(
                .headersTooLarge, "the request head must be at most 16 KiB and 100 fields")
        case .bodyTooLarge: self.init(.payloadTooLarge, "the body must be at most 64 KiB")
        case .versionUnsupported:
            self.init(.httpVersionUnsupported, "the protocol must be HTTP/1.1 or HTTP/1.0")
        case .methodUnknown:
            self.init(.notImplemented, "the method is unknown here; the API takes POST")
        case .codingUnknown:
            self.init(.notImplemented, "the only transfer coding taken is chunked")
        case .expectationFailed:
            self.init(.expectationFailed, "the only expectation taken is 100-continue")
        }
    }
}
