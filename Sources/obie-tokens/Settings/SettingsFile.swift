// The file of --config: `name = value` on each line, and `#` in front of a comment.

import Bytes
import System

enum SettingsFile {
    struct Line {
        let setting: any AnySetting
        let text: String
        /// From 1 on.
        let number: Int
    }

    /// The settings in the file. Blocks.
    ///
    /// - Throws: 66 for a file that cannot be read; 78 for a line that is not a setting, and for a
    ///   setting that is unknown or comes twice.
    static func read(_ path: String) throws(ProgramFailure) -> [Line] {
        let bytes: [UInt8]
        do throws(PrivateFile.Failure) {
            bytes = try PrivateFile.read(path)
        } catch {
            if error.isTooLong {
                throw ProgramFailure(
                    description:
                        "\(path) has more than 64 KiB, which no configuration needs; is it "
                        + "the right file?", status: 78)
            }
            throw ProgramFailure(
                description: "cannot read the configuration \(error); correct --config or "
                    + "\(SettingsReader.pathVariable), or the file's permissions", status: 66)
        }
        return try parse(try text(bytes, path), path)
    }

    private static func parse(
        _ text: String, _ path: String
    ) throws(ProgramFailure) -> [Line] {
        var lines: [Line] = []
        let all = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        for (index, line) in all.enumerated() {
            let line = trimmed(line)
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            func failure(_ reason: String) -> ProgramFailure {
                ProgramFailure(description: "\(path), line \(index + 1): \(reason)", status: 78)
            }
            // The message does not repeat the line: in the wrong file it may be a key.
            guard let equals = line.firstIndex(of: "=") else {
                throw failure("this is not a setting; write name = value, or # and a comment")
            }
            let name = String(trimmed(line[..<equals]))
            let text = String(trimmed(line[line.index(after: equals)...]))
            guard let setting = SettingsTable.named(name) else { throw failure(unknown(name)) }
            guard !hasComment(text) else {
                throw failure("a comment needs a line of its own; move it there, from # on")
            }
            if let first = lines.first(where: { $0.setting.name == name }) {
                throw failure("\(name) is set in line \(first.number) already; remove one of them")
            }
            lines.append(Line(setting: setting, text: text, number: index + 1))
        }
        return lines
    }

    /// The text of the file, without the mark (BOM) that some editors put in front.
    private static func text(_ bytes: [UInt8], _ path: String) throws(ProgramFailure) -> String {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let content = bytes.dropFirst(bytes.starts(with: mark) ? mark.count : 0)
        if let text = String(validating: content, as: UTF8.self), !content.contains(0) {
            return text
        }
        let lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let number = lines.firstIndex {
            $0.contains(0) || String(validating: $0, as: UTF8.self) == nil
        }
        let line = number.map { lines[$0] } ?? content
        throw ProgramFailure(
            description: "\(path), line \((number ?? 0) + 1): "
                + (line.contains(0) ? "there is a NUL in it" : "this is no text in UTF-8")
                + "; save the file as UTF-8, or take the line away", status: 78)
    }

    /// The message repeats a name that was misspelt, but nothing that could be a secret.
    private static func unknown(_ name: String) -> String {
        let isName = name.count <= 32 && name.allSatisfy { $0.isLetter || "-_".contains($0) }
        let hint = Nearest.settingHint(name, SettingsTable.all.map(\.name))
        return "there is no setting \(isName ? name : "of this name")\(hint); correct it, or put # "
            + "in front"
    }

    /// A comment behind a value would become a part of a path.
    private static func hasComment(_ value: String) -> Bool {
        value.hasPrefix("#") || value.includes(" #") || value.includes("\t#")
    }

    private static func trimmed(_ text: some StringProtocol) -> Substring {
        var text = Substring(text)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
