// From answers to bytes. Heads are rendered once a second, with the Date field in them.

import Bytes
import HTTP1
import Tokens

/// Writes answers, one behind the other. One per event loop.
final class Replies {
    /// What has been written and not yet taken.
    private var output: [UInt8] = []
    /// What connections of the loop have in common.
    let shared = SharedBytes()
    /// A connection is in the middle of its requests: the output is its own.
    var isInUse = false
    private let publicURL: String
    /// Draws a number for a request or an error: unique, and tells nothing.
    let drawID: () -> SealedIdentifier
    private let tokenTail, tokenTailWithState: [UInt8]
    private let fixedToken: [UInt8]
    private var date = ""
    /// Whole heads of a 201 and a 200, but for Content-Length and what depends on the request.
    private var createdHead: [UInt8] = []
    private var okHead: [UInt8] = []
    /// That the connection stays, and for how long nobody need send anything (RFC 9110 §7.6.1). Behind
    /// another field.
    private var keptFields: [UInt8] = []
    private var content: [UInt8] = []
    /// Of the request that is being answered, where it has brought one.
    private var givenID: [UInt8] = []
    /// As the last one looked: most are alike.
    private var tokenAnswer: TokenAnswer?

    /// - Parameters:
    ///   - publicURL: what `link` starts with.
    ///   - tokenLifetime: nil leaves `expires_in` out.
    init(
        publicURL: String, tokenLifetime: Milliseconds?,
        drawID: @escaping () -> SealedIdentifier
    ) {
        self.publicURL = publicURL
        self.drawID = drawID
        let tail = Replies.tokenTail(lifetime: tokenLifetime)
        tokenTail = Array((tail + "}}").utf8)
        tokenTailWithState = Array((tail + #","state":"#).utf8)
        fixedToken = TokenAnswer.opening + Array((Registry.sandboxCCGToken + tail).utf8)
    }

    /// What stands behind an access token.
    private static func tokenTail(lifetime: Milliseconds?) -> String {
        let expiresIn = lifetime.map { #""expires_in":\#($0 / 1000),"# } ?? ""
        return #"",\#(expiresIn)"token_type":"bearer""#
    }

    /// Sets what Date says from now on.
    func setDate(seconds: Int64) {
        date = HTTPDate.text(seconds)
        createdHead = ResponseEncoder.head(.created, jsonFields)
        okHead = ResponseEncoder.head(.ok, jsonFields)
        tokenAnswer = nil
    }

    /// Sets how long a connection may be idle, as each answer says that keeps it.
    func setIdleTimeout(milliseconds: UInt64) {
        let text = "\r\nConnection: keep-alive\r\nKeep-Alive: timeout=\(milliseconds / 1000)"
        keptFields = Array(text.utf8)
        tokenAnswer = nil
    }

    private var jsonFields: [(name: String, value: String)] {
        [
            ("Content-Type", "application/json"), ("Cache-Control", "no-store"),
            ("Pragma", "no-cache"), ("Date", date),
        ]
    }

    /// In bytes. Beside them, since looking at the output is an access to all of it.
    private(set) var count = 0

    /// Hands over all that has been written.
    func take(_ body: (Span<UInt8>) -> Void) {
        withOutput { bytes in
            body(bytes.span)
            bytes.removeLast(bytes.count)
        }
    }

    /// Lends the output. It is moved out meanwhile: so nothing has to be counted or copied, and no
    /// access to it has to be checked at run time.
    @inline(__always)
    private func withOutput<Result>(_ body: (inout [UInt8]) -> Result) -> Result {
        var bytes: [UInt8] = []
        swap(&bytes, &output)
        let result = body(&bytes)
        swap(&bytes, &output)
        precondition(bytes.isEmpty, "nobody answers while answers are being handed over")
        count = output.count
        return result
    }

    /// Appends `100 Continue`.
    func appendContinue() {
        withOutput { $0.append(contentsOf: ResponseEncoder.continueResponse) }
    }

    /// Appends the whole answer.
    ///
    /// - Parameter givenID: as the request has brought it; looked at only where the context says so.
    /// - Returns: the ids of the error objects in it.
    @discardableResult
    func append(
        _ response: Response, _ context: ReplyContext, _ givenID: [UInt8] = []
    ) -> [SealedIdentifier] {
        if context.hasGivenID { self.givenID = givenID }
        return withOutput { output in
            switch response {
            case .token(let issued):
                appendToken(issued, context, to: &output)
                return []
            case .repeatedToken, .fixedToken, .ccgToken, .code, .introspection, .revoked,
                .consentRevoked, .oauthError, .failure, .rateLimited, .faults, .methodNotAllowed,
                .options, .page, .content:
                return appendOther(response, context, to: &output)
            }
        }
    }

    private func appendOther(
        _ response: Response, _ context: ReplyContext, to output: inout [UInt8]
    ) -> [SealedIdentifier] {
        content.removeAll(keepingCapacity: true)
        switch response {
        case .token: preconditionFailure("dealt with by the caller")
        case .repeatedToken(let token):
            let tail = Replies.tokenTail(lifetime: token.lifetime)
            AnswerContent.append(token.token, tail: tail, token.state, to: &content)
            finish(createdHead, context, to: &output)
        case .fixedToken(let warning):
            content.append(contentsOf: fixedToken)
            AnswerContent.append(warning: warning, to: &content)
            finish(createdHead, context, to: &output)
        case .ccgToken(let token, let seconds, let warning):
            AnswerContent.append(token, seconds, warning, to: &content)
            finish(createdHead, context, to: &output)
        case .code(let code, let redirectURI, let state):
            AnswerContent.append(code.code, redirectURI, state, to: &content)
            finish(createdHead, context, to: &output)
        case .introspection(let token):
            AnswerContent.append(token, to: &content)
            finish(okHead, context, to: &output)
        case .revoked, .consentRevoked:
            if case .consentRevoked(let id) = response { ConsentContent.append(id, to: &content) }
            finish(okHead, context, to: &output)
        case .oauthError(let error, let description):
            AnswerContent.append(error, description, to: &content)
            let fields = jsonFields + challenge(error.status)
            finish(ResponseEncoder.head(error.status, fields), context, to: &output)
        case .faults, .failure:
            return appendFaults(response.errorObjects, [], context, to: &output)
        case .rateLimited(let seconds, _):
            return appendFaults(
                response.errorObjects, [("Retry-After", "\(seconds)")], context, to: &output)
        case .methodNotAllowed(let allow):
            return appendFaults(response.errorObjects, [("Allow", allow)], context, to: &output)
        case .options(let allow):
            let head = ResponseEncoder.head(.noContent, jsonFields + [("Allow", allow)])
            output.append(contentsOf: head)
            appendFields(context, to: &output)
            ResponseEncoder.endHeadWithoutContent(into: &output)
        case .page(let bytes, let type):
            appendContent(bytes, .ok, PageFields.all(type: type), context, to: &output)
        case .content(let bytes, let type, let status):
            let fields = [(name: "Content-Type", value: type), ("Cache-Control", "no-store")]
            appendContent(bytes, status, fields, context, to: &output)
        }
        return []
    }

    private func appendContent(
        _ bytes: [UInt8], _ status: Status, _ fields: [(name: String, value: String)],
        _ context: ReplyContext, to output: inout [UInt8]
    ) {
        content.append(contentsOf: bytes)
        finish(ResponseEncoder.head(status, fields + [("Date", date)]), context, to: &output)
    }

    /// The answer that matters most: written once, in place.
    private func appendToken(
        _ issued: IssuedToken, _ context: borrowing ReplyContext, to output: inout [UInt8]
    ) {
        guard context.isUsual, !context.hasGivenID, issued.state.map(JSONWriter.isPlain) ?? true
        else { return appendUnusualToken(issued, context, to: &output) }
        let shape = TokenAnswer.Shape(
            hasInteractionID: context.interactionID != nil,
            stateLength: issued.state?.utf8.count)
        let answer: TokenAnswer
        if let known = tokenAnswer, known.shape == shape {
            answer = known
        } else {
            answer = TokenAnswer(
                shape, head: createdHead, keptFields: keptFields, tail: tail(of: issued))
            tokenAnswer = answer
        }
        answer.append(
            issued.token, issued.state, context.drawnID, context.interactionID, to: &output)
    }

    private func appendUnusualToken(
        _ issued: IssuedToken, _ context: borrowing ReplyContext, to output: inout [UInt8]
    ) {
        content.removeAll(keepingCapacity: true)
        content.append(contentsOf: TokenAnswer.opening)
        issued.token.appendToken(to: &content)
        content.append(contentsOf: tail(of: issued))
        if let state = issued.state {
            JSONWriter.appendString(state, to: &content)
            content.append(contentsOf: "}}".utf8)
        }
        finish(createdHead, context, to: &output)
    }

    private func tail(of issued: IssuedToken) -> [UInt8] {
        issued.state == nil ? tokenTail : tokenTailWithState
    }

    /// RFC 9110 §11.6.1: a 401 says how to authenticate.
    private func challenge(_ status: Status) -> [(name: String, value: String)] {
        status.code == 401
            ? [("WWW-Authenticate", #"Basic realm="obie", charset="UTF-8""#)] : []
    }

    /// How long a client should wait before it tries again, in seconds.
    private static let retryAfterSeconds = 1

    private func appendFaults(
        _ faults: [Fault], _ extra: [(name: String, value: String)], _ context: ReplyContext,
        to output: inout [UInt8]
    ) -> [SealedIdentifier] {
        guard let first = faults.first else { preconditionFailure("an error says at least one") }
        var fields = jsonFields + extra + challenge(first.code.status)
        if first.code == .contentEncodingUnsupported {
            // RFC 9110 §15.5.16.
            fields.append(("Accept-Encoding", "identity"))
        }
        if first.code.status.code == 503 {
            fields.append(("Retry-After", "\(Replies.retryAfterSeconds)"))
        }
        content.append(contentsOf: #"{"errors":["#.utf8)
        let ids = faults.map { _ in drawID() }
        for (index, fault) in faults.enumerated() {
            if index > 0 { content.append(UInt8(ascii: ",")) }
            content.append(contentsOf: #"{"id":""#.utf8)
            ids[index].appendToken(to: &content)
            content.append(contentsOf: #"","code":""#.utf8)
            content.append(contentsOf: fault.code.rawValue.utf8)
            content.append(contentsOf: #"","title":"#.utf8)
            JSONWriter.appendString(fault.title, to: &content)
            content.append(contentsOf: #","link":"#.utf8)
            JSONWriter.appendString("\(publicURL)/errors#\(fault.code.rawValue)", to: &content)
            content.append(UInt8(ascii: "}"))
        }
        content.append(contentsOf: "]}".utf8)
        finish(ResponseEncoder.head(first.code.status, fields), context, to: &output)
        return ids
    }

    /// The head, what depends on the request, and `content`.
    private func finish(
        _ head: [UInt8], _ context: borrowing ReplyContext, to output: inout [UInt8]
    ) {
        output.append(contentsOf: head)
        appendFields(context, to: &output)
        ResponseEncoder.endHead(contentLength: content.count, into: &output)
        // An answer to HEAD has the fields of one to GET, and no content (RFC 9110 §9.3.2).
        if !context.isHead { output.append(contentsOf: content) }
    }

    // These stand behind the request id.
    private static let closeField = [UInt8]("\r\nConnection: close".utf8)
    private static let endOfLine = [UInt8]("\r\n".utf8)

    /// What depends on the request.
    private func appendFields(_ context: borrowing ReplyContext, to output: inout [UInt8]) {
        appendRequestID(context, to: &output)
        output.append(contentsOf: context.keepsAlive ? keptFields : Replies.closeField)
        if let interactionID = context.interactionID {
            output.append(contentsOf: TokenAnswer.interactionIDField)
            interactionID.append(to: &output)
        }
        output.append(contentsOf: Replies.endOfLine)
    }

    private func appendRequestID(_ context: borrowing ReplyContext, to output: inout [UInt8]) {
        output.append(contentsOf: TokenAnswer.requestIDField)
        if context.hasGivenID {
            output.append(contentsOf: givenID)
        } else {
            context.drawnID.appendCode(to: &output)
        }
    }
}
