// obie-tokens fi …: the institutions, and the clients that act for them.

import ArgumentParser
import Bytes
import Crypto
import System
import Tokens

struct Institutions: ParsableCommand, RegistryKind {
    static let configuration = describe(
        "fi", "Manages the institutions (FIs) and the clients that act for them.",
        [
            Add.self, List<Institutions>.self, Show<Institutions>.self, Disable<Institutions>.self,
            Enable<Institutions>.self, AddClient.self, RemoveClient.self, SetClient.self,
            RotateSecret.self,
            Remove<Institutions>.self,
        ])

    static let noun = "institution"
    static let exampleReference = "PSDGB-FCA-111111"
    static let disableAbstract =
        "Refuses its requests and hides its tokens until it is enabled again."
    static let enableAbstract = "Takes its requests again; its tokens are alive again."
    static let removeAbstract = "Removes an institution, and the clients that act for no other."

    static func list(_ content: RegistryContent, now: Milliseconds) -> [Record] {
        content.institutions.values.sorted { $0.reference < $1.reference }
            .map { record($0, content, now: now) }
    }

    static func show(
        _ reference: String, _ content: RegistryContent, now: Milliseconds
    ) throws -> Record {
        record(try content.institution(reference), content, now: now)
    }

    static func set(
        _ reference: String, isDisabled: Bool, in content: inout RegistryContent
    ) throws {
        try content.setInstitution(reference, isDisabled: isDisabled)
    }

    static func remove(_ reference: String, from content: inout RegistryContent) throws {
        try content.removeInstitution(reference)
    }

    static func line(_ text: String, about reference: String) -> ChangeLine {
        ChangeLine(text, institution: reference)
    }

    private static func record(
        _ institution: InstitutionRecord, _ content: RegistryContent, now: Milliseconds
    ) -> Record {
        let clients = content.clients(of: institution.id)
        let rotating = clients.filter { $0.oldSecret.map { $0.until > now } ?? false }
        return Record([
            "institution": .text(institution.reference),
            "enabled": .truth(!institution.isDisabled),
            "clients": .list(clients.map(\.id)),
            "clients_with_two_secrets": .list(rotating.map(\.id)),
            "client_certificates": .list(
                clients.compactMap { client in
                    client.certificate.map { "\(client.id): \($0.text)" }
                }),
            "revoked_until": .text(institution.revokedUntil.map(Timestamp.text)),
        ])
    }
}

/// A secret that the program makes: 256 random bits, shown once, kept as a digest.
struct NewSecret {
    let text: String
    var digest: SecretDigest { SecretDigest(of: Array(text.utf8), OpenSSL()) }

    init() {
        var bytes = [UInt8](repeating: 0, count: 32)
        SystemRandom.fill(&bytes)
        text = Hexadecimal.text(bytes)
    }
}

extension Institutions {
    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds an institution, and makes credentials for it.",
            discussion: """
                The command makes the client's secret and prints it this once. Nothing changes where \
                it cannot be printed. A client that exists already may from now on act for this \
                institution too, with the secret that it has. To let a second client act for an \
                institution that there is use `obie-tokens fi add-client`.
                """)

        @OptionGroup var entry: ReferenceArgument<Institutions>

        @Option(
            help: ArgumentHelp(
                "The client that acts for it. (default: the reference)", valueName: "id"))
        var client: String?

        @OptionGroup var certificate: CertificateOptions
        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

        func run() throws {
            let (reference, secret) = (entry.reference, NewSecret())
            let clientID = client ?? reference
            let change = try certificate.change()
            let words = ["institution \(reference) added", "client \(clientID)", change.words]
            let line = ChangeLine(
                words.compactMap { $0 }.joined(separator: ", "), institution: reference,
                client: clientID)
            let (isNew, outcome) = try RegistryEditor(flags, makes: true).change(line) { content in
                let isNew = try content.addInstitution(
                    reference, clientID: clientID, secret: secret.digest)
                if case .rule(let rule) = change {
                    _ = try content.setCertificate(rule, of: clientID, institution: reference)
                }
                return isNew
            } print: { isNew in
                try output.begin(
                    Record([
                        "institution": .text(reference), "client_id": .text(clientID),
                        "client_secret": .text(isNew ? secret.text : nil),
                    ]))
            }
            try output.end(outcome)
            try outcome.tell(
                isNew
                    ? "keep the secret: it is not shown again"
                    : "the client \(clientID) may act for it, with the secret that it has")
        }
    }

    struct RotateSecret: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-secret",
            abstract: "Makes a new secret for the client; the old one stays valid for a while.",
            discussion: """
                At most two secrets are valid. A third makes the first one void at once. Nothing \
                changes where the new one cannot be printed.
                """)

        @OptionGroup var entry: ReferenceArgument<Institutions>

        @Option(
            help: ArgumentHelp(
                "The client, if several act for the institution.", valueName: "id"))
        var client: String?

        @Option(
            help: ArgumentHelp(
                "How long the old secret stays valid: 0 to 31536000 seconds. (default: 86400, a "
                    + "day)", valueName: "seconds"),
            transform: { try SettingValue.seconds(0...31_536_000)($0) })
        var keepOld: Int64 = 86_400

        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

        func run() throws {
            let secret = NewSecret()
            let editor = try RegistryEditor(flags)
            let now = try editor.now()
            let until = now + keepOld * 1000
            let (_, outcome) = try editor.change({ clientID in
                [
                    ChangeLine(
                        "new secret for the client \(clientID) of \(entry.reference)",
                        institution: entry.reference, client: clientID)
                ]
            }) { content in
                try content.rotateSecret(
                    entry.reference, clientID: client, secret: secret.digest, oldUntil: until,
                    now: now)
            } print: { clientID in
                try output.begin(
                    Record([
                        "client_id": .text(clientID), "client_secret": .text(secret.text),
                        "old_secret_until": .text(Timestamp.text(until)),
                    ]))
            }
            try output.end(outcome)
            try outcome.tell("keep the secret: it is not shown again")
        }
    }
}
