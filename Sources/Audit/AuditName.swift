// The name of somebody whom a line may be about.

import Tokens

/// Of an institution, a provider or a client.
struct AuditName {
    /// The member that has it, byte for byte.
    let needle: [UInt8]
    /// The name as it stands in a line, escaped.
    private let text: String

    init(_ text: String, member: String) {
        var quoted: [UInt8] = []
        AuditText.appendString(text, to: &quoted)
        needle = Array(",\"\(member)\":".utf8) + quoted
        self.text = String(decoding: quoted.dropFirst().dropLast(), as: UTF8.self)
    }

    /// Whether a change that a command wrote down is about it, by its words alone: 0.7.0 wrote no members
    /// for that, and an import has none for the providers that it names.
    func isNamed(inChangeOf line: AuditLine) -> Bool {
        guard line["event"] == AuditEvent.Kind.registryChanged.rawValue,
            line["fi"] == nil, line["psp"] == nil, line["client"] == nil,
            let change = line["change"]
        else { return false }
        return change.split(separator: " ").contains { word in
            word == text || word.last.map { ",:;".contains($0) } == true && word.dropLast() == text
        }
    }
}
