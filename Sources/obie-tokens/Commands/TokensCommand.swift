// obie-tokens tokens revoke: the kill switches.

import ArgumentParser
import Audit
import System
import Tokens

struct TokensCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens", abstract: "Revokes what has been issued.", subcommands: [Revoke.self]
    )

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revokes everything of an institution, a provider or a consent at once.",
            discussion: """
                All access tokens, CCG tokens and codes that were issued until now are void from \
                the server's next request on. What the server issues afterwards is valid. To stop \
                that too, disable the institution or the provider first.

                \(ChangeOutcome.help)

                With --json "revoked_until" is when the last of what is revoked can have been issued: \
                the time of the newest code or token in the store; null where nothing was issued yet.

                Exit status: 0; 1 if you said no; 64 for a wrong option; 65 for what is not \
                registered; 66 if there is no such store, or no server has used it yet; 71 if the registry cannot be read or \
                written; 74 if the audit log takes nothing, and then nothing has changed; 75 for a \
                revocation that is late.
                """)

        @Option(help: ArgumentHelp("Of this institution.", valueName: "reference"))
        var fi: String?
        @Option(help: ArgumentHelp("Of this provider.", valueName: "reference"))
        var psp: String?
        @Option(
            help: ArgumentHelp(
                "Of this consent. Two institutions may use the same id: with --fi it means the "
                    + "consent given there.", valueName: "id"))
        var consent: String?
        @OptionGroup var confirmation: ConfirmationOption
        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

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

        private func revoke(
            in content: inout RegistryContent, until now: Milliseconds
        ) throws(RegistryError) {
            if let consent {
                try content.revokeAll(ofConsent: consent, institution: fi, now: now)
            } else if let fi {
                try content.revokeAll(ofInstitution: fi, now: now)
            } else if let psp {
                try content.revokeAll(ofProvider: psp, now: now)
            }
        }

        func run() throws {
            let editor = try RegistryEditor(flags)
            // Nobody is asked about what is not there.
            try editor.read { content in
                var copy = content
                try revoke(in: &copy, until: 0)
            }
            try confirmation.confirm("Revoke everything issued for \(subject) until now?")
            let newest = try editor.momentOfRevocation()
            let line = ChangeLine(
                "everything issued for \(subject) revoked", institution: fi, provider: psp,
                consent: consent)
            let outcome = try editor.change(line) {
                if newest > 0 { try revoke(in: &$0, until: newest) }
            }
            let until = newest > 0 ? Timestamp.text(newest) : nil
            try output.report(
                until.map {
                    "revoked everything issued for \(subject) until now; the last code or token in the store "
                        + "was issued at \($0)"
                } ?? "nothing has been issued yet, so there was nothing to revoke for \(subject)",
                Record([
                    "institution": .text(fi), "provider": .text(psp), "consent": .text(consent),
                    "revoked_until": .text(until),
                ]), outcome)
        }
    }
}
