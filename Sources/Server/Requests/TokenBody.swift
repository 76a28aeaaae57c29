// The body of `POST /v1/obie/tokens`: which members it has and what each must be.

import Tokens

/// The body of `POST /v1/obie/tokens`.
enum TokenBody: Body {
    /// `holder`: where the thumbprint of the certificate stands that the token is to be bound to, if it says so.
    /// Its place alone, so that to hand the rest on counts no reference.
    case authorizationCode(code: SealedIdentifier?, redirectURI: JSONString, holder: JSONString?)
    /// `pspID` in production only, where it is required.
    case clientCredentials(pspID: String?)

    static let keys = JSONKeys(["auth_code", "redirect_uri", "grant_type", "psp_id", "cnf"])

    /// - Parameters:
    ///   - hasCCGToken: the head has one, which an exchange needs.
    ///   - claim: what the head says of a certificate; it matters to an exchange alone.
    init(
        _ bytes: Span<UInt8>, mode: IssuerSettings.Mode, hasCCGToken: Bool,
        claim: HolderClaim? = nil
    ) throws(BodyFaults) {
        var members = try Members(bytes, of: TokenBody.self)
        guard let grant = TokenBody.grant(bytes, &members) else {
            for index in [0, 1, 3] { _ = members.string(index) }
            _ = TokenBody.holder(bytes, &members)
            throw BodyFaults(faults: members.faults)
        }
        guard grant == .authorizationCode else {
            for index in [0, 1] { _ = members.string(index) }
            _ = TokenBody.holder(bytes, &members)
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
        let holder = TokenBody.holder(bytes, &members)
        members.require(ccgToken: hasCCGToken)
        if let claim {
            let thumbprint = holder.flatMap { TokenBody.thumbprint($0, bytes) }
            if let fault = claim.fault(beside: thumbprint, isNamed: members.isThere(4)) {
                members.faults.append(fault)
            }
        }
        guard members.faults.isEmpty, let code, let redirectURI else {
            throw BodyFaults(faults: members.faults)
        }
        self = .authorizationCode(
            code: TokenBody.identifier(bytes, code), redirectURI: redirectURI, holder: holder)
    }

    /// What the token is to be bound to: `cnf` with `x5t#S256` (RFC 8705 §3.1).
    @inline(__always)
    private static func holder(_ bytes: Span<UInt8>, _ members: inout Members) -> JSONString? {
        guard let range = members.object(4) else { return nil }
        return read(cnf: range, bytes, &members)
    }

    /// - Parameter place: as the body has it.
    static func thumbprint(_ place: JSONString, _ bytes: Span<UInt8>) -> Thumbprint? {
        place.withContent(bytes) { Thumbprint(base64URL: $0) }
    }

    private static let thumbprintKey = JSONKeys(["x5t#S256"])

    @inline(never)
    private static func read(
        cnf: Range<Int>, _ bytes: Span<UInt8>, _ members: inout Members
    ) -> JSONString? {
        let found = member(of: cnf, bytes)
        members.check(
            found != nil,
            "cnf must have x5t#S256, the SHA-256 of a certificate as 43 characters of base64url")
        return found
    }

    /// Where in the body it stands; nil where it is none.
    private static func member(of cnf: Range<Int>, _ bytes: Span<UInt8>) -> JSONString? {
        do throws(JSONInvalid) {
            let object = try JSONReader.readObject(bytes.extracting(cnf), thumbprintKey)
            guard case .string(let text) = object.members[0] else { return nil }
            let place = text.behind(cnf.lowerBound)
            return thumbprint(place, bytes) == nil ? nil : place
        } catch {
            return nil
        }
    }

    /// True for a body that asks for a CCG token, whatever else is wrong with it. Anything else is taken
    /// for an exchange.
    static func asksForCredentials(_ bytes: Span<UInt8>) -> Bool {
        do throws(BodyFaults) {
            var members = try Members(bytes, of: TokenBody.self)
            return grant(bytes, &members) == .clientCredentials
        } catch {
            return false
        }
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
