// obie-tokens fi …: the institutions, and the clients that act for them.

import ArgumentParser
import Audit
import System
import Tokens

struct Institutions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fi",
        abstract: "The institutions (FIs), and the clients that act for them.",
        discussion: """
            Works on the registry beside the store, with or without a server running. Where one is, \
            a command returns when the server's next request sees the change.

            Exit status: 0, 1 where you said no, 64 for a wrong option, 65 for what cannot be done, \
            71 where the registry cannot be read or written.
            """,
        subcommands: [
            Add.self, List.self, Show.self, Disable.self, Enable.self, RotateSecret.self,
            Remove.self,
        ])
}

/// The institution that a command is about.
struct InstitutionArgument: ParsableArguments {
    @Argument(help: "Its reference, such as PSDGB-FCA-111111.")
    var reference: String

    func set(isDisabled: Bool, _ store: StoreOption) throws {
        let state = isDisabled ? "disabled" : "enabled"
        try RegistryEditor(store).change("institution \(reference) \(state)") { content in
            try content.setInstitution(reference, isDisabled: isDisabled)
        }
        Program.log("\(reference) is \(state)")
    }
}

extension Record {
    init(_ institution: InstitutionRecord, _ content: RegistryContent, now: Milliseconds) {
        let clients = content.clients(of: institution.id)
        let rotating = clients.filter { $0.oldSecret.map { $0.until > now } ?? false }
        self.init([
            "institution": .text(institution.reference),
            "enabled": .truth(!institution.isDisabled),
            "clients": .list(clients.map(\.id)),
            "clients_with_two_secrets": .list(rotating.map(\.id)),
            "revoked_until": .text(institution.revokedUntil.map(Timestamp.text)),
        ])
    }
}

/// A secret that the program makes: 256 random bits, shown once, kept as a digest.
struct NewSecret {
    let text: String
    var digest: SecretDigest { SecretDigest(of: Array(text.utf8)) }

    init() {
        var bytes = [UInt8](repeating: 0, count: 32)
        SystemRandom.fill(&bytes)
        let digits = Array("0123456789abcdef")
        text = String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}

extension Institutions {
    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds an institution, and makes credentials for it.",
            discussion: """
                The client's secret is made here and printed this once. A client that is there \
                already may from now on act for this institution too, with the secret that it has.
                """)

        @OptionGroup var institution: InstitutionArgument

        @Option(
            help: ArgumentHelp(
                "The client that acts for it. (default: the reference)", valueName: "id"))
        var client: String?

        @OptionGroup var store: StoreOption
        @OptionGroup var output: OutputOption

        func run() throws {
            let (reference, secret) = (institution.reference, NewSecret())
            let clientID = client ?? reference
            let isNew = try RegistryEditor(store, makes: true).change(
                "institution \(reference) added, client \(clientID)"
            ) { content in
                try content.addInstitution(reference, clientID: clientID, secret: secret.digest)
            }
            output.print(
                Record([
                    "institution": .text(reference), "client_id": .text(clientID),
                    "client_secret": .text(isNew ? secret.text : nil),
                ]))
            Program.log(
                isNew
                    ? "keep the secret: it is not shown again"
                    : "the client \(clientID) may act for it, with the secret that it has")
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the institutions.")

        @OptionGroup var store: StoreOption
        @OptionGroup var output: OutputOption

        func run() throws {
            let content = try RegistryEditor(store).load()
            let sorted = content.institutions.values.sorted { $0.reference < $1.reference }
            let now = Clock.wallMilliseconds()
            output.print(sorted.map { Record($0, content, now: now) })
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows an institution.")

        @OptionGroup var institution: InstitutionArgument
        @OptionGroup var store: StoreOption
        @OptionGroup var output: OutputOption

        func run() throws {
            let (record, content) = try RegistryEditor(store).read { content in
                (try content.institution(institution.reference), content)
            }
            output.print(Record(record, content, now: Clock.wallMilliseconds()))
        }
    }

    struct Disable: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Refuses its requests and hides its tokens until it is enabled again.")

        @OptionGroup var institution: InstitutionArgument
        @OptionGroup var store: StoreOption

        func run() throws {
            try institution.set(isDisabled: true, store)
        }
    }

    struct Enable: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes its requests again; its tokens are alive again.")

        @OptionGroup var institution: InstitutionArgument
        @OptionGroup var store: StoreOption

        func run() throws {
            try institution.set(isDisabled: false, store)
        }
    }

    struct RotateSecret: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-secret",
            abstract: "Makes a new secret for the client; the old one stays valid for a while.",
            discussion: "At most two secrets are valid: a third makes the first one void at once.")

        @OptionGroup var institution: InstitutionArgument

        @Option(
            help: ArgumentHelp(
                "The client, where several act for the institution.", valueName: "id"))
        var client: String?

        @Option(
            help: ArgumentHelp(
                "How long the old secret is still taken: 0 to 31536000 seconds. (default: 86400, "
                    + "a day)", valueName: "seconds"),
            transform: { try OptionValue.number($0, 0...31_536_000) })
        var keepOld: Int64 = 86_400

        @OptionGroup var store: StoreOption
        @OptionGroup var output: OutputOption

        func run() throws {
            let secret = NewSecret()
            let now = Clock.wallMilliseconds()
            let until = now + keepOld * 1000
            let clientID = try RegistryEditor(store).change(
                "new secret for a client of \(institution.reference)"
            ) { content in
                try content.rotateSecret(
                    institution.reference, clientID: client, secret: secret.digest,
                    oldUntil: until, now: now)
            }
            output.print(
                Record([
                    "client_id": .text(clientID), "client_secret": .text(secret.text),
                    "old_secret_until": .text(Timestamp.text(until)),
                ]))
            Program.log("keep the secret: it is not shown again")
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes an institution, and the clients that act for no other.",
            discussion: "Its codes and tokens are worthless from then on, for good.")

        @OptionGroup var institution: InstitutionArgument
        @OptionGroup var confirmation: ConfirmationOption
        @OptionGroup var store: StoreOption

        func run() throws {
            let editor = try RegistryEditor(store)
            _ = try editor.read { try $0.institution(institution.reference) }
            try confirmation.confirm("Remove \(institution.reference) and void all its tokens?")
            try editor.change("institution \(institution.reference) removed") {
                try $0.removeInstitution(institution.reference)
            }
            Program.log("\(institution.reference) is removed")
        }
    }
}
