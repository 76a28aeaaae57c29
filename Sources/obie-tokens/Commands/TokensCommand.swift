// obie-tokens tokens revoke: kill switches.

import ArgumentParser
import Audit
import System
import Tokens

struct TokensCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens", abstract: "What has been issued.", subcommands: [Revoke.self])

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revokes everything of an institution, a provider or a consent at once.",
            discussion: """
                Access tokens, CCG tokens and codes that have been issued until now are void from \
                the server's next request on, however many there are. What is issued afterwards is \
                valid: to stop that too, disable the institution or provider first.
                """)

        @Option(help: ArgumentHelp("Of this institution.", valueName: "reference"))
        var fi: String?
        @Option(help: ArgumentHelp("Of this provider.", valueName: "reference"))
        var psp: String?
        @Option(
            help: ArgumentHelp(
                "Of this consent; with --fi of the one given there, as two institutions may use "
                    + "the same id.", valueName: "id"))
        var consent: String?
        @OptionGroup var confirmation: ConfirmationOption
        @OptionGroup var store: StoreOption

        func validate() throws {
            guard psp == nil ? fi != nil || consent != nil : fi == nil && consent == nil else {
                throw ValidationError("say whose: --fi, --psp, --consent, or --consent with --fi")
            }
        }

        private var subject: String {
            switch (consent, fi, psp) {
            case (let consent?, let fi?, _): "the consent \(consent) at \(fi)"
            case (let consent?, nil, _): "the consent \(consent)"
            case (nil, let fi?, _): fi
            case (nil, nil, let psp): psp ?? ""
            }
        }

        func run() throws {
            let editor = try RegistryEditor(store)
            try confirmation.confirm("Revoke everything issued for \(subject) until now?")
            let now = Clock.wallMilliseconds()
            try editor.change("everything issued for \(subject) revoked") { content in
                if let consent {
                    try content.revokeAll(ofConsent: consent, institution: fi, now: now)
                } else if let fi {
                    try content.revokeAll(ofInstitution: fi, now: now)
                } else if let psp {
                    try content.revokeAll(ofProvider: psp, now: now)
                }
            }
            Program.log("revoked everything issued for \(subject) until \(Timestamp.text(now))")
        }
    }
}
