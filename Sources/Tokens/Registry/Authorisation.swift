// What a provider's authority says of it: whether it is authorised, and for which services.

/// What a code, and the token made of it, let a provider do. The raw numbers stand in stores.
public enum Scope: UInt8, Sendable, CaseIterable {
    case accounts
    case payments
    case fundsconfirmations

    /// As requests and answers write it.
    public var name: String {
        switch self {
        case .accounts: "accounts"
        case .payments: "payments"
        case .fundsconfirmations: "fundsconfirmations"
        }
    }

    public init?(_ name: String) {
        guard let scope = Scope.allCases.first(where: { $0.name == name }) else { return nil }
        self = scope
    }
}

/// The services of PSD2 as a set: account information, payment initiation, funds confirmation. The raw
/// number stands in stores: a bit for each scope, by the scope's number.
public struct Services: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The one that a scope needs.
    public init(_ scope: Scope) { rawValue = 1 << scope.rawValue }

    public static let accounts = Services(.accounts)
    public static let payments = Services(.payments)
    public static let fundsConfirmations = Services(.fundsconfirmations)
    public static let all: Services = [.accounts, .payments, .fundsConfirmations]

    /// By the names of their scopes.
    public var names: [String] { Scope.allCases.filter { contains(Services($0)) }.map(\.name) }
}

/// What holds for one provider.
public struct Authorisation: Equatable, Sendable {
    /// The raw names stand in files that people write.
    public enum Status: String, Sendable, CaseIterable {
        case authorised
        case withdrawn
    }

    public var status: Status
    public var services: Services
    /// What the certificate says that an exchange brings of the provider: all where it brings none. No part
    /// of what is registered.
    public private(set) var certified = Services.all

    public init(status: Status = .authorised, services: Services = .all) {
        (self.status, self.services) = (status, services)
    }

    /// The same for an exchange with a certificate that is good for these services alone.
    public func certified(_ services: Services) -> Authorisation {
        var limited = self
        limited.certified = services
        return limited
    }

    /// What a provider has of whom nothing else is said.
    public static let full = Authorisation()

    /// The rule: why nothing of this scope is to be issued, or to be alive; nil where it is.
    public func refusal(of scope: Scope) -> ProviderRefusal? {
        if status == .withdrawn { return .withdrawn }
        let service = Services(scope)
        guard services.contains(service) else { return .service(scope) }
        return certified.contains(service) ? nil : .certificate(scope)
    }

    /// The services that count: of a provider that is withdrawn, none.
    public var servicesInForce: Services {
        status == .withdrawn ? [] : services.intersection(certified)
    }
}

/// Why a provider may not do what a code or token is for.
public enum ProviderRefusal: Equatable, Hashable, Sendable, CaseIterable {
    /// Its authority has withdrawn the authorisation.
    case withdrawn
    /// It is authorised, and not for this.
    case service(Scope)
    /// It is authorised for this, and the certificate that was brought lacks the role.
    case certificate(Scope)

    public static let allCases =
        [withdrawn] + Scope.allCases.map(service) + Scope.allCases.map(certificate)
}
