// What a handler answers, before it is bytes.

import Bytes
import HTTP1
import Tokens

/// An answer. `Replies` turns it into bytes.
enum Response {
    /// 201 with an access token.
    case token(IssuedToken)
    /// The same 201 once more, for an exchange that is repeated under its idempotency key.
    case repeatedToken(RepeatedToken)
    /// 201 with the sandbox's fixed token, and with what its provider may not do.
    case fixedToken(warning: String?)
    /// 201 with a CCG token, which lives as many seconds, and with what its provider may not do.
    case ccgToken(SealedIdentifier, seconds: Milliseconds, warning: String?)
    /// 201 with an authorization code and where to bring it.
    case code(IssuedCode, redirectURI: String, state: String?)
    /// 200 with what a token is good for; nil: with nothing but that it is not alive.
    case introspection(ActiveToken?)
    /// 200 without content: the token is alive no more, or (nil) never was.
    case revoked(AccessToken?)
    /// 200 with the id of the consent that is revoked.
    case consentRevoked(String)
    /// An error in the words of RFC 6749 §5.2.
    case oauthError(OAuthError, String)
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
    /// 200 with something for a browser: a page for people, or a file that one loads.
    case page([UInt8], type: String)
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
        case .token, .repeatedToken, .fixedToken, .ccgToken, .code, .introspection, .revoked,
            .consentRevoked, .oauthError, .options, .page, .content:
            []
        }
    }

    var status: Status {
        switch self {
        case .token, .repeatedToken, .fixedToken, .ccgToken, .code: Success.created.status
        case .introspection, .revoked, .consentRevoked, .page: Success.ok.status
        case .options: Success.noContent.status
        case .oauthError(let error, _): error.status
        case .content(_, _, let status): status
        case .failure(let error): Fault(error).code.status
        case .rateLimited: ErrorCode.rateLimited.status
        case .faults(let faults): faults.first?.code.status ?? ErrorCode.internalError.status
        case .methodNotAllowed: ErrorCode.methodNotAllowed.status
        }
    }

    /// Something was issued or revoked, and the client is told so.
    var hasDoneSomething: Bool {
        switch self {
        case .token, .repeatedToken, .fixedToken, .ccgToken, .code, .revoked(_?), .consentRevoked:
            true
        case .introspection, .revoked(nil), .oauthError, .failure, .rateLimited, .faults,
            .methodNotAllowed, .options, .page, .content:
            false
        }
    }

    static func fault(_ code: ErrorCode, _ title: String) -> Response {
        .faults([Fault(code, title)])
    }
}

/// The error codes of RFC 6749 §5.2 that are answered.
enum OAuthError: String, CaseIterable {
    case invalidClient = "invalid_client"
    case invalidRequest = "invalid_request"

    var status: Status {
        switch self {
        case .invalidClient: ErrorCode.authenticationError.status
        case .invalidRequest: ErrorCode.parameterInvalid.status
        }
    }
}

/// The statuses of answers that are no errors.
enum Success: CaseIterable {
    case ok, created, noContent

    var status: Status {
        switch self {
        case .ok: .ok
        case .created: .created
        case .noContent: .noContent
        }
    }
}

extension Status {
    static let ok = Status(200, "OK")
    static let created = Status(201, "Created")
    static let noContent = Status(204, "No Content")
}

extension Fault {
    /// The one place where the domain's errors become the API's.
    init(_ error: TokenError) {
        switch error {
        case .ccgTokenInvalid:
            self.init(
                .ccgTokenInvalid, "the ccg_token is not valid for this institution; get a new one")
        case .codeRefused:
            // Whatever the reason, the same words: it is none of the caller's business.
            self.init(.authCodeInvalid, "the auth_code cannot be exchanged; start a new consent")
        case .providerNotAuthorised(.certificate(let scope)):
            self.init(.certificateInvalid, ProviderWords.title(of: .certificate(scope)))
        case .certificateInvalid(let refusal):
            self.init(.certificateInvalid, ProviderWords.title(of: refusal))
        case .providerNotAuthorised(let refusal):
            self.init(.providerNotAuthorised, ProviderWords.title(of: refusal))
        case .store(.unavailable):
            self.init(.storeUnavailable, "the storage did not answer; send the same request again")
        case .store(.full):
            self.init(
                .storeUnavailable, "the storage is full; send the same request again later")
        case .store(.outcomeUnknown):
            self.init(
                .storeUnavailable,
                "the storage failed and cannot say whether this was done; send the same request "
                    + "again: an auth_code may be spent by now")
        }
    }
}
