// Why a change of the registry is refused.

/// What a change of the registry can be refused for: one sentence, without the
/// commands that would help: those are named by who offers them.
public enum RegistryError: Error, Equatable, CustomStringConvertible {
    case institutionUnknown(String)
    case institutionExists(String)
    case institutionInvalid(String)
    case providerUnknown(String)
    case providerExists(String)
    case providerInvalid(String)
    case clientUnknown(String, institution: String)
    case clientExists(String, institution: String)
    case clientLast(String, institution: String)
    case clientInvalid(String)
    case clientAmbiguous([String], institution: String)
    case providerNameInvalid
    case redirectURIInvalid(String, RedirectURIFault)
    case redirectURIExists(String)
    case redirectURIUnknown(String)
    case consentInvalid(String)

    public var description: String {
        switch self {
        case .institutionUnknown(let reference): "there is no institution \(reference)"
        case .institutionExists(let reference): "the institution \(reference) is there already"
        case .institutionInvalid(let reference):
            "'\(reference)' is no reference of an institution: write 6 to 128 visible ASCII "
                + "characters, such as PSDGB-FCA-111111"
        case .providerUnknown(let reference): "there is no provider \(reference)"
        case .providerExists(let reference): "the provider \(reference) is there already"
        case .providerInvalid(let reference):
            "'\(reference)' is no reference of a provider: write 1 to 128 visible ASCII "
                + "characters, such as PSDGB-FCA-222222"
        case .clientUnknown(let id, let institution): "no client \(id) acts for \(institution)"
        case .clientExists(let id, let institution): "\(id) acts for \(institution) already"
        case .clientLast(let id, let institution):
            "\(id) is the only client that acts for \(institution): let another one act for it first"
        case .clientInvalid(let id):
            "'\(id)' is no client id: write 1 to 128 visible ASCII characters without a colon "
                + "(RFC 7617)"
        case .clientAmbiguous(let ids, let institution):
            "several clients act for \(institution): choose one of \(ids.joined(separator: ", "))"
        case .providerNameInvalid:
            "the name cannot be taken: write at most \(RegistryContent.nameMax) characters, without control "
                + "characters"
        case .redirectURIInvalid(let uri, let fault):
            "'\(uri)' cannot be registered as a redirect URI: \(fault.description)"
        case .redirectURIExists(let uri): "the redirect URI \(uri) is registered already"
        case .redirectURIUnknown(let uri):
            "the redirect URI \(uri) is not registered for the provider; URIs are compared byte "
                + "for byte"
        case .consentInvalid(let id): "'\(id)' is no consent id: write 1 to 128 characters"
        }
    }
}
