// obie-tokens psp …: the providers and their redirect URIs.

import ArgumentParser
import Audit
import System
import Tokens

struct Providers: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "psp",
        abstract: "The providers (PSPs) and their redirect URIs.",
        discussion: """
            Works on the registry beside the store, with or without a server running. Where one is, \
            a command returns when the server's next request sees the change.

            Exit status: 0, 1 where you said no, 64 for a wrong option, 65 for what cannot be done, \
            71 where the registry cannot be read or written.
            """,
        subcommands: [
            Add.self, List.self, Show.self, Disable.self, Enable.self, AddRedirectURI.self,
            RemoveRedirectURI.self, Remove.self,
        ])
}

/// The provider that a command is about.
struct ProviderArgument: ParsableArguments {
    @Argument(help: "Its reference, such as PSDGB-FCA-222222.")
    var reference: String

    func set(isDisabled: Bool, _ store: StoreOption) throws {
        let state = isDisabled ? "disabled" : "enabled"
        try RegistryEditor(store).change("provider \(reference) \(state)") { content in
            try content.setProvider(reference, isDisabled: isDisabled)
        }
        Program.log("\(reference) is \(state)")
    }
}

extension Record {
    init(_ provider: ProviderRecord) {
        self.init([
            "provider": .text(provider.reference),
            "enabled": .truth(!provider.isDisabled),
            "redirect_uris": .list(provider.redirectURIs.map(\.text)),
            "revoked_until": .text(provider.revokedUntil.map(Timestamp.text)),
        ])
    }
}

extension Providers {
    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Adds a provider.")

        @OptionGroup var provider: ProviderArgument

        @Option(
            name: .customLong("redirect-uri"),
            help: ArgumentHelp(
                "A URI that codes may be sent to, exactly as it will be given. May be repeated.",
                valueName: "uri"))
        var redirectURIs: [String] = []

        @OptionGroup var store: StoreOption

        func run() throws {
            try RegistryEditor(store, makes: true).change(
                "provider \(provider.reference) added"
            ) { content in
                try content.addProvider(provider.reference, redirectURIs: redirectURIs)
            }
            Program.log("\(provider.reference) is added")
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the providers.")

        @OptionGroup var store: StoreOption
        @OptionGroup var output: OutputOption

        func run() throws {
            let content = try RegistryEditor(store).load()
            let sorted = content.providers.values.sorted { $0.reference < $1.reference }
            output.print(sorted.map { Record($0) })
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows a provider.")

        @OptionGroup var provider: ProviderArgument
        @OptionGroup var store: StoreOption
        @OptionGroup var output: OutputOption

        func run() throws {
            output.print(
                Record(try RegistryEditor(store).read { try $0.provider(provider.reference) }))
        }
    }

    struct Disable: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Refuses requests about it and hides its tokens until it is enabled again.")

        @OptionGroup var provider: ProviderArgument
        @OptionGroup var store: StoreOption

        func run() throws {
            try provider.set(isDisabled: true, store)
        }
    }

    struct Enable: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes requests about it again; its tokens are alive again.")

        @OptionGroup var provider: ProviderArgument
        @OptionGroup var store: StoreOption

        func run() throws {
            try provider.set(isDisabled: false, store)
        }
    }

    struct AddRedirectURI: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add-redirect-uri", abstract: "Registers a redirect URI.")

        @OptionGroup var provider: ProviderArgument
        @Argument(help: "An absolute URI without a fragment, exactly as it will be given.")
        var uri: String
        @OptionGroup var store: StoreOption

        func run() throws {
            try RegistryEditor(store).change(
                "redirect URI \(uri) added to \(provider.reference)"
            ) { content in
                try content.addRedirectURI(uri, to: provider.reference)
            }
            Program.log("codes for \(provider.reference) may be sent to \(uri)")
        }
    }

    struct RemoveRedirectURI: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove-redirect-uri",
            abstract: "Removes a redirect URI. Codes that are bound to it cannot be exchanged.")

        @OptionGroup var provider: ProviderArgument
        @Argument(help: "The URI, byte for byte.")
        var uri: String
        @OptionGroup var store: StoreOption

        func run() throws {
            try RegistryEditor(store).change(
                "redirect URI \(uri) removed from \(provider.reference)"
            ) { content in
                try content.removeRedirectURI(uri, from: provider.reference)
            }
            Program.log("codes for \(provider.reference) may no longer be sent to \(uri)")
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes a provider.",
            discussion: "Its codes and tokens are worthless from then on, for good.")

        @OptionGroup var provider: ProviderArgument
        @OptionGroup var confirmation: ConfirmationOption
        @OptionGroup var store: StoreOption

        func run() throws {
            let editor = try RegistryEditor(store)
            _ = try editor.read { try $0.provider(provider.reference) }
            try confirmation.confirm("Remove \(provider.reference) and void all its tokens?")
            try editor.change("provider \(provider.reference) removed") {
                try $0.removeProvider(provider.reference)
            }
            Program.log("\(provider.reference) is removed")
        }
    }
}
