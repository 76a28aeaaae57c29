// The JSON bodies of the two endpoints: which members they have and what each must be. Every fault
// is found, not only the first.

import Tokens

/// Everything wrong with a body.
struct BodyFaults: Error {
    let faults: [Fault]
}

/// Which members a body has, by their index.
private protocol Body {
    static var names: [String] { get }
    /// The same in UTF-8.
    static var keys: [[UInt8]] { get }
}

/// Collects the members of a body and what is wrong with them.
private struct Members<Kind: Body>: ~Copyable {
    let object: JSONObject
    var faults: [Fault] = []

    init(_ bytes: Span<UInt8>) throws(BodyFaults) {
        do throws(JSONInvalid) {
            object = try JSONReader.readObject(bytes, Kind.keys)
        } catch {
            throw BodyFaults(faults: [
                Fault(.jsonInvalid, "the body must be one JSON object in UTF-8 (RFC 8259)")
            ])
        }
    }

    /// The string at `index`; nil where there is none, with a fault where it is something else.
    mutating func string(_ index: Int) -> JSONString? {
        switch object.members[index] {
        case .absent, .null: return nil
        case .string(let string): return string
        case .other:
            faults.append(Fault(.parameterInvalid, "\(Kind.names[index]) must be a string"))
        case .duplicate:
            faults.append(Fault(.parameterInvalid, "\(Kind.names[index]) must be given once"))
        }
        return nil
    }

    /// The same, where absent, null and empty are faults.
    mutating func requiredString(_ index: Int) -> JSONString? {
        switch object.members[index] {
        case .absent, .null: break
        case .string(let string) where string.range.isEmpty: break
        case .string, .other, .duplicate: return string(index)
        }
        faults.append(Fault(.parameterMissing, "\(Kind.names[index]) is required"))
        return nil
    }

    /// The header that the body decides about.
    mutating func require(ccgToken isThere: Bool) {
        if !isThere {
            faults.append(Fault(.parameterMissing, "the header ccg_token is required"))
        }
    }

    mutating func check(_ isGood: Bool, _ title: String) {
        if !isGood { faults.append(Fault(.parameterInvalid, title)) }
    }
}

/// The body of `POST /v1/obie/tokens`.
enum TokenBody: Body {
    case authorizationCode(code: SealedIdentifier?, redirectURI: JSONString)
    /// `pspID` in production only, where it is required.
    case clientCredentials(pspID: String?)

    fileprivate static let names = ["auth_code", "redirect_uri", "grant_type", "psp_id"]
    fileprivate static let keys = names.map { Array($0.utf8) }

    init(
        _ bytes: Span<UInt8>, settings: IssuerSettings, hasCCGToken: Bool
    ) throws(BodyFaults) {
        var members = try Members<TokenBody>(bytes)
        guard let grant = TokenBody.grant(bytes, &members) else {
            for index in [0, 1, 3] { _ = members.string(index) }
            throw BodyFaults(faults: members.faults)
        }
        guard grant == .authorizationCode else {
            for index in [0, 1] { _ = members.string(index) }
            let pspID =
                switch settings.mode {
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
    private static func grant(_ bytes: Span<UInt8>, _ members: inout Members<TokenBody>)
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

/// The body of `POST /v1/obie/authorization_codes`.
struct CodeBody: Body {
    let consent: Consent
    let redirectURI: String
    let scope: Scope
    let state: String?

    fileprivate static let names = [
        "consent_id", "psu_account_id", "redirect_uri", "scope", "state",
    ]
    fileprivate static let keys = names.map { Array($0.utf8) }
    private static let stateBytesMax = 1024

    init(_ bytes: Span<UInt8>, hasCCGToken: Bool) throws(BodyFaults) {
        var members = try Members<CodeBody>(bytes)
        let consentID = members.requiredString(0)?.text(bytes)
        members.check(
            consentID.map { $0.unicodeScalars.count <= 128 } ?? true,
            "consent_id must be at most 128 characters")
        let accountID = members.requiredString(1)?.text(bytes)
        members.check(
            accountID.map { $0.unicodeScalars.count <= 128 } ?? true,
            "psu_account_id must be at most 128 characters")
        let redirectURI = members.requiredString(2)?.text(bytes)
        members.check(
            redirectURI.map {
                $0.utf8.count <= AbsoluteURI.bytesMax && AbsoluteURI.isValid($0)
            } ?? true,
            "redirect_uri must be an absolute URI without fragment, at most 2048 bytes")
        let scopeText = members.requiredString(3)?.text(bytes)
        let scope = scopeText.flatMap(CodeBody.scope)
        members.check(scopeText == nil || scope != nil, "scope must be accounts or payments")
        let state = members.string(4)?.text(bytes)
        members.check(
            state.map { $0.utf8.count <= CodeBody.stateBytesMax } ?? true,
            "state must be at most 1024 bytes")
        members.require(ccgToken: hasCCGToken)
        guard members.faults.isEmpty, let consentID, let accountID, let redirectURI, let scope
        else { throw BodyFaults(faults: members.faults) }
        consent = Consent(id: consentID, accountID: accountID)
        self.redirectURI = redirectURI
        self.scope = scope
        self.state = state
    }

    private static func scope(_ text: String) -> Scope? {
        switch text {
        case "accounts": .accounts
        case "payments": .payments
        default: nil
        }
    }
}
