// The JSON of answers that have more in it than a token.

import Tokens

enum AnswerContent {
    /// A CCG token, and what its provider may not do.
    static func append(
        _ token: SealedIdentifier, _ seconds: Milliseconds, _ warning: String?,
        to content: inout [UInt8]
    ) {
        content.append(contentsOf: TokenAnswer.opening)
        token.appendToken(to: &content)
        content.append(contentsOf: #"","expires_in":\#(seconds),"token_type":"bearer""#.utf8)
        append(warning: warning, to: &content)
    }

    /// The end of an answer with a CCG token.
    static func append(warning: String?, to content: inout [UInt8]) {
        if let warning {
            content.append(contentsOf: #","warning":"#.utf8)
            JSONWriter.appendString(warning, to: &content)
        }
        content.append(contentsOf: "}}".utf8)
    }

    /// A code, and where the customer is to be sent with it.
    static func append(
        _ code: SealedIdentifier, _ redirectURI: String, _ state: String?, to content: inout [UInt8]
    ) {
        content.append(contentsOf: #"{"data":{"redirect_uri":{"base_uri":"#.utf8)
        JSONWriter.appendString(redirectURI, to: &content)
        content.append(contentsOf: #","parameters":{"code":""#.utf8)
        code.appendCode(to: &content)
        content.append(UInt8(ascii: "\""))
        if let state {
            content.append(contentsOf: #","state":"#.utf8)
            JSONWriter.appendString(state, to: &content)
        }
        content.append(contentsOf: "}}}}".utf8)
    }

    /// A token, what stands behind it, and a state where there is one.
    static func append(
        _ token: SealedIdentifier, tail: String, _ state: String?, to content: inout [UInt8]
    ) {
        content.append(contentsOf: TokenAnswer.opening)
        token.appendToken(to: &content)
        content.append(contentsOf: tail.utf8)
        if let state {
            content.append(contentsOf: #","state":"#.utf8)
            JSONWriter.appendString(state, to: &content)
        }
        content.append(contentsOf: "}}".utf8)
    }

    /// RFC 6749 §5.2.
    static func append(_ error: OAuthError, _ description: String, to content: inout [UInt8]) {
        content.append(contentsOf: #"{"error":"\#(error.rawValue)","error_description":"#.utf8)
        JSONWriter.appendString(description, to: &content)
        content.append(UInt8(ascii: "}"))
    }

    /// RFC 7662 §2.2; times in seconds.
    static func append(_ token: ActiveToken?, to content: inout [UInt8]) {
        guard let token else { return content.append(contentsOf: #"{"active":false}"#.utf8) }
        content.append(
            contentsOf: #"{"active":true,"scope":"\#(token.scope.name)","client_id":"#.utf8)
        JSONWriter.appendString(token.providerReference, to: &content)
        content.append(
            contentsOf: #","token_type":"bearer","iat":\#(token.issuedAt / 1000)"#.utf8)
        if let expiresAt = token.expiresAt {
            content.append(contentsOf: #","exp":\#(expiresAt / 1000)"#.utf8)
        }
        content.append(contentsOf: #","sub":"#.utf8)
        JSONWriter.appendString(token.consent.accountID, to: &content)
        content.append(contentsOf: #","consent_id":"#.utf8)
        JSONWriter.appendString(token.consent.id, to: &content)
        if let holder = token.holder {
            content.append(contentsOf: #","cnf":{"x5t#S256":"\#(holder)"}"#.utf8)
        }
        content.append(UInt8(ascii: "}"))
    }
}
