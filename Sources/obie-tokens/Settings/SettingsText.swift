// The table of settings as text: a sample of the file, and the table of the documentation.

import Bytes

enum SettingsText {
    /// Every setting with its default, all of them commented out.
    static var sample: String {
        var lines = [
            "# Settings of obie-tokens, one on a line: name = value. A flag (--name) and a variable of",
            "# the environment (\(SettingsTable.variablePrefix)NAME) count before this file. A setting without a line",
            "# has its default. `obie-tokens config show` says what is in force and why.",
        ]
        lines += wrapped(
            "\(DurationText.explanation) For yes|no, true|false and on|off are taken as well.",
            to: 96
        ).map { "# \($0)" }
        for setting in SettingsTable.all {
            lines.append("")
            lines += wrapped("\(setting.help) (\(setting.form))", to: 96).map { "# \($0)" }
            if setting.isReloadable { lines.append("# A new value counts after SIGHUP.") }
            if setting.isFallbackWritable {
                lines.append("#\(setting.name) = \(setting.fallback)")
            } else {
                lines += ["# By default: \(setting.fallback).", "#\(setting.name) ="]
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }

    /// In Markdown.
    static var table: String {
        let cells = SettingsTable.all.map { setting in
            let form = setting.form.replacing(every: "|", by: "\\|")
            return "| `\(setting.name)` | \(form) | \(setting.fallback) | "
                + "\(setting.isReloadable ? "yes" : "") | \(setting.help) |"
        }
        return """
            | setting | value | default | SIGHUP | |
            |---|---|---|---|---|
            \(cells.joined(separator: "\n"))

            """
    }
}
