// The store that was chosen, open, as the program knows it: by what it needs of any store.

import Metrics
import Reports
import Tokens
import UV

/// A store with what belongs to it. Opened and closed on the main thread.
protocol OpenedStore: AnyObject {
    /// For the page of metrics.
    var name: String { get }
    /// The keys of what it holds.
    var keyring: Keyring { get }
    /// Who exists. Replaced whenever it changes.
    var registry: RegistryFeed { get }

    /// When the last of what it holds was issued: the time begins not before that. nil where it holds
    /// nothing.
    var newestTime: Milliseconds? { get }

    /// What was there at the start could be read.
    var isOpen: Bool { get }
    /// False while nobody can be told anything, since what is registered may have changed; nil: it never
    /// can without the server. Any thread; must not wait.
    var isServing: (@Sendable () -> Bool)? { get }
    /// Clients should be sent here, as far as the store goes. Must not wait.
    var isReady: Bool { get }

    /// Lets commands know with which files it is used.
    ///
    /// - Parameter settings: what was set, by the name of the setting.
    func note(_ settings: [String: String]) throws(ProgramFailure)

    /// What an event loop sees of it.
    func face(_ loop: EventLoop) throws(UVError) -> any TokenStore

    /// A thread of its own has not moved on for so long: the watchdog asks. Must not wait.
    func isStuck(longerThan milliseconds: UInt64) -> Bool

    /// Where the figures of the reports are kept; nil: nowhere, and no command could read them.
    var reports: (any ReportStore)? { get }
    /// What reports call this server.
    var serverName: String { get }
    /// nil: requests can be answered, as far as is known; otherwise how long ago the store has last answered.
    /// Any thread; must not wait.
    var silence: @Sendable () -> Milliseconds? { get }

    /// Adds its families to the page of metrics. Must not wait.
    func appendMetrics(to text: inout MetricsText)

    /// What was brought up to date in it when it was opened, for people; nil: nothing was.
    var migration: String? { get }

    /// What it has done in all, for people; nil where there is nothing to tell.
    var summary: String? { get }

    /// Finishes what is queued. All loops must have ended. Call once.
    func close()
}

extension OpenedStore {
    var isOpen: Bool { true }
    var isServing: (@Sendable () -> Bool)? { nil }
    var isReady: Bool { true }
    var reports: (any ReportStore)? { nil }
    var serverName: String { "" }
    var silence: @Sendable () -> Milliseconds? { { nil } }
    var migration: String? { nil }
}
