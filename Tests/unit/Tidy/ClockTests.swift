// Nobody judges by the wall clock, which may be set at any moment: whatever lives or ends by time asks
// the timekeeper.

import Testing

enum WallClock {
    /// Who reads it all the same, and what for.
    static let readers = [
        "Sources/System/Clock.swift": "it is read here",
        "Sources/System/ReferenceClock.swift": "until another machine's clock has been measured",
        "Sources/System/Timekeeper.swift": "the time begins with it and is drawn to it",
        "Sources/Server/Watching/AccessLines.swift": "lines of the log, likewise",
        "Sources/Server/Watching/LogLine.swift": "lines of the log, beside those of other programs",
        "Sources/Server/Watching/MetricsPage.swift": "when the process started, for Prometheus",
        "Sources/Server/Loops/ServingLoop.swift": "the header Date",
        "Sources/Audit/AuditLog.swift": "for commands; a server names its timekeeper",
        "Sources/obie-tokens/Commands/CertificateOptions.swift":
            "whether a file that somebody names is in time",
        "Sources/obie-tokens/Commands/CommandTime.swift": "not before what the store has seen",
        "Sources/obie-tokens/Commands/HealthCheck.swift":
            "whether a file that somebody names is in time",
        "Sources/obie-tokens/Commands/KeyList.swift": "what is shown, and not written",
        "Sources/obie-tokens/Commands/RegistryCommands.swift": "what is shown, and not written",
        "Sources/obie-tokens/Commands/ReportCommand.swift": "what is shown, and not written",
        "Sources/obie-tokens/Commands/TLSCommands.swift": "a certificate for trying out begins now",
        "Sources/obie-tokens/Stores/SQLiteFiles.swift": "names of files that are put aside",
    ]

    static func isRead(in file: SourceFile) -> Bool {
        file.code.contains {
            $0.contains(/wallM(?:illi|icro)seconds|CLOCK_REALTIME|\btime\(nil\)/)
        }
    }
}

@Suite struct ClockTests {
    @Test func wallClockIsReadOnlyForPeople() {
        let found = TidyTests.sources.filter(WallClock.isRead).map(\.path)
        #expect(found.sorted() == WallClock.readers.keys.sorted())
    }

    @Test(arguments: [
        "let a = Clock.wallMilliseconds()", "b(Clock.wallMicroseconds)",
        "clock_gettime(CLOCK_REALTIME, &c)", "let d = time(nil)",
    ])
    func ruleCanFail(text: String) {
        #expect(WallClock.isRead(in: SourceFile("x", text)))
        #expect(!WallClock.isRead(in: SourceFile("x", "// \(text)\nlet now = clock.now()")))
    }
}
