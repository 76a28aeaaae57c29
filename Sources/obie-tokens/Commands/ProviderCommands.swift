// obie-tokens psp …: the providers and their redirect URIs.

import ArgumentParser
import System
import Tokens

struct Providers: ParsableCommand, RegistryKind {
    static let configuration = describe(
        "psp", "Manages the providers (PSPs) and their redirect URIs.",
        [
            Add.self, List<Providers>.self, Show<Providers>.self, Disable<Providers>.self,
            Enable<Providers>.self, AddRedirectURI.self, RemoveRedirectURI.self,
            Remove<Providers>.self,
        ])

    static let noun = "provider"
    static let exampleReference = "PSDGB-FCA-222222"
    static let disableAbstract =
        "Refuses requests about it and hides its tokens until it is enabled again."
    static let enableAbstract = "Takes requests about it again; its tokens are alive again."
    static let removeAbstract = "Removes a provider."

    static func list(_ content: RegistryContent, now: Milliseconds) -> [Record] {
        content.providers.values.sorted { $0.reference < $1.reference }.map(record)
    }

    static func show(
        _ reference: String, _ content: RegistryContent, now: Milliseconds
    ) throws -> Record {
        record(try content.provider(reference))
    }

    static func set(
        _ reference: String, isDisabled: Bool, in content: inout RegistryContent
    ) throws {
        try content.setProvider(reference, isDisabled: isDisabled)
    }

    static func remove(_ reference: String, from content: inout RegistryContent) throws {
        try content.removeProvider(reference)
    }

    private static func record(_ provider: ProviderRecord) -> Record {
        Record([
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

        @OptionGroup var entry: ReferenceArgument<Providers>

        @Option(
            name: .customLong("redirect-uri"),
            help: ArgumentHelp(
                "A URI that codes may be sent to, exactly as requests will give it. May be "
                    + "repeated.", valueName: "uri"))
        var redirectURIs: [String] = []

        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

        func run() throws {
            let reference = entry.reference
            let editor = try RegistryEditor(flags, makes: true)
            let outcome = try editor.change("provider \(reference) added") {
                try $0.addProvider(reference, redirectURIs: redirectURIs)
            }
            try output.report(
                "\(reference) is added",
                Record(["provider": .text(reference), "redirect_uris": .list(redirectURIs)]),
                outcome)
        }
    }

    struct AddRedirectURI: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add-redirect-uri", abstract: "Registers a redirect URI.")

        @OptionGroup var entry: ReferenceArgument<Providers>
        @Argument(help: "An absolute URI without a fragment, exactly as requests will give it.")
        var uri: String
        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

        func run() throws {
            let reference = entry.reference
            let editor = try RegistryEditor(flags)
            let outcome = try editor.change("redirect URI \(uri) added to \(reference)") {
                try $0.addRedirectURI(uri, to: reference)
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
            let outcome = try editor.change("redirect URI \(uri) removed from \(reference)") {
                try $0.removeRedirectURI(uri, from: reference)
            }
            try output.report(
                "codes for \(reference) may no longer be sent to \(uri)",
                Record(["provider": .text(reference), "redirect_uri": .text(uri)]), outcome)
        }
    }
}
