// What to do about a change of the registry that is refused: the commands and options that help.

import Tokens

extension RegistryError {
    /// One sentence that says what is wrong and what to do.
    var explanation: String { description + advice }

    /// How the sentence goes on.
    private var advice: String {
        switch self {
        case .institutionUnknown: "; `obie-tokens fi list` shows those there are"
        case .institutionExists(let reference): "; `obie-tokens fi show \(reference)` shows it"
        case .providerUnknown: "; `obie-tokens psp list` shows those there are"
        case .providerExists(let reference): "; `obie-tokens psp show \(reference)` shows it"
        case .clientUnknown(_, let institution):
            "; `obie-tokens fi show \(institution)` shows those that do"
        case .clientExists(_, let institution):
            "; `obie-tokens fi show \(institution)` shows all that do"
        case .clientLast(_, let institution):
            ", with `obie-tokens fi add-client \(institution)`"
        case .clientInvalid: ", with --client"
        case .clientAmbiguous: " with --client"
        case .redirectURIUnknown: ", and `obie-tokens psp show` shows them"
        case .redirectURIInvalid(_, .plainText): ". Or take it as it is, with --allow-http"
        case .institutionInvalid, .providerInvalid, .providerNameInvalid, .redirectURIInvalid,
            .redirectURIExists, .consentInvalid:
            ""
        }
    }
}
