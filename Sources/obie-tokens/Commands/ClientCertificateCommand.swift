// obie-tokens fi set …: which certificate a client must show.

import ArgumentParser
import System
import Tokens

extension Institutions {
    struct SetClient: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Says which certificate a client must show beside its secret (RFC 8705).",
            discussion: """
                From then on its requests need both. The certificate comes from the handshake, or from a \
                proxy that client-certificate-header trusts.
                """)

        @OptionGroup var entry: ReferenceArgument<Institutions>

        @Option(
            help: ArgumentHelp(
                "The client, if several act for the institution.", valueName: "id"))
        var client: String?

        @OptionGroup var certificate: CertificateOptions
        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

        func validate() throws {
            guard certificate.certificate != nil else {
                throw ValidationError("say what is to change: --certificate")
            }
        }

        func run() throws {
            let reference = entry.reference
            let editor = try RegistryEditor(flags)
            let change = try certificate.change()
            guard case .rule(let rule) = change, let words = change.words else { return }
            let (clientID, outcome) = try editor.change(
                { (id: String) in
                    [
                        ChangeLine(
                            "client \(id) of \(reference) set: \(words)", institution: reference,
                            client: id)
                    ]
                }
            ) { content in
                try content.setCertificate(rule, of: client, institution: reference)
            }
            try output.report(
                "the client \(clientID) has \(words)",
                Record([
                    "institution": .text(reference), "client_id": .text(clientID),
                    "certificate": .text(rule?.text),
                ]), outcome)
        }
    }
}
