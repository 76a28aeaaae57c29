// Answers that are the same for everybody.

import Bytes
import HTTP1

enum Pages {
    static let errors = Response.content(
        ErrorPage.html, type: "text/html; charset=utf-8", status: .ok)

    /// For whoever opens the server's own URL; and for probes that can ask for nothing else.
    static let start = Response.content(
        Array(
            """
            <!doctype html><meta charset="utf-8"><title>obie-tokens</title>
            <p>This is obie-tokens, a token server for banks. Programs read <a href="/openapi.json">the \
            description of its API</a>.
            <p>People read <a href="/errors">what its errors mean</a>.

            """.utf8), type: "text/html; charset=utf-8", status: .ok)

    static let healthyContent = Array(#"{"status":"ok"}"#.utf8)

    static let healthy = Response.content(
        healthyContent, type: "application/json", status: .ok)

    static let description = Response.content(
        PackageResources.openapi_json, type: "application/json", status: .ok)

    /// 404; or what the server can do at all, for `OPTIONS *` (RFC 9110 §9.3.7).
    static func none(_ request: borrowing Request, _ bytes: Span<UInt8>) -> Response {
        if request.method == .options, bytesEqual(bytes, request.path, [UInt8(ascii: "*")]) {
            return .options(allow: "GET, HEAD, POST, OPTIONS")
        }
        return .fault(.notFound, "there is nothing at this path; the API starts with /v1/obie/")
    }
}
