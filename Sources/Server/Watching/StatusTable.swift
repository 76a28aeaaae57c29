// Which statuses are counted apart: all that anything here answers with, as their own lists say.

/// A row for each status, and one for whatever is forgotten there.
enum StatusTable {
    private static let codes: [Int] = {
        let errors = ErrorCode.allCases.map(\.status.code)
        let all =
            Success.allCases.map(\.status.code) + OAuthError.allCases.map(\.status.code) + errors
        return Array(Set(all)).sorted()
    }()

    static let rows = codes.count + 1

    /// By the code less 100, the row.
    private static let rowOfCode: [UInt8] = {
        var rows = [UInt8](repeating: UInt8(codes.count), count: 500)
        for (row, code) in codes.enumerated() { rows[code - 100] = UInt8(row) }
        return rows
    }()

    static func row(_ code: Int) -> Int {
        (100..<600).contains(code) ? Int(rowOfCode[code - 100]) : codes.count
    }

    /// As metrics name it.
    static func name(_ row: Int) -> String { row < codes.count ? "\(codes[row])" : "other" }
}
