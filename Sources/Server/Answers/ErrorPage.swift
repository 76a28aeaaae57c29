// The page that the `link` of every error leads to.

enum ErrorPage {
    /// HTML with one anchor per error code.
    static let html: [UInt8] = {
        var page = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Errors of obie-tokens</title>
            <style>
            body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
            dt { margin-top: 1rem; } dt:target { background: #fff3b0; }
            </style>
            </head>
            <body>
            <h1>Errors of obie-tokens</h1>
            <p>Every error names one of these codes, and an <code>id</code> of its own: quote it to support.</p>
            <dl>

            """
        for code in ErrorCode.allCases {
            page += """
                <dt id="\(code.rawValue)"><code>\(code.rawValue)</code> – \(code.status.code) \(code.status.reason)</dt>
                <dd>\(code.explanation)</dd>

                """
        }
        page += "</dl>\n</body>\n</html>\n"
        return Array(page.utf8)
    }()
}
