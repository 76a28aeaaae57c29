// Finds the host that takes changes: one after the other, the last good one first.

import Tokens

/// Opens sessions. One thread at a time.
final class Connector {
    private let settings: ConnectionSettings
    private let timeoutMilliseconds: Int
    /// The host that is tried first.
    private var first = 0

    /// What each of our connections says at its beginning. Nobody waits for a lock for ever.
    private var opening: String {
        """
        SELECT \(SessionSetup.durability); SET lock_timeout = \(timeoutMilliseconds * 4 / 5);
        SET idle_in_transaction_session_timeout = 60000
        """
    }

    /// - Parameter timeoutMilliseconds: for each host, and then for each statement.
    init(_ settings: ConnectionSettings, timeoutMilliseconds: Int) {
        self.settings = settings
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    var place: String { settings.place }

    /// Tries each host once.
    ///
    /// - Throws: what the hosts have said, in one sentence.
    func connect() throws(SessionError) -> BlockingSession {
        var failures: [SessionError] = []
        for offset in settings.hosts.indices {
            let index = (first + offset) % settings.hosts.count
            do throws(SessionError) {
                let session = try connect(Host(settings.hosts[index]))
                first = index
                return session
            } catch {
                failures.append(error)
            }
        }
        // The next time another one begins: this one may be silent, which costs the time of all.
        first = (first + 1) % settings.hosts.count
        throw SessionError(
            state: failures.compactMap(\.state).first,
            description: failures.map(\.description).joined(separator: "; "), isConnectionLost: true
        )
    }

    /// Tries each address of a host, as long as there is time.
    private func connect(_ host: Host) throws(SessionError) -> BlockingSession {
        let deadline = Deadline(milliseconds: timeoutMilliseconds)
        // libpq's own look-up would keep to no time.
        let addresses: [String?] =
            if let name = host.name { try BlockingLookup.addresses(of: name, deadline) } else {
                [nil]
            }
        var failure = SessionError(
            description: "\(host.description) does not answer", isConnectionLost: true)
        for address in addresses where deadline.milliseconds > 0 {
            do throws(SessionError) {
                let session = try BlockingSession(
                    host.keywords(address), connectMilliseconds: Int(deadline.milliseconds),
                    timeoutMilliseconds: timeoutMilliseconds)
                try session.script(opening)
                return session
            } catch {
                failure = error
            }
        }
        throw failure
    }
}
