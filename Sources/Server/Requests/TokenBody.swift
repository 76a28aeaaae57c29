// The body of `POST /v1/obie/tokens`: which members it has and what each must be.

import Tokens

/// The body of `POST /v1/obie/tokens`.
enum TokenBody: Body {
    case authorizationCode(code: SealedIdentifier?, redirectURI: JSONString)
    /// `pspID` in production only, where it is required.
    case clientCredentials(pspID: String?)

    static let keys = JSONKeys(["auth_code", "redirect_uri", "grant_type", "psp_id"])

    /// - Parameters:
    ///   - hasCCGToken: the head has one, which an exchange needs.
    ///   - headFault: what else is wrong with the head, if this is an exchange.
    init(
        _ bytes: Span<UInt8>, mode: IssuerSettings.Mode, hasCCGToken: Bool, headFault: Fault? = nil
    ) throws(BodyFaults) {
        var members = try Members(bytes, of: TokenBody.self)
        guard let grant = TokenBody.grant(bytes, &members) else {
            for index in [0, 1, 3] { _ = members.string(index) }
            throw BodyFaults(faults: members.faults)
        }
        guard grant == .authorizationCode else {
            for index in [0, 1] { _ = members.string(index) }
            let pspID =
                switch mode {
                case .sandbox: members.string(3)
                case .production: members.requiredString(3)
                }
            guard members.faults.isEmpty else { throw BodyFaults(faults: members.faults) }
            self = .clientCredentials(pspID: pspID?.text(bytes))
            return
        }
        let code = members.requiredString(0)
        let redirectURI = members.requiredString(1)
        _ = members.string(3)
        members.require(ccgToken: hasCCGToken)
        if let headFault { members.faults.append(headFault) }
        guard members.faults.isEmpty, let code, let redirectURI else {
            throw BodyFaults(faults: members.faults)
        }
        self = .authorizationCode(
            code: TokenBody.identifier(bytes, code), redirectURI: redirectURI)
    }

    private enum GrantType: String {
        case authorizationCode = "authorization_code"
        case clientCredentials = "client_credentials"
    }

    /// The grant type, `authorization_code` where none is given; nil with a fault.
    private static func grant(_ bytes: Span<UInt8>, _ members: inout Members)
        -> GrantType?
    {
        let faultsBefore = members.faults.count
        guard let text = members.string(2)?.text(bytes) else {
            return members.faults.count == faultsBefore ? .authorizationCode : nil
        }
        if let grant = GrantType(rawValue: text) { return grant }
        members.faults.append(
            Fault(
                .grantTypeUnsupported,
                "grant_type must be authorization_code or client_credentials"))
        return nil
    }

    private static func identifier(
        _ bytes: Span<UInt8>, _ string: JSONString
    ) -> SealedIdentifier? {
        string.withContent(bytes) { SealedIdentifier(code: $0) }
    }
}
