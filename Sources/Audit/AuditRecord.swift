// One line of the log as a value: an event, or what the log has to say of itself. Pure; its place in
// the chain is AuditChain's.

import Bytes
import Crypto
import System
import Tokens

/// What becomes a line. Its texts are cut to the limits below when it is made, so a queue of records
/// is bounded in bytes too.
struct AuditRecord: Sendable {
    enum Content: Sendable {
        case event(AuditEvent)
        /// So many events came and could not be written.
        case eventsDropped(count: Int)
        /// So many bytes of an unfinished line were cut off the end of the file.
        case tailRepaired(bytes: Int)
        /// The first line of a file that goes on where another, which was moved away, ends.
        case logContinued
    }

    let at: Milliseconds
    let content: Content

    /// A text that a client chose.
    static let textBytesMax = 512
    /// What a change was.
    static let changeBytesMax = 4096
    static let errorsMax = 32
    static let errorCodeBytesMax = 64
    /// No line is longer, its end included. Readers need no more memory than this for a line.
    static let lineBytesMax = 128 * 1024

    init(_ event: AuditEvent) {
        at = event.at
        content = .event(AuditRecord.fits(event) ? event : AuditRecord.bounded(event))
    }

    private init(at: Milliseconds, content: Content) {
        self.at = at
        self.content = content
    }

    static func eventsDropped(_ count: Int, at: Milliseconds) -> AuditRecord {
        AuditRecord(at: at, content: .eventsDropped(count: count))
    }

    static func tailRepaired(bytes: Int, at: Milliseconds) -> AuditRecord {
        AuditRecord(at: at, content: .tailRepaired(bytes: bytes))
    }

    static func logContinued(at: Milliseconds) -> AuditRecord {
        AuditRecord(at: at, content: .logContinued)
    }

    static let droppedName = "events_dropped"
    static let repairedName = "tail_repaired"
    static let continuedName = "log_continued"

