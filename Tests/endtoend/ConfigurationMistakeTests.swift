// Mistakes with settings that would be dear if they were taken: for a file of keys, a name, a default.

import Foundation
import Glibc
import Testing

extension ConfigurationTests {
    @Test(arguments: [
        ("store = sqlite:a.db # ours", "line of its own"),
        ("keys-file = # by default: PATH.keys", "line of its own"),
        ("audit-log =\t#none", "line of its own"), ("port = 8081", "config sample"),
        ("store =", "sqlite:"), ("keys-file =", "path of a file"),
        ("loops = 4\nmax-connections = 3", "max-connections in"),
    ])
    func lineThatWouldBeMisreadIsRefused(text: String, fix: String) throws {
        try withFile(text) { (path: String) throws in
            expectRefusal(try run(["config", "show", "--config", path]), 78, path, fix)
        }
    }

    /// Half of a file would be other settings than the file's.
    @Test func fileIsTakenWholeOrNotAtAll() throws {
        let setting = "\nmode = production\n"
        let filler = 64 * 1024 - setting.utf8.count - 1
        let longest = "#" + String(repeating: ".", count: filler) + setting
        try withFile(longest) { (path: String) throws in
            let show = ["config", "show", "--json", "--config", path]
            #expect(try shown("mode", show) == ["production", "\(path):2"])
        }
        try withFile("#" + longest) { (path: String) throws in
            expectRefusal(try run(["config", "show", "--config", path]), 78, path, "64 KiB")
        }
    }

    /// An unset variable of a script must not make a sandbox of what should be production.
    @Test func emptyNameOfFileIsRefused() throws {
        expectRefusal(try run(["config", "show", "--config", ""]), 64, "--config")
        expectRefusal(
            try run(["config", "show"], ["OBIE_TOKENS_CONFIG": ""]), 78, "OBIE_TOKENS_CONFIG")
    }

    /// They come as people's mistakes, and stderr is kept and passed on.
    @Test func secretInTheWrongPlaceIsNotPrinted() throws {
        try withFolder { (folder) throws in
            let keys = "\(folder)/keys"
            #expect(try run(["keys", "create", keys]).status == 0)
            let key = try String(contentsOfFile: keys, encoding: .utf8).trimmingCharacters(
                in: .newlines)
            try #require(key.count == 32)
            let mistakes = [
                try run(["config", "show", "--config", keys]),
                try run(["config", "show"], ["OBIE_TOKENS_KEYS": key]),
                try run(["fi", "list"], ["OBIE_TOKENS_STORE": "postgres://u:\(key)@db/x"]),
                try run(["serve", "--store", "postgres://u:\(key)@db/x"]),
                try run(["serve", "--public-url", "https://u:\(key)@tokens.example"]),
                try withFile("\(key)==\n") { try run(["config", "show", "--config", $0]) },
            ]
            for outcome in mistakes {
                #expect([64, 78].contains(outcome.status))
                #expect(!outcome.errors.contains(key), "\(outcome.errors)")
                #expect(outcome.output.isEmpty)
            }
        }
    }

    @Test func variableThatIsNoSettingIsNotTakenForAnother() throws {
        let port = try run(["config", "show"], ["OBIE_TOKENS_PORT": "8081"])
        expectRefusal(port, 78, "OBIE_TOKENS_PORT", "config sample")
        #expect(!port.errors.contains("did you mean"))
        // What links and services of the name obie-tokens-admin bring.
        let theirs = [
            "OBIE_TOKENS_ADMIN_PORT": "tcp://10.0.0.1:9090",
            "OBIE_TOKENS_ADMIN_PORT_9090_TCP": "tcp://10.0.0.1:9090",
            "OBIE_TOKENS_ADMIN_PORT_9090_TCP_PORT": "9090",
            "OBIE_TOKENS_ADMIN_SERVICE_HOST": "10.0.0.1",
        ]
        #expect(try run(["config", "show"], theirs).status == 0)
    }

    /// The status says whether the command line is wrong, or what is set elsewhere.
    @Test func commandNamesWhereItsStoreIsWrong() throws {
        try withFile("store = memory\n") { (path: String) throws in
            expectRefusal(
                try run(["fi", "list", "--config", path]), 78, "store in \(path), line 1",
                "sqlite:")
        }
        expectRefusal(try run(["fi", "list", "--store", "memory"]), 64, "--store")
        let credential = ["OBIE_TOKENS_KEYS_FILE": "credential:keys"]
        for command in [["keys", "rotate"], ["backup", "/nonexistent/copy.db"]] {
            expectRefusal(
                try run(command, credential), 78, "OBIE_TOKENS_KEYS_FILE", "--keys-file")
            expectRefusal(try run(command + ["--keys-file", ""]), 64, "--keys-file")
        }
    }

    /// Nobody may read them; root could all the same, so it is made to do without.
    @Test func forbiddenKeysAreRefused() throws {
        try withFolder { (folder) throws in
            let keys = "\(folder)/keys"
            #expect(try run(["keys", "create", keys]).status == 0)
            try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: keys)
            let powers = ["--bounding-set", "-dac_override,-dac_read_search"]
            let ended = try ChildProcess.run(
                getuid() == 0 ? "/usr/bin/setpriv" : "/usr/bin/env",
                (getuid() == 0 ? powers : []) + [
                    ChildProcess.binary.path, "serve", "--keys-file", keys, "--store",
                    "sqlite:\(folder)/store.db",
                ])
            expectRefusal(
                Outcome(status: ended.status, output: ended.output, errors: ended.errors), 77, keys,
                "chown")
        }
    }

    /// Whoever takes the `#` away in the sample gets the default or a complaint, never a third thing.
    @Test func everyLineOfTheSampleCanBeUncommented() throws {
        let lines = try run(["config", "sample"]).output.split(separator: "\n")
        let settings = lines.filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") }
        #expect(settings.count > 15)
        for line in settings.map({ $0.dropFirst() }) {
            let name = String(line.prefix { $0 != " " })
            try withFile(String(line)) { (path: String) throws in
                let show = ["config", "show", "--json", "--config", path]
                guard line.hasSuffix("=") else {
                    let known = try shown(name, ["config", "show", "--json"])
                    #expect(try shown(name, show) == [known[0], "\(path):1"])
                    return
                }
                expectRefusal(try run(show), 78, "\(name) in \(path), line 1")
            }
        }
    }
}
