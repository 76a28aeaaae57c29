// Reads the settings from everywhere: a flag counts before a variable of the environment, a variable
// before the file, the file before the default.

import Bytes

enum SettingsReader {
    static let pathVariable = SettingsTable.variablePrefix + "CONFIG"

    /// Reads the file each time. Blocks.
    ///
    /// Each text is checked, even where another source overrides it.
    ///
    /// - Parameters:
    ///   - flags: what the command line says, by the name of the setting.
    ///   - file: what `--config` says; nil: what the environment says, or no file.
    /// - Throws: 64 for a flag, 66 for a file that cannot be read, 78 for a mistake in the file or in
    ///   the environment.
    static func read(
        flags: [String: String], file: String?, environment: [String: String]
    ) throws(ProgramFailure) -> Settings {
        var settings = Settings()
        if let path = try path(file, environment) {
            for line in try SettingsFile.read(path) {
                try settings.set(
                    line.setting, to: line.text, from: .file(path, line: line.number))
            }
        }
        for (variable, text) in environment.sorted(by: { $0.key < $1.key }) {
            guard isOurs(variable, text) else { continue }
            guard let setting = SettingsTable.all.first(where: { $0.variable == variable }) else {
                throw unknown(variable)
            }
            try settings.set(setting, to: text, from: .environment(variable))
        }
        for setting in SettingsTable.all {
            guard let text = flags[setting.name] else { continue }
            try settings.set(setting, to: text, from: .flag)
        }
        try settings.checkTogether()
        return settings
    }

    /// An empty name is a mistake of a script. Without its file the server would become a sandbox.
    private static func path(
        _ flag: String?, _ environment: [String: String]
    ) throws(ProgramFailure) -> String? {
        guard let path = flag ?? environment[pathVariable] else { return nil }
        guard !path.isEmpty else {
            let subject = flag == nil ? pathVariable : "--config"
            throw ProgramFailure(
                description: "\(subject) names no file; write its path, or leave it out",
                status: flag == nil ? 78 : 64)
        }
        return path
    }

    private static func isOurs(_ variable: String, _ text: String) -> Bool {
        variable.hasPrefix(SettingsTable.variablePrefix) && variable != pathVariable
            && !isOfKubernetes(variable, text)
    }

    /// Kubernetes, and links between containers, set such variables for a service whose name begins
    /// with obie-tokens: `…_SERVICE_HOST=10.0.0.1`, `…_PORT=tcp://10.0.0.1:8080`,
    /// `…_PORT_8080_TCP_ADDR`.
    private static func isOfKubernetes(_ variable: String, _ text: String) -> Bool {
        variable.hasSuffix("_SERVICE_HOST") || variable.includes("_SERVICE_PORT")
            || variable.hasSuffix("_PORT") && text.includes("://")
            || variable.includes("_PORT_")
                && ["_TCP", "_UDP", "_SCTP"].contains { variable.includes($0) }
    }

    private static func unknown(_ variable: String) -> ProgramFailure {
        let prefix = SettingsTable.variablePrefix
        let known = SettingsTable.all.map(\.variable) + [pathVariable]
        let hint = Nearest.settingHint(
            String(variable.dropFirst(prefix.count)),
            known.map { String($0.dropFirst(prefix.count)) }, prefix: prefix)
        return ProgramFailure(
            description: "there is no setting \(variable)\(hint); correct the name, or unset the "
                + "variable", status: 78)
    }
}
