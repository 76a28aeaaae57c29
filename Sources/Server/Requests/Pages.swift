// Answers that are the same for everybody.

import Bytes
import HTTP1

enum Pages {
    static let errors = html(ErrorPage.html)

    /// For whoever opens the URL of a server in production; and for probes that can ask for nothing else.
    static let start = html(PackageResources.start_html)

    /// The same for the sandbox: the flow to walk through.
    static let console = html(PackageResources.console_html)

    private static func html(_ bytes: [UInt8]) -> Response {
        .page(bytes, type: "text/html; charset=utf-8")
    }

    static let healthyContent = Array(#"{"status":"ok"}"#.utf8)

    static let healthy = Response.content(
        healthyContent, type: "application/json", status: .ok)

    /// What can be asked of a server in production.
    static let description = Response.content(
        without(Route.counts.template, PackageResources.openapi_json), type: "application/json",
        status: .ok)

    /// The same for the sandbox: all of it.
    static let sandboxDescription = Response.content(
        PackageResources.openapi_json, type: "application/json", status: .ok)

    /// A description without one of its paths. Its lines begin with two spaces for each level, and the path is
    /// not the last one.
    static func without(_ path: String, _ description: [UInt8]) -> [UInt8] {
        let lines = description.split(separator: 0x0A, omittingEmptySubsequences: false)
        guard
            let first = lines.firstIndex(where: { $0.elementsEqual("    \"\(path)\": {".utf8) }),
            let last = lines[first...].firstIndex(where: { $0.elementsEqual("    },".utf8) })
        else { preconditionFailure("openapi.json describes \(path), and another path behind it") }
        return Array((lines[..<first] + lines[(last + 1)...]).joined(separator: [0x0A]))
    }

    /// 404; or what the server can do at all, for `OPTIONS *` (RFC 9110 §9.3.7).
    static func none(_ request: borrowing Request, _ bytes: Span<UInt8>) -> Response {
        if request.method == .options, bytesEqual(bytes, request.path, [UInt8(ascii: "*")]) {
            return .options(allow: "GET, HEAD, POST, OPTIONS")
        }
        return .fault(.notFound, "there is nothing at this path; the API starts with /v1/obie/")
    }
}
