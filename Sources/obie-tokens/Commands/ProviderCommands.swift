// obie-tokens psp …: the providers, what they are authorised for, and their redirect URIs.

import ArgumentParser
import System
import Tokens

struct Providers: ParsableCommand, RegistryKind {
    static let configuration = describe(
        "psp",
        "Manages the providers (PSPs), what they are authorised for, and their redirect URIs.",
        [
            Add.self, Change.self, Import.self, ListThem.self, ShowOne.self,
            Disable<Providers>.self, Enable<Providers>.self, AddRedirectURI.self,
            RemoveRedirectURI.self, Remove<Providers>.self,
        ])

    static let noun = "provider"
    static let exampleReference = "PSDGB-FCA-222222"
    static let disableAbstract =
        "Refuses requests about it and hides its tokens until it is enabled again."
    static let enableAbstract = "Takes requests about it again; its tokens are alive again."
    static let removeAbstract = "Removes a provider."

    static func list(_ content: RegistryContent, now: Milliseconds) -> [Record] {
        list(content, status: nil)
    }

    fileprivate static func list(
        _ content: RegistryContent, status: Authorisation.Status?
    ) -> [Record] {
        content.providers.values
            .filter { status == nil || $0.authorisation.status == status }
            .sorted { $0.reference < $1.reference }.map(\.record)
    }

    static func show(
        _ reference: String, _ content: RegistryContent, now: Milliseconds
    ) throws -> Record {
        try content.provider(reference).record
    }

    static func set(
        _ reference: String, isDisabled: Bool, in content: inout RegistryContent
    ) throws {
        try content.setProvider(reference, isDisabled: isDisabled)
    }

    static func remove(_ reference: String, from content: inout RegistryContent) throws {
        try content.removeProvider(reference)
    }

    static func line(_ text: String, about reference: String) -> ChangeLine {
        ChangeLine(text, provider: reference)
    }
}

extension Providers {
    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds a provider.",
            discussion: """
                Where nothing else is said it is authorised, for all services.

                A redirect URI is https, or a private-use scheme that is a domain name in reverse, such as \
                com.example.app:/callback (RFC 8252). In production http is taken for the machine itself \
                only.
                """)

        @OptionGroup var entry: ReferenceArgument<Providers>

        @Option(
            name: .customLong("redirect-uri"),
            help: ArgumentHelp(
                "A URI that codes may be sent to, exactly as requests will give it. May be "
                    + "repeated.", valueName: "uri"))
        var redirectURIs: [String] = []

        @OptionGroup var options: TermsOptions
        @OptionGroup var http: PlainHTTPOption
        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

        func run() throws {
            let reference = entry.reference
            let editor = try RegistryEditor(flags, makes: true)
            let words = (["provider \(reference) added"] + options.words).joined(separator: ", ")
            var record: ProviderRecord?
            let outcome = try editor.change(Providers.line(words, about: reference)) {
                try $0.addProvider(
                    reference, redirectURIs: redirectURIs, options.terms,
                    allowsPlainText: http.allowsPlainText)
                record = try $0.provider(reference)
            }
            guard let record else { return }
            try output.report("\(reference) is added", record.record, outcome)
        }
    }

    struct Change: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Changes what a provider is authorised for, and its name.",
            discussion: """
                What is not named stays as it is. A provider that is withdrawn, or is not authorised for \
                the scope of a code or token, gets psp_not_authorised, and codes stay unspent; its tokens \
                are inactive, and active again when it is authorised again. To void them for good use \
                `obie-tokens tokens revoke --psp`.
                """)

        @OptionGroup var entry: ReferenceArgument<Providers>
        @OptionGroup var options: TermsOptions
        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

        func validate() throws {
            guard options.terms != ProviderTerms() else {
                throw ValidationError("say what is to change: --status, --services or --name")
            }
        }

        func run() throws {
            let reference = entry.reference
            let words = options.words.joined(separator: ", ")
            var record: ProviderRecord?
            let line = Providers.line("provider \(reference) set: \(words)", about: reference)
            let outcome = try RegistryEditor(flags).change(line) {
                try $0.setProvider(reference, options.terms)
                record = try $0.provider(reference)
            }
            guard let record else { return }
            try output.report("\(reference) has \(words)", record.record, outcome)
        }
    }

    struct ListThem: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Lists the providers.")

        @Option(help: ArgumentHelp("Only those: authorised or withdrawn.", valueName: "status"))
        var status: Authorisation.Status?
        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

        func run() throws {
            try output.print(
                try RegistryEditor(flags).read { Providers.list($0, status: status) })
        }
    }

    struct ShowOne: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Shows one provider.",
            discussion: """
                Warns of redirect URIs that would not be registered today. They go on working.
                """)

        @OptionGroup var entry: ReferenceArgument<Providers>
        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

        func run() throws {
            let (provider, mode) = try RegistryEditor(flags).read {
                (try $0.provider(entry.reference), $0.mode)
            }
            try output.print(provider.record)
            for warning in provider.warnings(mode) { Program.log("warning: \(warning)") }
        }
    }

    struct AddRedirectURI: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add-redirect-uri", abstract: "Registers a redirect URI.")

        @OptionGroup var entry: ReferenceArgument<Providers>
        @Argument(help: "An absolute URI without a fragment, exactly as requests will give it.")
        var uri: String
        @OptionGroup var http: PlainHTTPOption
        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

        func run() throws {
            let reference = entry.reference
            let editor = try RegistryEditor(flags)
            let line = Providers.line(
                "redirect URI \(uri) added to \(reference)", about: reference)
            let outcome = try editor.change(line) {
                try $0.addRedirectURI(uri, to: reference, allowsPlainText: http.allowsPlainText)
            }
            try output.report(
                "codes for \(reference) may be sent to \(uri)",
                Record(["provider": .text(reference), "redirect_uri": .text(uri)]), outcome)
        }
    }

    struct RemoveRedirectURI: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove-redirect-uri",
            abstract: "Removes a redirect URI. Codes that are bound to it cannot be exchanged.")

        @OptionGroup var entry: ReferenceArgument<Providers>
        @Argument(help: "The URI, byte for byte.")
        var uri: String
        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

        func run() throws {
            let reference = entry.reference
            let editor = try RegistryEditor(flags)
            let line = Providers.line(
                "redirect URI \(uri) removed from \(reference)", about: reference)
            let outcome = try editor.change(line) {
                try $0.removeRedirectURI(uri, from: reference)
            }
            try output.report(
                "codes for \(reference) may no longer be sent to \(uri)",
                Record(["provider": .text(reference), "redirect_uri": .text(uri)]), outcome)
        }
    }
}
