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
        case .certificate(let scope):
            "the certificate in the header eidas lacks the PSD2 role for \(service(scope)), \(role(scope)), "
                + "which the scope \(scope.name) is about"
        }
    }

    /// The title of the error.
    static func title(of refusal: CertificateRefusal) -> String {
        switch refusal {
        case .notYetValid: "the certificate in the header eidas is not valid yet"
        case .expired:
            "the certificate in the header eidas has expired; send the provider's new one"
        case .otherProvider:
            "the organizationIdentifier of the certificate in the header eidas is not the reference of the "
                + "provider that the ccg_token speaks for"
        case .ofAuthority:
            "the certificate in the header eidas is an authority's own; send the provider's"
        case .unknownExtension:
            "the certificate in the header eidas has a critical extension that is not known here, such as "
                + "critical qcStatements, which ETSI EN 319 412-5 forbids; send another one"
        case .untrusted:
            "the certificate in the header eidas was issued by no authority that is trusted here"
        }
    }

    private static func role(_ scope: Scope) -> String {
        switch scope {
        case .accounts: "PSP_AI"
        case .payments: "PSP_PI"
        case .fundsconfirmations: "PSP_IC"
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
