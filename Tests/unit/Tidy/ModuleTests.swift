// Which module may import which, and where `unsafe` may stand. Package.swift says what there is: one
// more module needs no word here.

import Testing

/// The targets of the package, as Package.swift has them.
struct Package {
    struct Target {
        var dependencies: Set<String>
        var folder: String
    }

    /// By name. Those that are C only are in `systemLibraries`.
    private(set) var targets: [String: Target] = [:]
    private(set) var systemLibraries: Set<String> = []

    init(_ manifest: String) throws {
        let code = manifest.replacing(/\/\/[^\n]*/, with: "")
        for call in code.matches(of: /(\.systemLibrary|\.target|\.\w+Target|\bunit)\(/) {
            let arguments = Package.upToParenthesis(code[call.range.upperBound...])
                .replacing(/package:\s*"[^"]*"/, with: "")
            let names = arguments.matches(of: /(\w+:)?\s*(?:\[\s*)?"([^"]+)"/)
            guard let name = names.first.map({ String($0.2) }) else { continue }
            if call.1 == ".systemLibrary" {
                systemLibraries.insert(name)
                continue
            }
            var target = Target(dependencies: [], folder: "Sources/\(name)")
            if call.1 == "unit" {
                target.folder = "Tests/unit/\(name)"
                target.dependencies = Set(names.dropFirst().map { String($0.2) })
            } else if let list = arguments.firstMatch(of: /dependencies:\s*\[([^\]]*)\]/) {
                target.dependencies = Set(list.1.matches(of: /"([^"]+)"/).map { String($0.1) })
            }
            if let path = arguments.firstMatch(of: /\bpath:\s*"([^"]+)"/) {
                target.folder = String(path.1)
            }
            targets[name] = target
        }
    }

    private static func upToParenthesis(_ text: Substring) -> Substring {
        var depth = 0
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" {
                if depth == 0 { return text[..<index] }
                depth -= 1
            }
        }
        return text
    }

    /// The one whose folder a file lies in.
    func target(of file: SourceFile) -> (name: String, target: Target)? {
        targets.filter { file.path.hasPrefix($0.value.folder + "/") }
            .max { $0.value.folder.count < $1.value.folder.count }
            .map { ($0.key, $0.value) }
    }
}

extension Package {
    /// Where C may be spoken: in the layers over the operating system, in stores, and where a
    /// library in C is wrapped.
    func speaksC(_ module: String) -> Bool {
        module == "System" || module == "UV" || module.hasSuffix("Store")
            || targets[module]?.dependencies.isDisjoint(with: systemLibraries) == false
    }

    /// Modules of the system, which Package.swift does not name.
    func isOfSystem(_ name: String, for module: String, isTest: Bool) -> Bool {
        switch name {
        case "Testing", "Foundation": isTest
        case "Glibc": isTest || speaksC(module)
        // These two are pure: no thread shares anything in them.
        case "Synchronization": !["Bytes", "HTTP1"].contains(module)
        default: false
        }
    }

    func wrongImports(_ file: SourceFile) -> [String] {
        guard let (module, target) = target(of: file) else {
            return ["\(file.path) belongs to no target"]
        }
        let isTest = file.path.hasPrefix("Tests/")
        return Set(file.imports).subtracting(target.dependencies).filter {
            !isOfSystem($0, for: module, isTest: isTest)
        }.sorted().map { "\(file.path) imports \($0)" }
    }

    func wrongUnsafe(_ file: SourceFile) -> [String] {
        if let (module, _) = target(of: file), speaksC(module) { return [] }
        return file.words.filter { word, _ in
            word.lowercased().contains("unsafe") || word == "unchecked"
        }.map { "\(file.path):\($0.value)" }.sorted()
    }
}

@Suite struct ModuleTests {
    private let package: Package

    init() throws { package = try Package(try Repository.text("Package.swift")) }

    @Test func modulesAreFound() {
        let modules = Set(TidyTests.sources.map(\.module))
        #expect(modules.count >= 10)
        #expect(
            modules == Set(package.targets.filter { $0.value.folder.hasPrefix("Sources/") }.keys))
        #expect(package.systemLibraries.isSuperset(of: ["CLibUV", "CSQLite", "CSystem"]))
        #expect(package.targets["Tokens"]?.dependencies == ["Bytes"])
        #expect(package.targets["BytesTests"]?.dependencies == ["Bytes"])
        #expect(package.targets["StoreContract"]?.folder == "Tests/contracts/StoreContract")
    }

    @Test(arguments: TidyTests.sources + TidyTests.tests)
    func importsAreThoseOfThePackage(file: SourceFile) {
        #expect(package.wrongImports(file) == [])
    }

    @Test(arguments: TidyTests.sources)
    func unsafeStandsOnlyWhereCIs(file: SourceFile) {
        #expect(package.wrongUnsafe(file) == [])
    }

    @Test func everyRuleCanFail() throws {
        let package = try Package(
            """
            .systemLibrary(name: "CX"), // .target(name: "Not")
            .target(name: "Pure", dependencies: ["HTTP1", .product(name: "Q", package: "q")]),
            .target(name: "HTTP1", swiftSettings: strict),
            .executableTarget(name: "Wrapper", dependencies: ["CX"], path: "Sources/Wrapper"),
            .target(name: "NewStore", dependencies: []),
            unit("PureTests", "Pure", .product(name: "R", package: "r")),
            """)
        #expect(package.targets["PureTests"]?.dependencies == ["Pure", "R"])
        #expect(package.targets.count == 5)
        let text = "@testable import HTTP1\nimport Q\nimport Glibc\nimport CX\nimport Testing\n"
        func imports(_ path: String) -> [String] {
            package.wrongImports(SourceFile(path, text)).map { String($0.split(separator: " ")[2]) }
        }
        #expect(imports("Sources/Pure/Room/A.swift") == ["CX", "Glibc", "Testing"])
        #expect(imports("Sources/Wrapper/A.swift") == ["HTTP1", "Q", "Testing"])
        #expect(imports("Sources/NewStore/A.swift") == ["CX", "HTTP1", "Q", "Testing"])
        #expect(imports("Tests/unit/PureTests/A.swift") == ["CX", "HTTP1", "Q"])
        #expect(package.wrongImports(SourceFile("Sources/X/A.swift", "")).count == 1)
        let locks = "import Synchronization"
        #expect(package.wrongImports(SourceFile("Sources/HTTP1/A.swift", locks)).count == 1)
        #expect(package.wrongImports(SourceFile("Sources/Pure/A.swift", locks)) == [])
        for code in [
            "unsafe a()", "UnsafePointer<Int>", "withUnsafeBytes {}", "@unchecked Sendable",
        ] {
            for (module, isFound) in [
                ("Pure", true), ("HTTP1", true), ("Wrapper", false), ("NewStore", false),
            ] {
                let file = SourceFile("Sources/\(module)/A.swift", "// unsafe\n\(code)\n")
                #expect(package.wrongUnsafe(file).isEmpty != isFound, "\(code) in \(module)")
            }
        }
    }
}
