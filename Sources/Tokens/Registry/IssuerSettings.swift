// What holds for the whole server: its mode, and how long what it issues lives.

/// How long things live, and whose world this is.
public struct IssuerSettings: Sendable {
    public enum Mode: String, Sendable, CaseIterable {
        case sandbox
        case production
    }

    public var mode = Mode.sandbox
    /// No code has ever lived longer, whatever the settings were.
    public static let codeLifetimeMax: Milliseconds = 3_600_000

    /// 60 s.
    public var codeLifetime: Milliseconds = 60_000
    /// 360 days; nil: tokens never expire.
    public var tokenLifetime: Milliseconds? = 31_104_000_000
    /// One hour.
    public var ccgTokenLifetime: Milliseconds = 3_600_000
    /// How far ahead the `exp` of an introspection answer may lie, so that caches ask again; nil: as far as
    /// the token lives.
    public var introspectionExpMax: Milliseconds?
    /// There is an audit log, so outcomes say more.
    public var isAudited = false

    public init() {}
}

extension IssuerSettings {
    /// How long a store keeps tokens that have expired: an exchange can be repeated for as long as a code
    /// lives, and its token may live shorter.
    public var expiredTokenMemory: Milliseconds {
        tokenLifetime.map { max(0, codeLifetime - $0) } ?? 0
    }

    /// Until when an introspection answer may be believed.
    func expiry(ofIntrospected expiresAt: Milliseconds?, now: Milliseconds) -> Milliseconds? {
        guard let most = introspectionExpMax else { return expiresAt }
        return min(expiresAt ?? .max, now + most)
    }
}
