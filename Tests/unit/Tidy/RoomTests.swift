// The rooms of the house, and what each may know of the others. A room knows those below it, never
// those above: so there is a place to begin reading, and nothing turns in a circle.

import Testing

/// The rooms of one module.
struct RoomPlan: Sendable {
    /// Files that lie in no room, by their names: they wire the others.
    var wiring: Set<String> = []
    /// For each room the rooms that it may use, or single types of them, as `Room.Type`.
    var uses: [String: Set<String>]

    /// The room of the files that lie in none.
    static let wiring = "wiring"

    static let all: [String: RoomPlan] = [
        "Server": RoomPlan(uses: [
            "Text": [],
            "Answers": ["Text"],
            "Requests": ["Answers", "Text"],
            "Watching": ["Answers", "Requests"],
            // What there is to be told of has one ear.
            "Connections": [
                "Answers", "Requests", "Watching.LoopObserver", "Watching.RequestRecord",
            ],
            "Loops": ["Answers", "Connections", "Requests", "Watching"],
        ]),
        "TLS": RoomPlan(uses: ["Contexts": [], "Sessions": ["Contexts"]]),
        "Tokens": RoomPlan(uses: [
            "Identifiers": [],
            "Registry": ["Identifiers"],
            "Codes": ["Identifiers", "Registry"],
            "Stores": ["Codes", "Identifiers", "Registry"],
            "Issuing": ["Codes", "Identifiers", "Registry", "Stores"],
        ]),
        "obie-tokens": RoomPlan(
            wiring: [
                "ObieTokens", "OneLine", "Program", "ProgramFailure", "ServiceNotices", "Streams",
                "Version",
            ],
            uses: [
                "Stores": ["wiring.ProgramFailure", "wiring.Version"],
                "Settings": ["Stores", "wiring.ProgramFailure", "wiring.ServiceNotices"],
                "Serving": [
                    "Settings", "Stores.SecretSource", "wiring.ProgramFailure", "wiring.Version",
                ],
                "Commands": [
                    "Settings", "Stores", "wiring.Program", "wiring.ProgramFailure",
                ],
                "wiring": ["Commands", "Serving", "Settings", "Stores"],
            ]),
    ]
}

/// What the files of one module know of each other's rooms.
struct Rooms {
    private let plan: RoomPlan
    private let files: [SourceFile]
    /// The rooms that declare a name.
    private var homes: [Substring: Set<String>] = [:]

    init(_ plan: RoomPlan, _ files: [SourceFile]) {
        self.plan = plan
        self.files = files
        for file in files {
            for name in Rooms.declarations(file) {
                homes[name, default: []].insert(Rooms.room(file))
            }
        }
    }

    private static func room(_ file: SourceFile) -> String {
        file.room.isEmpty ? RoomPlan.wiring : file.room
    }

    /// What others can see of a file. What is nested goes by the name of what is around it.
    private static func declarations(_ file: SourceFile) -> [Substring] {
        let declaration =
            /^(?:@\w+(?:\([^)]*\))? |[a-z]+ )*?(?:struct|class|enum|protocol|typealias|actor|func|let|var) (\w+)/
        return file.code.compactMap { line in
            guard !line.hasPrefix("private "), !line.hasPrefix("fileprivate ") else { return nil }
            return line.prefixMatch(of: declaration)?.1
        }
    }

    var misplaced: [String] {
        files.filter { file in
            let name = String(file.path.split(separator: "/").last?.dropLast(6) ?? "")
            return file.room.isEmpty
                ? !plan.wiring.contains(name) : plan.uses[file.room] == nil
        }.map(\.path)
    }

    var empty: [String] { plan.uses.keys.filter { !files.map(Rooms.room).contains($0) } }

    /// Uses of another room: where, and of what.
    private var uses: [(place: String, room: String, of: String, name: Substring)] {
        files.flatMap { file in
            let room = Rooms.room(file)
            return file.words.flatMap { word, line in
                let others = homes[word] ?? []
                return (others.contains(room) ? [] : others).map { other in
                    ("\(file.path):\(line)", room, other, word)
                }
            }
        }
    }

    var forbidden: [String] {
        uses.filter { use in
            plan.uses[use.room]?.isDisjoint(with: [use.of, "\(use.of).\(use.name)"]) != false
        }.map { "\($0.place) uses \($0.of).\($0.name)" }.sorted()
    }

    /// What the plan allows and nobody does.
    var needless: [String] {
        var left = plan.uses
        for use in uses {
            left[use.room]?.remove(use.of)
            left[use.room]?.remove("\(use.of).\(use.name)")
        }
        return left.flatMap { room, uses in uses.map { "\(room) does not use \($0)" } }.sorted()
    }
}

@Suite struct RoomTests {
    static let modules = RoomPlan.all.keys.sorted()

    private func rooms(_ module: String) throws -> Rooms {
        Rooms(
            try #require(RoomPlan.all[module]), TidyTests.sources.filter { $0.module == module })
    }

    @Test(arguments: modules)
    func everyFileLiesInItsRoom(module: String) throws {
        let rooms = try rooms(module)
        #expect(rooms.misplaced == [])
        #expect(rooms.empty == [])
    }

    @Test(arguments: modules)
    func roomsUseOnlyWhatThePlanShows(module: String) throws {
        let rooms = try rooms(module)
        #expect(rooms.forbidden == [])
        #expect(rooms.needless == [])
    }

    @Test func otherModulesHaveNoRooms() {
        for file in TidyTests.sources where RoomPlan.all[file.module] == nil {
            #expect(file.room.isEmpty, "\(file.path)")
        }
    }

    @Test func everyRuleCanFail() {
        let plan = RoomPlan(
            wiring: ["Main"],
            uses: ["Low": [], "High": ["Low", "Odd.OneType"], "Odd": [], "Empty": ["Low"]])
        let rooms = Rooms(
            plan,
            [
                SourceFile("Sources/M/Low/A.swift", "public struct Below {\n    let a: Int\n}\n"),
                SourceFile(
                    "Sources/M/Low/B.swift", "// Above\nlet text = \"Above\"\nlet b: Above\n"),
                SourceFile("Sources/M/High/A.swift", "final class Above: Below {}\n"),
                SourceFile("Sources/M/High/B.swift", "let (c, d) = (OneType(), Other())\n"),
                SourceFile("Sources/M/Odd/A.swift", "enum OneType {}\nenum Other {}\n"),
                SourceFile("Sources/M/Odd/B.swift", "private struct Below {}\nlet e = \"\\(b)\"\n"),
                SourceFile("Sources/M/Main.swift", ""), SourceFile("Sources/M/Other.swift", ""),
                SourceFile("Sources/M/New/A.swift", "\n\nfunc f() { _ = Below() }\n"),
            ])
        #expect(rooms.misplaced == ["Sources/M/Other.swift", "Sources/M/New/A.swift"])
        #expect(rooms.empty == ["Empty"])
        #expect(
            rooms.forbidden == [
                "Sources/M/High/B.swift:1 uses Odd.Other",
                "Sources/M/Low/B.swift:3 uses High.Above",
                "Sources/M/New/A.swift:3 uses Low.Below", "Sources/M/Odd/B.swift:1 uses Low.Below",
                "Sources/M/Odd/B.swift:2 uses Low.b",
            ])
        #expect(rooms.needless == ["Empty does not use Low"])
    }
}
