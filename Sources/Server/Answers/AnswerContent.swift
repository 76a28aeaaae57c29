// The JSON of answers that have more in it than a token.

import Bytes
import Tokens

enum AnswerContent {
    /// A CCG token, and what its provider may not do.
    static func append(
        _ token: SealedIdentifier, _ seconds: Milliseconds, _ warning: String?,
        to content: inout [UInt8]
    ) {
        content.append(contentsOf: TokenAnswer.opening)
        token.appendToken(to: &content)
        content.append(text: #"","expires_in":"#)
        content.append(decimal: seconds)
        content.append(text: #","token_type":"bearer""#)
        append(warning: warning, to: &content)
    }

    /// The end of an answer with a CCG token.
    static func append(warning: String?, to content: inout [UInt8]) {
        if let warning {
            content.append(text: #","warning":"#)
            JSONWriter.appendString(warning, to: &content)
        }
        content.append(text: "}}")
    }

    /// A code, and where the customer is to be sent with it.
    static func append(
        _ code: SealedIdentifier, _ redirectURI: String, _ state: String?, to content: inout [UInt8]
    ) {
        content.append(text: #"{"data":{"redirect_uri":{"base_uri":"#)
        JSONWriter.appendString(redirectURI, to: &content)
        content.append(text: #","parameters":{"code":""#)
        code.appendCode(to: &content)
        content.append(UInt8(ascii: "\""))
        if let state {
            content.append(text: #","state":"#)
            JSONWriter.appendString(state, to: &content)
        }
        content.append(text: "}}}}")
    }

    /// A token, what stands behind it, and a state where there is one.
    static func append(
        _ token: SealedIdentifier, tail: String, _ state: String?, to content: inout [UInt8]
    ) {
        content.append(contentsOf: TokenAnswer.opening)
        token.appendToken(to: &content)
        content.append(text: tail)
        if let state {
            content.append(text: #","state":"#)
            JSONWriter.appendString(state, to: &content)
        }
        content.append(text: "}}")
    }

    /// RFC 6749 §5.2.
    static func append(_ error: OAuthError, _ description: String, to content: inout [UInt8]) {
        content.append(text: #"{"error":"\#(error.rawValue)","error_description":"#)
        JSONWriter.appendString(description, to: &content)
        content.append(UInt8(ascii: "}"))
    }

    /// RFC 7662 §2.2; times in seconds.
    static func append(_ token: ActiveToken?, to content: inout [UInt8]) {
        guard let token else { return content.append(text: #"{"active":false}"#) }
        content.append(text: #"{"active":true,"scope":""#)
        content.append(text: token.scope.name)
        content.append(text: #"","client_id":"#)
        JSONWriter.appendString(token.providerReference, to: &content)
        content.append(text: #","token_type":"bearer","iat":"#)
        content.append(decimal: token.issuedAt / 1000)
        if let expiresAt = token.expiresAt {
            content.append(text: #","exp":"#)
            content.append(decimal: expiresAt / 1000)
        }
        content.append(text: #","sub":"#)
        JSONWriter.appendString(token.consent.accountID, to: &content)
        content.append(text: #","consent_id":"#)
        JSONWriter.appendString(token.consent.id, to: &content)
        if let holder = token.holder {
            content.append(text: #","cnf":{"x5t#S256":"\#(holder)"}"#)
        }
        content.append(UInt8(ascii: "}"))
    }
}