    /// How every line begins.
    static let opening = Array(#"{"time":""#.utf8)

    /// Appends the line up to the member that chains it.
    func appendMembers(to output: inout [UInt8]) {
        output.append(contentsOf: AuditRecord.opening)
        Timestamp.append(at, to: &output)
        output.append(UInt8(ascii: "\""))
        switch content {
        case .event(let event):
            AuditRecord.append("event", event.kind.rawValue, to: &output)
            AuditRecord.append(event, to: &output)
        case .eventsDropped(let count):
            AuditRecord.append("event", AuditRecord.droppedName, to: &output)
            AuditRecord.append("count", count, to: &output)
        case .tailRepaired(let bytes):
            AuditRecord.append("event", AuditRecord.repairedName, to: &output)
            AuditRecord.append("bytes", bytes, to: &output)
        case .logContinued:
            AuditRecord.append("event", AuditRecord.continuedName, to: &output)
        }
    }

    private static func append(_ event: AuditEvent, to output: inout [UInt8]) {
        if !event.errors.isEmpty { append(event.errors, to: &output) }
        append("reason", event.reason, to: &output)
        append("redirect_uri", event.redirectURI.map(AuditText.masked), to: &output)
        append("code_redirect_uri", event.codeRedirectURI, to: &output)
        append("client", event.clientID, to: &output)
        append("peer", AddressText.text(event.peer), to: &output)
        append("fi", event.institution, to: &output)
        append("psp", event.provider, to: &output)
        append("consent", event.consentID, to: &output)
        append("code", event.code.map(TokenReference.identifier), to: &output)
        append("token", event.token, to: &output)
        append("scope", event.scope?.name, to: &output)
        append("certificate", event.certificate?.description, to: &output)
        append("transaction_reference", event.transactionReference, to: &output)
        append("interaction_id", event.interactionID, to: &output)
        append("request_id", event.requestID?.text, to: &output)
        append("trace_id", event.traceID, to: &output)
        append("change", event.change, to: &output)
        for detail in event.details { append(detail.name, detail.value, to: &output) }
        append("actor", event.actor, to: &output)
    }

    private static func append(
        _ errors: [(id: SealedIdentifier, code: String)], to output: inout [UInt8]
    ) {
        output.append(contentsOf: #","errors":["#.utf8)
        for (index, error) in errors.enumerated() {
            output.append(contentsOf: (index == 0 ? #"{"id":""# : #",{"id":""#).utf8)
            error.id.appendToken(to: &output)
            output.append(contentsOf: #"","code":"#.utf8)
            AuditText.appendString(error.code, to: &output)
            output.append(UInt8(ascii: "}"))
        }
        output.append(UInt8(ascii: "]"))
    }

    private static func append(_ name: String, _ text: String?, to output: inout [UInt8]) {
        guard let text else { return }
        appendName(name, to: &output)
        AuditText.appendString(text, to: &output)
    }

    private static func append(_ name: String, _ number: Int, to output: inout [UInt8]) {
        appendName(name, to: &output)
        output.append(contentsOf: String(number).utf8)
    }

    private static let digestBytes = 8

    /// The first bytes of the digest that a store on disk keeps, so that lines and rows can be
    /// matched. Short, and of what is never sent: it says nothing about the code or token.
    private static func append(
        _ name: String, _ reference: TokenReference?, to output: inout [UInt8]
    ) {
        guard let reference else { return }
        appendName(name, to: &output)
        output.append(UInt8(ascii: "\""))
        let digest =
            switch reference {
            case .identifier(let id): SHA256.hash(id.bytes.span)
            case .digest(let digest): digest
            }
        Hexadecimal.append(digest.prefix(digestBytes), to: &output)
        output.append(UInt8(ascii: "\""))
    }

    private static func appendName(_ name: String, to output: inout [UInt8]) {
        output.append(contentsOf: #",""#.utf8)
        output.append(contentsOf: name.utf8)
        output.append(contentsOf: #"":"#.utf8)
    }
}

extension AuditRecord {
    /// True where nothing needs cutting: looks at lengths only.
    private static func fits(_ event: AuditEvent) -> Bool {
        func fits(_ text: String?, _ bytesMax: Int = textBytesMax) -> Bool {
            (text?.utf8.count ?? 0) <= bytesMax
        }
        return fits(event.reason) && fits(event.clientID) && fits(event.institution)
            && fits(event.provider) && fits(event.consentID) && fits(event.transactionReference)
            && fits(event.interactionID) && fits(event.redirectURI) && fits(event.codeRedirectURI)
            && fits(event.change, changeBytesMax) && fits(event.actor)
            && event.details.allSatisfy { fits($0.value) } && event.errors.count <= errorsMax
            && event.errors.allSatisfy { fits($0.code, errorCodeBytesMax) }
    }

    private static func bounded(_ event: AuditEvent) -> AuditEvent {
        func cut(_ text: String?, _ bytesMax: Int = textBytesMax) -> String? {
            text.map { AuditText.bounded($0, bytesMax: bytesMax) }
        }
        var event = event
        event.reason = cut(event.reason)
        event.clientID = cut(event.clientID)
        event.institution = cut(event.institution)
        event.provider = cut(event.provider)
        event.consentID = cut(event.consentID)
        event.transactionReference = cut(event.transactionReference)
        event.interactionID = cut(event.interactionID)
        event.redirectURI = cut(event.redirectURI)
        event.codeRedirectURI = cut(event.codeRedirectURI)
        event.change = cut(event.change, changeBytesMax)
        event.actor = cut(event.actor)
        event.details = event.details.map {
            ($0.name, AuditText.bounded($0.value, bytesMax: textBytesMax))
        }
        event.errors = event.errors.prefix(errorsMax).map {
            ($0.id, AuditText.bounded($0.code, bytesMax: errorCodeBytesMax))
        }
        return event
    }
}
