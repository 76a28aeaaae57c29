// Whatever the table of settings says works: every setting × every spelling that its row promises × the
// command line, the environment and the file. A new row is in the walk; one of a new form needs examples
// here.

import Foundation
import Testing

/// A row of the table of settings.
struct SettingRow: Sendable, CustomTestStringConvertible {
    let name: String
    let form: String
    let fallback: String
    var testDescription: String { name }

    var variable: String { "OBIE_TOKENS_" + name.uppercased().replacing("-", with: "_") }
    var isSwitch: Bool { form == "yes|no" }
    var isTime: Bool { words.contains("seconds") }
    var words: [String] { form.split(separator: "|").map(String.init) }
    /// The words that stand for themselves, where the row has such.
    var ownWords: [String] {
        let names = ["seconds", "n", "url", "file", "name"]
        return words.filter { word in
            word.allSatisfy { $0.isASCII && $0.isLowercase } && !names.contains(word)
        }
    }

    static let all: [SettingRow] = {
        do {
            let table = try ChildProcess.run(ChildProcess.binary.path, ["config", "table"]).output
            return table.split(separator: "\n").dropFirst(2).map { row in
                let cells = row.replacing("\\|", with: "\u{0}").split(separator: "|").map {
                    $0.replacing("\u{0}", with: "|").trimmingCharacters(in: .whitespaces)
                }
                return SettingRow(
                    name: cells[0].trimmingCharacters(in: ["`"]), form: cells[1], fallback: cells[2]
                )
            }
        } catch {
            Issue.record(error)
            return []
        }
    }()

    /// What can be written, and what `config show` makes of it; at least one for each row.
    var spellings: [(text: String, shown: String)] {
        if isSwitch {
            return ["yes", "true", "on", "True"].map { ($0, "yes") }
                + ["no", "false", "off", "OFF"].map { ($0, "no") }
        }
        let same: [(text: String, shown: String)] = ownWords.map { ($0, $0) }
        if isTime {
            return same + [
                ("7", "7"), ("9s", "9"), ("5000ms", "5"), ("1m", "60"), ("060", "60"),
            ]
        }
        let known = SettingRow.examples[name] ?? SettingRow.examples[form] ?? []
        guard same.isEmpty, known.isEmpty, !fallback.contains(" ") else {
            return same + known.map { ($0, $0) }
        }
        return [(fallback, fallback)]
    }

    private static let examples = [
        "ip:port": [
            "127.0.0.1:8080", "0.0.0.0:8080", "[::1]:8080", "[::]:0", "localhost:8080",
            "LocalHost:80",
        ],
        "url": ["https://tokens.example", "http://127.0.0.1:8080/below"],
        "store": [
            "sqlite:x.db", "sqlite:./x.db", "sqlite:/a/x.db", "sqlite:../x.db",
            "postgres://o@db1,db2:5433/o", "postgresql://o@db1/o",
        ],
        "file|credential:name": ["a/file", "/a/file", "credential:name"],
        "file|none": ["a/file", "none"],
        "file": ["a/file"], "name": ["client-cert"],
        "n": ["16", "256"],
    ]
}

@Suite struct SettingSpellingTests {
    private func run(
        _ arguments: [String], _ environment: [String: String] = [:]
    ) throws -> Outcome {
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let ended = try ChildProcess.run(
            "/usr/bin/env", ["-i"] + variables + [ChildProcess.binary.path] + arguments)
        return Outcome(
            arguments: arguments, status: ended.status, output: ended.output, errors: ended.errors)
    }

    private func withFile<Value>(_ text: String, body: (String) throws -> Value) throws -> Value {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try text.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        return try body(file.path)
    }

    /// What `config show` says of each setting.
    private func shown(_ outcome: Outcome) throws -> [String: String] {
        try #require(outcome.status == 0, "\(outcome.errors)")
        return try outcome.jsonList().reduce(into: [:]) { values, entry in
            if let name = entry["setting"] as? String { values[name] = entry["value"] as? String }
        }
    }

