// obie-tokens report: the figures that an authority asks for, and the outages behind them.

import ArgumentParser
import Reports
import System
import Tokens

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Reports requests, availability and outages by day, for an authority.",
        subcommands: [KPI.self, Incidents.self])

    /// Which days, and how they are printed.
    struct Options: ParsableArguments {
        @Option(help: ArgumentHelp("The first day, in UTC.", valueName: "yyyy-mm-dd"))
        var from: String
        @Option(help: ArgumentHelp("The last day, in UTC.", valueName: "yyyy-mm-dd"))
        var to: String
        @Option(help: ArgumentHelp("table, csv or json.", valueName: "format"))
        var format = ReportFormat.table

        func days() throws(ProgramFailure) -> ClosedRange<Int> {
            let first = try Options.day(from, "--from"), last = try Options.day(to, "--to")
            guard first <= last else {
                throw ProgramFailure(
                    description: "--from \(from) is after --to \(to); exchange them", status: 64)
            }
            guard last - first < Options.daysMax else {
                throw ProgramFailure(
                    description:
                        "from \(from) to \(to) are more than \(Options.daysMax) days; "
                        + "figures are kept for 13 months, so ask for less", status: 64)
            }
            return first...last
        }

        var nothingCounted: String {
            "nothing was counted from \(from) to \(to): no server had run on this store by then, "
                + "or these days are still to come"
        }

        /// Tells what of the days is not known, where that is so.
        ///
        /// - Parameters:
        ///   - isCounted: anything is.
        ///   - counted: between which moments; nil: from the first day on, or to the last.
        func remark(
            _ isCounted: Bool, _ counted: (from: Milliseconds?, until: Milliseconds?)
        ) {
            guard isCounted else { return Program.log(nothingCounted) }
            if let from = counted.from {
                Program.log(
                    "nothing was counted before \(Timestamp.text(from)), when the first server began on "
                        + "this store")
            }
            if let until = counted.until {
                Program.log("nothing is known of the time after \(Timestamp.text(until))")
            }
        }

        /// More than are ever kept: a slip of the pen would make millions of lines.
        private static let daysMax = 1000

        private static func day(_ text: String, _ option: String) throws(ProgramFailure) -> Int {
            guard let day = CalendarDay.parse(text) else {
                throw ProgramFailure(
                    description:
                        "\(option) is a day from 1970 on, such as 2026-11-29, not \(text)",
                    status: 64)
            }
            return day
        }
    }

    struct KPI: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "kpi",
            abstract: "Requests, availability, times and errors by day, institution and endpoint.",
            discussion: """
                A server may be using the store meanwhile; what it has counted in the last minute is \
                not in it yet, and nothing since the store takes no changes. docs/reports.md says what each \
                column means; the package has it in /usr/share/doc/obie-tokens.

                --fi=- is for the requests of no institution, whose line has a dash.

                Exit status: 0; 64 for a wrong option; 65 for an institution that is not registered and \
                has no figures; 66 if there is no such store; 71 if it cannot be read; 74 if standard \
                output takes nothing; 77 where this user may not read it; 78 for a wrong setting, and for a store that is not ours or newer.
                """)

        @OptionGroup var options: Options
        @Option(help: ArgumentHelp("Of this institution only.", valueName: "reference"))
        var fi: String?
        @OptionGroup var flags: SettingFlags<StoreToRead>

        func run() throws {
            let days = try options.days()
            let source = try ReportSource(flags, days)
            let registered = try source.institutions()
            if let fi, fi != "-", !registered.contains(fi),
                !source.content.figures.contains(where: { $0.key.institution == fi })
            {
                throw ProgramFailure(
                    description:
                        "\(fi) is not registered, and has no figures on "
                        + "these days; `obie-tokens fi list` shows who is", status: 65)
            }
            let report = KPIReport(
                source.content, days: days, institutions: registered,
                only: fi == "-" ? "" : fi, now: Clock.wallMilliseconds())
            try ReportSource.print(report.rendered(options.format))
            options.remark(report.isCounted, report.counted)
        }
    }

    struct Incidents: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Each outage: when, how many requests failed, and why as far as it is known.",
            discussion: """
                Exit status: 0; 64 for a wrong option; 66 if there is no such store; 71 if it cannot be \
                read; 74 if standard output takes nothing; 77 where this user may not read it; 78 for a wrong setting, and for a store that \
                is not ours or newer.
                """)

        @OptionGroup var options: Options
        @OptionGroup var flags: SettingFlags<StoreToRead>

        func run() throws {
            let days = try options.days()
            let report = IncidentReport(
                try ReportSource(flags, days).content, days: days, now: Clock.wallMilliseconds())
            let hasNothing = report.incidents.isEmpty && options.format == .table
            if !hasNothing {
                try ReportSource.print(report.rendered(options.format, Timestamp.text))
            }
            options.remark(report.isCounted, report.counted)
            guard report.isCounted, hasNothing else { return }
            let isWhole = report.counted == (nil, nil)
            Program.log(
                isWhole
                    ? "no outage from \(options.from) to \(options.to)"
                    : "no outage in the time that was counted")
        }
    }
}

extension ReportFormat: ExpressibleByArgument {}

/// A store that a report is made from.
private struct ReportSource {
    let content: ReportContent
    private let administration: any StoreAdministration

    init(
        _ flags: SettingFlags<StoreToRead>, _ days: ClosedRange<Int>
    ) throws(ProgramFailure) {
        let settings = try flags.readForStore()
        administration = try settings.storeAdministration()
        do throws(StoreFailure) {
            guard let content = try administration.reports(days) else {
                throw StoreFailure(
                    "there is no store \(settings.chosenStore.place); choose the right one with --store",
                    .absent)
            }
            self.content = content
        } catch {
            throw ProgramFailure(error)
        }
    }

    /// Those that are registered, though they may have no figures.
    func institutions() throws(ProgramFailure) -> [String] {
        do {
            guard try administration.mode() != nil else { return [] }
            return try administration.registry(makes: false).load().institutions.keys.sorted()
        } catch {
            throw (error as? StoreFailure).map { ProgramFailure($0) }
                ?? ProgramFailure(description: "cannot read the registry: \(error)")
        }
    }

    static func print(_ bytes: [UInt8]) throws(ProgramFailure) {
        do throws(StandardOutput.Failure) {
            try StandardOutput.write(String(decoding: bytes, as: UTF8.self))
        } catch {
            throw ProgramFailure(
                description: "standard output takes nothing: \(error)", status: 74)
        }
    }
}
