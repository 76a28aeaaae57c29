// What every page for people says of itself, and every file that one loads.

enum PageFields {
    /// Only files of this server are loaded and asked for: no script in the page, no other host, no frame
    /// around it, no form that leads away (W3C Content Security Policy Level 3). The icon is a `data:` URI.
    private static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
        "img-src data:", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'none'",
    ].joined(separator: "; ")

    static func all(type: String) -> [(name: String, value: String)] {
        [
            ("Content-Type", type), ("Cache-Control", "no-store"),
            ("Content-Security-Policy", policy), ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        ]
    }
}