    /// With a store that takes every setting.
    private static let context = ["OBIE_TOKENS_STORE": "postgres://o@db/o"]
    private static let show = ["config", "show", "--json"]

    /// One spelling of each row at a time, all rows at once; the store by itself, since not every store
    /// takes every setting.
    @Test(arguments: [
        SettingRow.all.filter { $0.name == "store" }, SettingRow.all.filter { $0.name != "store" },
    ])
    func everySpellingWorksEverywhere(rows: [SettingRow]) throws {
        let context = rows.count > 1 ? Self.context : [:]
        for row in rows where row.spellings.isEmpty {
            Issue.record("\(row.name) is of a new form, \(row.form): give examples of it")
        }
        for index in 0..<(rows.map(\.spellings.count).max() ?? 0) {
            let chosen = rows.filter { index < $0.spellings.count }.map {
                (row: $0, text: $0.spellings[index].text, value: $0.spellings[index].shown)
            }
            func expectShown(_ outcome: Outcome) throws {
                let values = try shown(outcome)
                for (row, text, value) in chosen {
                    #expect(values[row.name] == value, "\(row.name) \(text): \(outcome.arguments)")
                }
            }
            try expectShown(
                run(Self.show + chosen.flatMap { ["--\($0.row.name)", $0.text] }, context))
            try expectShown(
                run(Self.show + chosen.map { "--\($0.row.name)=\($0.text)" }, context))
            var variables = context
            for (row, text, _) in chosen { variables[row.variable] = text }
            try expectShown(run(Self.show, variables))
            let lines = chosen.map { "\($0.row.name) = \($0.text)\n" }
            try withFile(lines.joined()) { (path: String) throws in
                try expectShown(run(Self.show + ["--config", path], context))
            }
        }
    }

    /// Without a value, with `no-` in front, and with other flags behind; the last of several counts.
    @Test(arguments: SettingRow.all.filter(\.isSwitch))
    func switchNeedsNoValue(row: SettingRow) throws {
        let (yes, no) = ("--\(row.name)", "--no-\(row.name)")
        for (words, value) in [
            ([yes], "yes"), ([no], "no"), ([yes, "--loops", "2"], "yes"),
            ([no, "--loops", "2"], "no"), ([yes, no], "no"), ([no, yes], "yes"),
            ([no, yes, "no"], "no"), (["\(yes)=no", yes], "yes"),
            ([yes, "no", "\(yes)=on"], "yes"),
        ] {
            let outcome = try run(Self.show + words, Self.context)
            #expect(try shown(outcome)[row.name] == value, "\(words)")
        }
        for words in [["\(no)=yes"], [no, "yes"], [yes, "1"], ["\(yes)="]] {
            let outcome = try run(Self.show + words, Self.context)
            #expect(outcome.status == 64, "\(words): \(outcome.output)")
        }
    }

    @Test(arguments: SettingRow.all.filter(\.isTime))
    func timeThatIsNoneIsRefusedWithASentence(row: SettingRow) throws {
        for (text, says) in [
            ("1.5", "has a fraction"), ("0.5h", "has a fraction"), ("1,5s", "has a fraction"),
            ("1500ms", "whole seconds"), ("5x", "unknown unit"), ("5S", "unknown unit"),
            ("5min", "unknown unit"), ("1m30s", "is no time"), ("5 s", "is no time"),
            ("-5s", "is no time"), ("99999999999999999999", "is out of range"),
            ("99999999999999999d", "is out of range"), ("9223372036854775807", "is out of range"),
            ("3155760001", "is out of range"),
        ] {
            let outcome = try run(Self.show + ["--\(row.name)=\(text)"], Self.context)
            #expect(outcome.status == 64)
            #expect(outcome.errors.contains("--\(row.name): '\(text)'"), "\(outcome.errors)")
            #expect(outcome.errors.contains(says), "\(outcome.errors)")
            #expect(outcome.errors.contains("such as 60s, 1m or 2h"), "\(outcome.errors)")
        }
        for text in ["s", "+5", "five"] {
            let outcome = try run(Self.show + ["--\(row.name)", text], Self.context)
            #expect(outcome.status == 64 && outcome.errors.contains("'\(text)' is n"))
        }
    }

