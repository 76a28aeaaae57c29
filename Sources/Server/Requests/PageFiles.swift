// The files that pages load, by their paths. They lie in Answers/console, where they can be edited.

import Bytes
import HTTP1

struct PageFiles: Sendable {
    private let files: [(path: KnownText, response: Response)]
    let paths: [String]

    /// What every page loads.
    static let everywhere = PageFiles([style])

    /// With what the sandbox's page loads.
    static let sandbox = PageFiles([
        style, ("/console.js", script(PackageResources.console_js)),
        ("/mistakes.js", script(PackageResources.mistakes_js)),
        ("/requests.js", script(PackageResources.requests_js)),
    ])

    private static let style = (
        "/style.css", Response.page(PackageResources.style_css, type: "text/css; charset=utf-8")
    )

    /// RFC 9239 §6.1.1
    private static func script(_ bytes: [UInt8]) -> Response {
        .page(bytes, type: "text/javascript; charset=utf-8")
    }

    private init(_ files: [(path: String, response: Response)]) {
        paths = files.map(\.path)
        self.files = files.map { (KnownText($0.path), $0.response) }
    }

    /// - Parameter path: one of `paths`.
    func file(_ bytes: Span<UInt8>, _ path: Range<Int>) -> Response {
        for file in files where file.path.matches(bytes, path) { return file.response }
        preconditionFailure("only paths of files lead here")
    }
}
