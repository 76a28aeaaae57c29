// Counts the requests of one event loop for the reports: by institution and endpoint.

import Reports
import Tokens

/// Finds the cell of a request without a dictionary. The loop's thread.
final class LoopReports {
    /// So many institutions have figures of their own; those that come later are counted under none.
    static let institutionsMax = 1024
    private static let places = 2048

    /// The cells of one institution, by endpoint.
    private final class Row {
        let number: UInt32
        let cells: [ReportCell]

        init(_ number: UInt32, _ cells: [ReportCell]) {
            (self.number, self.cells) = (number, cells)
        }
    }

    private let collector: ReportCollector
    private let reference: (Institution.ID) -> String?
    /// By number; a row that finds its place taken stands in the next one that is free.
    private var rows = [Row?](repeating: nil, count: places)
    private var rowCount = 0
    private let none: Row
    private var current: Row
    private var currentNumber: UInt32 = 0

    /// - Parameter reference: of an institution that is registered.
    init(_ collector: ReportCollector, reference: @escaping (Institution.ID) -> String?) {
        self.collector = collector
        self.reference = reference
        none = Row(0, collector.addCells(""))
        current = none
    }

    /// A request is finished.
    func answered(_ record: borrowing RequestRecord, status: Int, microseconds: Int) {
        guard let endpoint = record.route.reported else { return }
        if record.institution != currentNumber { turn(to: record.institution) }
        current.cells[endpoint.rawValue].observe(status: status, microseconds: microseconds)
        if status >= 500 || microseconds > OutageWatch.requestPatienceMicroseconds {
            collector.failed(endpoint, microseconds: microseconds)
        } else if status < 400, collector.isFailing(endpoint) {
            collector.succeeded(endpoint)
        }
    }

    private func turn(to number: UInt32) {
        currentNumber = number
        current = number == 0 ? none : row(number)
    }

    private func row(_ number: UInt32) -> Row {
        // Eleven bits (Knuth's multiplicative hash).
        var place = Int((number &* 2_654_435_769) &>> 21)
        while let row = rows[place] {
            if row.number == number { return row }
            place = (place + 1) % LoopReports.places
        }
        guard rowCount < LoopReports.institutionsMax,
            let reference = reference(Institution.ID(number))
        else { return none }
        let row = Row(number, collector.addCells(reference))
        rows[place] = row
        rowCount += 1
        return row
    }
}