    /// Each word of each row: cut off, with a letter too few, in capitals.
    @Test(arguments: SettingRow.all.filter { !$0.ownWords.isEmpty && $0.form != "file|none" })
    func misspeltWordGetsTheNearest(row: SettingRow) throws {
        for word in row.ownWords {
            var mistakes = [String(word.dropLast())]
            if word.count > 3 {
                mistakes += [String(word.dropFirst()), String(word.prefix(4)), word + "x"]
            }
            if !row.isSwitch { mistakes.append(word.uppercased()) }
            for mistake in mistakes where !row.ownWords.contains(mistake) {
                let outcome = try run(Self.show + ["--\(row.name)", mistake], Self.context)
                #expect(outcome.status == 64, "\(mistake)")
                #expect(
                    outcome.errors.contains("did you mean \(word)?"),
                    "\(mistake): \(outcome.errors)")
            }
        }
    }

    @Test(arguments: [
        ("8080", "127.0.0.1:8080 for this machine only, or 0.0.0.0:8080"),
        (":8080", "127.0.0.1:8080 for this machine only, or 0.0.0.0:8080"),
        ("*:8080", "0.0.0.0:8080"), ("::1", "[::1]:8080"), ("127.0.0.1", "127.0.0.1:8080"),
        ("tokens.example:443", "names are not looked up"), ("127.0.0.1:65536", "0 to 65535"),
        ("http://u:secret@a:1", "is a URL"),
    ])
    func addressThatIsNoneSaysWhatToWrite(text: String, says: String) throws {
        for name in ["listen", "admin-listen"] {
            let outcome = try run(Self.show + ["--\(name)", text])
            #expect(outcome.status == 64)
            #expect(outcome.errors.contains(says) && outcome.errors.contains("IP:PORT"))
            #expect(!outcome.errors.contains("secret"))
        }
    }

    @Test(arguments: [
        ("sqlite://./x.db", ["sqlite:./x.db", "sqlite:/x.db"]),
        ("sqlite:///a/x.db", ["sqlite:./a/x.db", "sqlite:/a/x.db"]),
        ("sqlite://../x.db", ["sqlite:../x.db"]), ("sqlite://", ["sqlite:./obie-tokens.db"]),
        ("sqlite://u:secret@a/b", ["sqlite:./obie-tokens.db"]),
        ("sqlite:", ["is missing behind sqlite:"]), ("sqlite:/a/", ["is missing behind sqlite:"]),
        ("sqlte:secret.db", ["did you mean sqlite?"]), ("SQLite:x", ["did you mean sqlite?"]),
        ("postgre://u:secret@a/b", ["did you mean postgres?"]),
        (":memory:", ["did you mean memory?"]), ("mem", ["did you mean memory?"]),
        ("./secret.db", ["put sqlite: in front"]), ("/a/secret", ["put sqlite: in front"]),
    ])
    func storeThatIsNoneSaysWhatToWrite(text: String, says: [String]) throws {
        let copies = ["--from", "--to"].map { name in
            ["store", "copy", name, text, name == "--to" ? "--from" : "--to", "postgres://o@db/o"]
        }
        for words in [Self.show + ["--store", text], ["fi", "list", "--store", text]] + copies {
            let outcome = try run(words)
            #expect(outcome.status == 64, "\(outcome.errors)")
            for word in says { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
            #expect(!outcome.errors.contains("secret"), "\(outcome.errors)")
        }
    }

    @Test func allRowsAreWalked() {
        #expect(SettingRow.all.count > 20)
        #expect(SettingRow.all.filter(\.isSwitch).count >= 3)
        #expect(SettingRow.all.filter(\.isTime).count >= 7)
    }
}
