// What a command has done, as a line of the audit log has it.

import Audit
import Tokens

/// What stands for one line: its words, or words and whom they are about.
protocol ChangeWords {
    var line: ChangeLine { get }
}

/// A change in words, and whom it is about, so that `audit find` has it by their names.
struct ChangeLine: ChangeWords {
    var text: String
    var institution: String?
    var provider: String?
    var client: String?
    var consent: String?

    init(
        _ text: String, institution: String? = nil, provider: String? = nil,
        client: String? = nil, consent: String? = nil
    ) {
        self.text = text
        self.institution = institution
        self.provider = provider
        self.client = client
        self.consent = consent
    }

    var line: ChangeLine { self }

    /// The same change, of which something else has to be said first.
    func saying(_ before: String) -> ChangeLine {
        var line = self
        line.text = "\(before): \(text)"
        return line
    }

    func event(_ kind: AuditEvent.Kind, at now: Milliseconds, by actor: String) -> AuditEvent {
        var event = AuditEvent(kind, at: now)
        event.change = text
        event.institution = institution
        event.provider = provider
        event.clientID = client
        event.consentID = consent
        event.actor = actor
        return event
    }
}

extension String: ChangeWords {
    var line: ChangeLine { ChangeLine(self) }
}
