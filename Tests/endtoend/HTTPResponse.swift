// One answer as it came over the wire, read strictly: a stray byte in the head is an error.

import Foundation

struct HTTPResponse: Sendable {
    let receivedAt = Date()
    var version: String
    var status: Int
    /// In the order received.
    var fields: [(name: String, value: String)] = []
    var body: [UInt8] = []

    /// - Parameter head: without the blank line at its end.
    init(head: String) throws {
        var lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)[...]
        let parts = lines.removeFirst().split(
            separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].hasPrefix("HTTP/1."), parts[1].count == 3,
            let status = Int(parts[1])
        else {
            throw ClientError.malformed("status line in \(head)")
        }
        version = String(parts[0])
        self.status = status
        for line in lines {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex,
                !line.contains(where: { $0 == "\r" || $0 == "\n" })
            else {
                throw ClientError.malformed("field line \(line)")
            }
            let value = line[line.index(after: colon)...]
            guard value.hasPrefix(" "), !value.hasPrefix("  "), !value.hasSuffix(" ") else {
                throw ClientError.malformed("white space in \(line)")
            }
            fields.append((String(line[..<colon]), String(value.dropFirst())))
        }
    }

    /// Every value of that name, in order.
    func values(_ name: String) -> [String] {
        fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }

    /// The value, nil unless there is exactly one.
    subscript(name: String) -> String? {
        let values = values(name)
        return values.count == 1 ? values.first : nil
    }

    var text: String { String(decoding: body, as: UTF8.self) }
}
