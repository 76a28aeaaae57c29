// What answers say of a provider that may not do something.

import Tokens

enum ProviderWords {
    /// The title of the error.
    static func title(of refusal: ProviderRefusal) -> String {
        switch refusal {
        case .withdrawn:
            "the provider's authorisation is withdrawn; nothing is issued for it until it is authorised "
                + "again"
        case .service(let scope):
            "the provider is not authorised for \(service(scope)), which the scope \(scope.name) is about; "
                + "ask for a scope that it is authorised for"
        }
    }

    /// For who asks for a CCG token; nil where the provider may do anything.
    static func warning(of provider: Provider) -> String? {
        let authorisation = provider.authorisation
        guard authorisation.servicesInForce.isEmpty else { return nil }
        let name = provider.reference
        return switch authorisation.status {
        case .withdrawn:
            "The authorisation of \(name) is withdrawn, so no code and no access token is issued for it."
        case .authorised:
            "\(name) is authorised for none of the services, so no code and no access token is issued "
                + "for it."
        }
    }

    private static func service(_ scope: Scope) -> String {
        switch scope {
        case .accounts: "account information"
        case .payments: "payment initiation"
        case .fundsconfirmations: "funds confirmation"
        }
    }
}
