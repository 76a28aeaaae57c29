// What a certificate says, once somebody has read it: parsed values, so that no spelling matters. How it is
// read, and how its chain is verified, is another module's.

/// One piece of a name (X.501): of a distinguished name, by the number of its type.
public struct NameAttribute: Hashable, Sendable {
    /// Dotted, such as `2.5.4.97`.
    public let type: String
    /// As characters, whatever kind of string it was.
    public let value: String

    public init(type: String, value: String) {
        (self.type, self.value) = (type, value)
    }
}

/// What else a certificate is issued to (RFC 5280 §4.2.1.6).
public enum AlternativeName: Hashable, Sendable {
    /// In lower case.
    case dns(String)
    case uri(String)
    /// 4 or 16 bytes.
    case ip([UInt8])
    /// The part behind the `@` in lower case.
    case email(String)

    /// In whatever case somebody wrote it (RFC 5280 §7.2).
    public init(dns text: String) { self = .dns(AlternativeName.lowerCase(text)) }

    /// The same for the host of an address; what stands before the `@` is told apart by case (§7.5).
    public init(email text: String) {
        let place = text.utf8.lastIndex(of: UInt8(ascii: "@")) ?? text.startIndex
        self = .email(text[..<place] + AlternativeName.lowerCase(String(text[place...])))
    }

    /// Of ASCII alone.
    private static func lowerCase(_ text: String) -> String {
        String(
            decoding: text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}

/// The roles of a payment service provider (ETSI TS 119 495 §5.1): what PSD2 lets it do.
public struct ProviderRoles: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Account servicing: 0.4.0.19495.1.1. It is about no scope.
    public static let accountServicing = ProviderRoles(rawValue: 1)
    /// Payment initiation: 0.4.0.19495.1.2.
    public static let paymentInitiation = ProviderRoles(rawValue: 2)
    /// Account information: 0.4.0.19495.1.3.
    public static let accountInformation = ProviderRoles(rawValue: 4)
    /// Issuing of card-based payment instruments: 0.4.0.19495.1.4.
    public static let cardIssuing = ProviderRoles(rawValue: 8)

    /// What they are good for here.
    public var services: Services {
        var services: Services = []
        if contains(.accountInformation) { services.insert(.accounts) }
        if contains(.paymentInitiation) { services.insert(.payments) }
        if contains(.cardIssuing) { services.insert(.fundsConfirmations) }
        return services
    }
}

/// A certificate that has been read. Nothing in it is believed yet: anybody can make one.
public struct Certificate: Sendable {
    public let thumbprint: Thumbprint
    /// To whom it was issued.
    public let subject: [NameAttribute]
    public let alternativeNames: [AlternativeName]
    /// Of the statement about PSD2 (0.4.0.19495.2); nil: there is none.
    public let roles: ProviderRoles?
    /// From this moment on it is valid.
    public let validFrom: Milliseconds
    /// Until and with this moment.
    public let validUntil: Milliseconds
    /// It may issue others.
    public let isAuthority: Bool
    /// It has a critical extension that nobody here understands (RFC 5280 §4.2).
    public let hasUnknownExtension: Bool

    /// The type of `organizationIdentifier`, by which a provider is known (ETSI EN 319 412-1 §5.1.4).
    public static let organizationIdentifier = "2.5.4.97"

    public init(
        thumbprint: Thumbprint, subject: [NameAttribute], alternativeNames: [AlternativeName] = [],
        roles: ProviderRoles? = nil, validFrom: Milliseconds, validUntil: Milliseconds,
        isAuthority: Bool = false, hasUnknownExtension: Bool = false
    ) {
        self.thumbprint = thumbprint
        self.subject = subject
        self.alternativeNames = alternativeNames
        self.roles = roles
        self.validFrom = validFrom
        self.validUntil = validUntil
        self.isAuthority = isAuthority
        self.hasUnknownExtension = hasUnknownExtension
    }

    /// nil where it has none, or more than one.
    public var organizationIdentifier: String? {
        let all = subject.filter { $0.type == Certificate.organizationIdentifier }
        return all.count == 1 ? all[0].value : nil
    }
}

/// Why a certificate is not taken for a provider's.
public enum CertificateRefusal: Equatable, Sendable, CaseIterable {
    case notYetValid, expired
    /// It was issued to somebody else, or to nobody who could be told.
    case otherProvider
    /// It is an authority's own, and no provider's.
    case ofAuthority
    /// What it says cannot be understood: an extension that has to be is not.
    case unknownExtension
    /// No authority that is trusted here has issued it.
    case untrusted
}

extension Certificate {
    /// All the rules of a provider's certificate but for its chain, and for its roles: whether those cover a
    /// scope is judged where the scope is known, by what `Authorisation.certified` is given.
    ///
    /// - Returns: nil where it is that provider's, now.
    public func refusal(for provider: Provider, now: Milliseconds) -> CertificateRefusal? {
        if now < validFrom { return .notYetValid }
        if now > validUntil { return .expired }
        if isAuthority { return .ofAuthority }
        if hasUnknownExtension { return .unknownExtension }
        return organizationIdentifier == provider.reference ? nil : .otherProvider
    }

    /// What it is good for.
    public var services: Services { roles?.services ?? [] }
}

/// Which authorities a certificate may come of.
public enum CertificateAuthorities: Sendable {
    /// Of providers' certificates, as they are passed on.
    case providers
    /// Of clients' certificates.
    case clients
}

/// Reads certificates, and verifies their chains. Any thread; must not wait.
public protocol CertificateReader: Sendable {
    /// - Returns: nil where the bytes are no certificate, or more than one.
    func read(_ der: [UInt8]) -> Certificate?

    /// Another one once other authorities are trusted: what was verified before has to be verified again.
    var generation: Int { get }

    /// Whether anything is trusted at all: without that no chain holds.
    func trusts(_ authorities: CertificateAuthorities) -> Bool

    /// The thumbprints of the authorities of a chain that holds at `now`, the nearest first.
    ///
    /// - Parameter chain: the certificate itself first, in DER; the rest helps.
    /// - Returns: nil where it does not hold, or nothing is trusted.
    func authorities(
        of chain: [[UInt8]], among authorities: CertificateAuthorities, now: Milliseconds
    ) -> [Thumbprint]?

    /// Whether the certificate of a client, in DER, is on a list of those that were revoked.
    func isRevoked(_ der: [UInt8]) -> Bool
}

extension CertificateReader {
    public var generation: Int { 0 }
    public func isRevoked(_ der: [UInt8]) -> Bool { false }
}
