// One version, wherever it stands; and exact versions of what the program is built of.

import Testing

enum VersionRules {
    /// The one constant.
    static func current(_ source: String) -> Substring? {
        source.firstMatch(of: /static let current = "(\d+\.\d+\.\d+)"/)?.1
    }

    /// Names of an image or a package with another version in them: `obie-tokens:1.2.3`.
    static func otherNames(in text: String, than current: Substring) -> [Substring] {
        text.matches(of: /obie-tokens[:_](\d+\.\d+\.\d+)/).map(\.1).filter { $0 != current }
    }

    /// Places that have the version once, as they write it.
    static func version(in path: String, _ text: String) -> Substring? {
        switch path {
        case "CHANGELOG.md": text.firstMatch(of: /\n## (\S+) – \d{4}-\d\d-\d\d\n/)?.1
        case "Deploy/debian/changelog": text.prefixMatch(of: #/obie-tokens \(([^)]*)-\d+\) /#)?.1
        case "Sources/Server/Answers/openapi.json":
            text.firstMatch(of: /"info": \{\s*"title": "[^"]*",\s*"version": "([^"]*)"/)?.1
        default: nil
        }
    }

    /// Packages in a manifest that lie neither in Vendor nor are of one version only.
    static func inexact(_ manifest: String) -> [Substring] {
        manifest.matches(of: #/\.package\(([^)]*)\)/#).map(\.1).filter { arguments in
            arguments.prefixMatch(of: /\s*path: "Vendor\/[\w\-]+"\s*$/) == nil
                && arguments.firstMatch(of: /exact: "\d+\.\d+\.\d+"/) == nil
        }
    }

    /// Whether a page says which version and commit of another project stands in its folder.
    static func namesItsSource(_ readme: String) -> Bool {
        readme.contains(/\]\(https:\/\/\S+\) \d+\.\d+\.\d+ \(commit [0-9a-f]{7,40}\)/)
    }

    /// Python's packages that are not held to one version and its hashes.
    static func unpinned(_ requirements: String) -> [Substring] {
        let entries = requirements.replacing("\\\n", with: " ").split(separator: "\n")
        return entries.filter { entry in
            !entry.drop { $0 == " " }.hasPrefix("#")
                && entry.prefixMatch(of: /\S+==\S+ .*--hash=sha256:/) == nil
        }
    }
}

@Suite struct VersionTests {
    private let current: Substring

    init() throws {
        current = try #require(
            VersionRules.current(try Repository.text("Sources/obie-tokens/Version.swift")))
    }

    static let pages =
        ["README.md", "Makefile", "Dockerfile", "CONTRIBUTING.md", "SECURITY.md"]
        + ["docs", "Deploy", "Scripts", "Tests"].flatMap {
            Repository.paths(below: $0, ending: ["md", "yaml", "sh", "py", "service"])
        }

    @Test(arguments: pages)
    func imagesAndPackagesAreOfThisVersion(path: String) throws {
        #expect(
            VersionRules.otherNames(in: try Repository.text(path), than: current) == [], "\(path)")
    }

    @Test(arguments: [
        "CHANGELOG.md", "Deploy/debian/changelog", "Sources/Server/Answers/openapi.json",
    ])
    func placeHasThisVersion(path: String) throws {
        #expect(VersionRules.version(in: path, try Repository.text(path)) == current)
    }

    /// Image and package ask for it where they are made.
    @Test func labelAndManualAreGivenIt() throws {
        let image = try Repository.text("Scripts/image.sh")
        #expect(image.contains("Sources/obie-tokens/Version.swift"))
        #expect(image.contains("\"VERSION=$version\""))
        let label = "org.opencontainers.image.version=\"${VERSION}\""
        #expect(try Repository.text("Dockerfile").contains(label))
        #expect(try Repository.text("Scripts/manual.py").contains("\"--version\""))
    }

    /// There is no Package.resolved, so nothing may be left to be resolved.
    @Test func everythingBuiltInIsOfAnExactVersion() throws {
        let manifest = try Repository.text("Package.swift")
        #expect(VersionRules.inexact(manifest) == [])
        let folders = manifest.matches(of: /path: "(Vendor\/[\w\-]+)"/).map { String($0.1) }
        #expect(!folders.isEmpty)
        for folder in folders {
            #expect(
                VersionRules.namesItsSource(try Repository.text("\(folder)/README.md")),
                "\(folder)")
            #expect(VersionRules.inexact(try Repository.text("\(folder)/Package.swift")) == [])
        }
    }

    @Test(
        arguments: Repository.paths(below: "Tests", ending: ["txt"]).filter {
            $0.hasSuffix("requirements.txt")
        })
    func packagesOfTestsAreOfExactVersions(path: String) throws {
        #expect(VersionRules.unpinned(try Repository.text(path)) == [])
    }

    @Test func everyRuleCanFail() {
        #expect(VersionRules.current("static let current = \"0.8\"") == nil)
        #expect(
            VersionRules.otherNames(
                in: "image: obie-tokens:0.7.0\nobie-tokens:0.8.0 obie-tokens_0.9.0-1", than: "0.8.0"
            )
                == ["0.7.0", "0.9.0"])
        #expect(
            VersionRules.version(in: "CHANGELOG.md", "# C\n\n## 0.7.0 – 2026-11-27\n") == "0.7.0")
        #expect(
            VersionRules.version(in: "Deploy/debian/changelog", "obie-tokens (0.7.0-1) unstable;")
                == "0.7.0")
        #expect(
            VersionRules.inexact(
                """
                .package(path: "Vendor/a"), .package(path: "../b"), .package(url: "c", from: "1.0.0"),
                .package(url: "d", exact: "1.0.0")
                """) == ["path: \"../b\"", "url: \"c\", from: \"1.0.0\""])
        #expect(!VersionRules.namesItsSource("[a](https://b.c/a) 1.8.2"))
        #expect(
            VersionRules.unpinned(
                "# a\n    # via b\na==1 \\\n    --hash=sha256:b\nc>=1 --hash=sha256:d\ne==1\n")
                == ["c>=1 --hash=sha256:d", "e==1"])
    }
}
