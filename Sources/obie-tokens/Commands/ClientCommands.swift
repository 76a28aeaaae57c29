// obie-tokens fi add-client, fi remove-client: several clients for one institution.

import ArgumentParser
import Tokens

/// The client that a command is about.
struct ClientArgument: ParsableArguments {
    @Argument(help: "The client's id, such as gateway.")
    var client: String
}

extension Institutions {
    struct AddClient: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add-client",
            abstract: "Lets one more client act for an institution, such as its gateway.",
            discussion: """
                The command makes the client's secret and prints it this once. Nothing changes where \
                it cannot be printed. A client that exists already keeps the secret that it has. All \
                clients of an institution may do the same: each makes codes, exchanges them, and looks up and \
                revokes the tokens of the others. An exchange is repeated by the client that made it only.
                """)

        @OptionGroup var entry: ReferenceArgument<Institutions>
        @OptionGroup var one: ClientArgument
        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

        func run() throws {
            let (reference, id, secret) = (entry.reference, one.client, NewSecret())
            let line = ChangeLine(
                "client \(id) added to the institution \(reference)", institution: reference,
                client: id)
            let (isNew, outcome) = try RegistryEditor(flags).change(line) { content in
                try content.addClient(id, to: reference, secret: secret.digest)
            } print: { isNew in
                try output.begin(
                    Record([
                        "institution": .text(reference), "client_id": .text(id),
                        "client_secret": .text(isNew ? secret.text : nil),
                    ]))
            }
            try output.end(outcome)
            try outcome.tell(
                isNew
                    ? "keep the secret: it is not shown again"
                    : "the client \(id) may act for it, with the secret that it has")
        }
    }

    struct RemoveClient: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove-client",
            abstract: "Lets a client no longer act for an institution.",
            discussion: """
                A client that acts for no other is gone, with its secret. What was issued stays valid. The \
                last client stays: remove or disable the institution instead.
                """)

        @OptionGroup var entry: ReferenceArgument<Institutions>
        @OptionGroup var one: ClientArgument
        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

        func run() throws {
            let (reference, id) = (entry.reference, one.client)
            let line = ChangeLine(
                "client \(id) removed from the institution \(reference)", institution: reference,
                client: id)
            let outcome = try RegistryEditor(flags).change(line) {
                try $0.removeClient(id, from: reference)
            }
            try output.report(
                "\(id) no longer acts for \(reference)",
                Record(["institution": .text(reference), "client_id": .text(id)]), outcome)
        }
    }
}
