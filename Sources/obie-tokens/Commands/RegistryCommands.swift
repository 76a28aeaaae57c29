// What `fi` and `psp` have in common: list, show, disable, enable, remove.

import ArgumentParser
import System
import Tokens

/// A kind of entry in the registry: institutions or providers.
protocol RegistryKind {
    /// One of them.
    static var noun: String { get }
    static var exampleReference: String { get }
    static var disableAbstract: String { get }
    static var enableAbstract: String { get }
    static var removeAbstract: String { get }

    /// All of them, by reference.
    static func list(_ content: RegistryContent, now: Milliseconds) -> [Record]
    static func show(
        _ reference: String, _ content: RegistryContent, now: Milliseconds
    ) throws -> Record
    static func set(
        _ reference: String, isDisabled: Bool, in content: inout RegistryContent) throws
    static func remove(_ reference: String, from content: inout RegistryContent) throws
    /// A line of the audit log about one of them.
    static func line(_ text: String, about reference: String) -> ChangeLine
}

extension RegistryKind {
    static func describe(
        _ name: String, _ abstract: String, _ commands: [any ParsableCommand.Type]
    ) -> CommandConfiguration {
        CommandConfiguration(
            commandName: name, abstract: abstract,
            discussion: """
                Works on the registry, with or without running servers: the file beside a store in a \
                file, or the tables of a store in a database, from any machine. \(ChangeOutcome.help)

                Exit status: 0; 1 if you said no; 64 for a wrong option; 65 for what cannot be done; \
                66 if there is no registry; 71 if it cannot be read or written; 74 if the audit log takes \
                nothing, or standard output does not take a new secret, and then nothing has changed; also \
                74 if what follows the change cannot be written, the audit log's second line or the \
                output, and then the message says that the change is made; 75 for a change that is late.
                """,
            subcommands: commands)
    }

    fileprivate static func set(
        _ reference: String, isDisabled: Bool, _ flags: SettingFlags<StoreSettings>,
        _ output: OutputOption
    ) throws {
        let state = isDisabled ? "disabled" : "enabled"
        let line = line("\(noun) \(reference) \(state)", about: reference)
        let outcome = try RegistryEditor(flags).change(line) {
            try set(reference, isDisabled: isDisabled, in: &$0)
        }
        try output.report(
            "\(reference) is \(state)",
            Record([noun: .text(reference), "enabled": .truth(!isDisabled)]), outcome)
    }
}

/// The entry that a command is about.
struct ReferenceArgument<Kind: RegistryKind>: ParsableArguments {
    @Argument(help: "Its reference, such as \(Kind.exampleReference).")
    var reference: String
}

struct List<Kind: RegistryKind>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "list", abstract: "Lists the \(Kind.noun)s.")
    }

    @OptionGroup var flags: SettingFlags<StoreSettings>
    @OptionGroup var output: OutputOption

    func run() throws {
        let now = Clock.wallMilliseconds()
        try output.print(try RegistryEditor(flags).read { Kind.list($0, now: now) })
    }
}

struct Show<Kind: RegistryKind>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "show", abstract: "Shows one \(Kind.noun).")
    }

    @OptionGroup var entry: ReferenceArgument<Kind>
    @OptionGroup var flags: SettingFlags<StoreSettings>
    @OptionGroup var output: OutputOption

    func run() throws {
        let now = Clock.wallMilliseconds()
        try output.print(
            try RegistryEditor(flags).read { try Kind.show(entry.reference, $0, now: now) })
    }
}

struct Disable<Kind: RegistryKind>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "disable", abstract: Kind.disableAbstract)
    }

    @OptionGroup var entry: ReferenceArgument<Kind>
    @OptionGroup var flags: SettingFlags<StoreSettings>
    @OptionGroup var output: OutputOption

    func run() throws { try Kind.set(entry.reference, isDisabled: true, flags, output) }
}

struct Enable<Kind: RegistryKind>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "enable", abstract: Kind.enableAbstract)
    }

    @OptionGroup var entry: ReferenceArgument<Kind>
    @OptionGroup var flags: SettingFlags<StoreSettings>
    @OptionGroup var output: OutputOption

    func run() throws { try Kind.set(entry.reference, isDisabled: false, flags, output) }
}

struct Remove<Kind: RegistryKind>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "remove", abstract: Kind.removeAbstract,
            discussion: "All its codes and tokens become void, for good.")
    }

    @OptionGroup var entry: ReferenceArgument<Kind>
    @OptionGroup var confirmation: ConfirmationOption
    @OptionGroup var flags: SettingFlags<StoreSettings>
    @OptionGroup var output: OutputOption

    func run() throws {
        let reference = entry.reference
        let editor = try RegistryEditor(flags)
        // Nobody is asked about an entry that is not there.
        _ = try editor.read { try Kind.show(reference, $0, now: 0) }
        try confirmation.confirm("Remove \(reference) and void all its tokens?")
        let line = Kind.line("\(Kind.noun) \(reference) removed", about: reference)
        let outcome = try editor.change(line) {
            try Kind.remove(reference, from: &$0)
        }
        try output.report(
            "\(reference) is removed", Record([Kind.noun: .text(reference)]), outcome)
    }
}
