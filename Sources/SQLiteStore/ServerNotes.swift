// What the server of a store says of itself, for commands that are about the same store: else they would
// write into another audit log, or change other keys, and nobody would notice.

import Tokens

/// Settings of a server that name files; only those that somebody has set.
public struct ServerNotes: Equatable, Sendable {
    /// What was set, by the name of the setting.
    public let settings: [String: String]

    static let bytesMax = 1 << 16

    public init(_ settings: [String: String]) {
        // One on a line: what cannot stand there is not noted.
        self.settings = settings.filter { name, value in
            !name.contains(" ") && !value.contains("\n") && value.utf8.count < 4096
        }
    }

    /// - Parameter text: as it stands in a file, behind a first line that is about something else.
    init(text: String) {
        var settings: [String: String] = [:]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropFirst() {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { settings[String(parts[0])] = String(parts[1]) }
        }
        self.settings = settings
    }

    var text: String {
        settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined()
    }

    /// Of the server that uses a store, or of the last one.
    ///
    /// - Parameter store: its path.
    public static func ofServer(store: String) -> ServerNotes {
        StoreLock.notes(ofServerOf: store)
    }

    /// Whether a server uses the store now; false also where this process may not look.
    public static func isServerRunning(store: String) -> Bool {
        do throws(StoreFailure) {
            return try StoreLock.isHeld(store)
        } catch {
            return false
        }
    }
}
