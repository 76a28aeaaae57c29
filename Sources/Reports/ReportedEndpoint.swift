// What the reports tell apart: the paths at which banks' systems ask about codes and tokens.

/// An endpoint with figures of its own. The raw value stands in stores: never changed once released.
public enum ReportedEndpoint: Int, CaseIterable, Sendable {
    case tokens, codes, consents, introspection, revocation

    public var path: String {
        switch self {
        case .tokens: "/v1/obie/tokens"
        case .codes: "/v1/obie/authorization_codes"
        case .consents: "/v1/obie/consents/revoke"
        case .introspection: "/oauth2/introspect"
        case .revocation: "/oauth2/revoke"
        }
    }
}
