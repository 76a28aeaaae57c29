// One setting: a row of the table. What it is called, what it takes, and what counts without it.

import ArgumentParser
import Bytes

/// A setting, whatever the type of its value.
protocol AnySetting: Sendable {
    /// As in the file, and as the flag without its dashes.
    var name: String { get }
    /// What can be written, such as `ip:port` or `yes|no`.
    var form: String { get }
    /// What counts where nobody says anything, for people to read.
    var fallback: String { get }
    /// `fallback` can be written into the file. Otherwise it describes what happens.
    var isFallbackWritable: Bool { get }
    /// A new value counts after SIGHUP. Every other setting needs a restart.
    var isReloadable: Bool { get }
    /// Its flag needs no value, and has a twin `--no-…`.
    var isSwitch: Bool { get }
    var help: String { get }

    /// The text as it is shown and compared: of several ways to write a value there is one.
    ///
    /// - Throws: where the text is no value of this setting. The error says what would be right.
    func canonical(_ text: String) throws(ValidationError) -> String
}

extension AnySetting {
    var variable: String {
        SettingsTable.variablePrefix + name.uppercased().replacing(every: "-", by: "_")
    }
}

/// A setting with the type of its value.
struct Setting<Value: Sendable>: AnySetting {
    typealias Parser = @Sendable (String) throws(ValidationError) -> Value

    let name: String
    private(set) var form: String
    let fallback: String
    let isReloadable: Bool
    private(set) var help: String
    private let parse: Parser
    /// What counts where `fallback` is only a description.
    private let unwritten: Value?

    /// A setting whose default can be written down.
    ///
    /// - Parameter fallback: the default, as it would be written.
    init(
        _ name: String, _ form: String, default fallback: String, isReloadable: Bool = false,
        _ parse: @escaping Parser, help: String
    ) {
        (self.name, self.form, self.fallback, self.help) = (name, form, fallback, help)
        (self.isReloadable, self.parse, unwritten) = (isReloadable, parse, nil)
    }

    /// A setting whose default depends on other things.
    ///
    /// - Parameters:
    ///   - unwritten: the value where nobody says anything.
    ///   - meaning: what that comes to, for people to read.
    init(
        _ name: String, _ form: String, without unwritten: Value, meaning: String,
        isReloadable: Bool = false, _ parse: @escaping Parser, help: String
    ) {
        (self.name, self.form, fallback, self.help) = (name, form, meaning, help)
        (self.isReloadable, self.parse, self.unwritten) = (isReloadable, parse, unwritten)
    }

    /// The same as help shows it for commands that can do less with it.
    func shown(form: String, help: String) -> Setting {
        var shown = self
        (shown.form, shown.help) = (form, help)
        return shown
    }

    var isFallbackWritable: Bool { unwritten == nil }
    var isSwitch: Bool { Value.self == Bool.self }

    func canonical(_ text: String) throws(ValidationError) -> String {
        switch try parse(text) {
        case let isTrue as Bool: isTrue ? "yes" : "no"
        case let number as Int64: "\(number)"
        case let number as Int: "\(number)"
        default: text
        }
    }

    /// - Parameter text: has been checked; nil where nobody says anything.
    func value(_ text: String?) -> Value {
        if text == nil, let unwritten { return unwritten }
        do throws(ValidationError) {
            return try parse(text ?? fallback)
        } catch {
            preconditionFailure("\(name): \(error.message)")
        }
    }
}
