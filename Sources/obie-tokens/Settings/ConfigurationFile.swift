// The file of --config: `name = value` on each line, `#` in front of a comment. And the sample of it.

import System

enum ConfigurationFile {
    /// The settings in it, with the numbers of their lines. Blocks.
    ///
    /// - Throws: for a file that cannot be read (66), for a line that is no setting, and for a setting
    ///   that is unknown or comes twice (78).
    static func read(
        _ path: String
    ) throws(ConfigurationFailure) -> [(name: String, value: String, line: Int)] {
        let bytes: [UInt8]
        do throws(PrivateFile.Failure) {
            bytes = try PrivateFile.read(path)
        } catch {
            throw ConfigurationFailure(
                description: "cannot read the configuration \(error); correct --config or "
                    + "\(Configuration.pathVariable), or the file's permissions", status: 66)
        }
        // A part of it would be other settings.
        guard bytes.count < PrivateFile.bytesMax else {
            throw ConfigurationFailure(
                description: "\(path) has 64 KiB or more, which no configuration needs; is it the "
                    + "right file?", status: 78)
        }
        return try parse(String(decoding: bytes, as: UTF8.self), path)
    }

    static func parse(
        _ text: String, _ path: String
    ) throws(ConfigurationFailure) -> [(name: String, value: String, line: Int)] {
        var settings: [(name: String, value: String, line: Int)] = []
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        for (index, line) in lines.enumerated() {
            let line = trimmed(line)
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            func failed(_ reason: String) -> ConfigurationFailure {
                ConfigurationFailure(
                    description: "\(path), line \(index + 1): \(reason)", status: 78)
            }
            // It is not repeated: in the wrong file it may be a key.
            guard let equals = line.firstIndex(of: "=") else {
                throw failed("this is no setting; write name = value, or # and a comment")
            }
            let name = String(trimmed(line[..<equals]))
            let value = String(trimmed(line[line.index(after: equals)...]))
            guard let setting = Settings.named(name) else {
                let hint = Nearest.settingHint(name, Settings.all.map(\.name))
                throw failed(
                    "there is no setting \(shown(name))\(hint); correct it, or put # in front")
            }
            guard !hasComment(value) else {
                throw failed("a comment has a line of its own; move it there, from # on")
            }
            if let first = settings.first(where: { $0.name == setting.name }) {
                throw failed("\(name) stands in line \(first.line) already; remove one of them")
            }
            settings.append((setting.name, value, index + 1))
        }
        return settings
    }

    /// A name that was misspelt, but nothing that could be a secret.
    private static func shown(_ name: String) -> String {
        name.count <= 32 && name.allSatisfy { $0.isLetter || $0 == "-" || $0 == "_" }
            ? name : "of this name"
    }

    /// Else it would become a part of a path.
    private static func hasComment(_ value: String) -> Bool {
        value.hasPrefix("#") || value.contains(" #") || value.contains("\t#")
    }

    private static func trimmed(_ text: some StringProtocol) -> Substring {
        var text = Substring(text)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }

    /// Every setting with its default, all of them commented out.
    static var sample: String {
        var lines = [
            "# Settings of obie-tokens, one a line: name = value. A flag (--name) and a variable of the",
            "# environment (\(SettingInfo.prefix)NAME) go before what stands here. Without a line a default",
            "# counts. `obie-tokens config show` says what is in force and why.",
        ]
        for setting in Settings.all {
            lines.append("")
            for line in wrapped("\(setting.help) (\(setting.value))", to: 96) {
                lines.append("# \(line)")
            }
            if setting.isReloadable { lines.append("# A new value counts after SIGHUP.") }
            if setting.isFallbackValue {
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

    /// For the README.
    static var table: String {
        let cells = Settings.all.map { setting in
            let value = setting.value.replacing("|", with: "\\|")
            return "| `\(setting.name)` | \(value) | \(setting.fallback) | "
                + "\(setting.isReloadable ? "yes" : "") | \(setting.help) |"
        }
        return """
            | setting | value | default | SIGHUP | |
            |---|---|---|---|---|
            \(cells.joined(separator: "\n"))

            """
    }
}
