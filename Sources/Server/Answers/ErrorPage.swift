// The page that the `link` of every error leads to.

import HTTP1

enum ErrorPage {
    /// HTML with one anchor per error code.
    static let html: [UInt8] = {
        var page = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>Errors of obie-tokens</title>
            <link rel="icon" href="data:,">
            <link rel="stylesheet" href="style.css">
            </head>
            <body>
            <main>
            <h1>Errors of obie-tokens</h1>
            <p>Every error names one of these codes, and an <code>id</code> of its own: quote it to support.</p>
            <dl>

            """
        for code in ErrorCode.allCases {
            page += entry(code.rawValue, code.status, code.explanation)
        }
        page += """
            </dl>
            <h2>In the words of OAuth</h2>
            <p>The paths below /oauth2 say these instead, as RFC 6749 §5.2 names them.</p>
            <dl>

            """
        for error in OAuthError.allCases {
            page += entry(error.rawValue, error.status, error.explanation)
        }
        page += "</dl>\n</main>\n</body>\n</html>\n"
        return Array(page.utf8)
    }()

    private static func entry(_ code: String, _ status: Status, _ explanation: String) -> String {
        """
        <dt id="\(code)"><code>\(code)</code> – \(status.code) \(status.reason)</dt>
        <dd>\(explanation)</dd>

        """
    }
}
