// SIGHUP: what can be changed while the server runs is, and the rest is named.

import Server
import UV

/// Reads the settings again. The main thread.
final class Reload {
    private let options: Options
    private var loaded: Configuration
    private(set) var settings: ServeSettings

    init(_ options: Options, _ loaded: Configuration) throws(ConfigurationFailure) {
        self.options = options
        self.loaded = loaded
        settings = try ServeSettings(loaded)
        // Until the server takes it: it would end the process in the middle of its start.
        Signal.ignore(Signal.hangUp)
    }

    /// Where anything is wrong everything stays as it was, and one line says why.
    func perform(_ server: Server, _ notices: ServiceNotices, _ logger: Logger) {
        notices.reloading()
        defer { notices.reloaded() }
        let fresh: Configuration
        let wanted: ServeSettings
        do throws(ConfigurationFailure) {
            fresh = try options.load()
            wanted = try ServeSettings(fresh)
        } catch {
            logger.log(.error, "nothing was reloaded: \(error)")
            return
        }
        var changes = 0
        for setting in Settings.all {
            let old = loaded.entry(setting)?.value ?? setting.fallback
            let new = fresh.entry(setting)?.value ?? setting.fallback
            guard old != new else { continue }
            changes += 1
            logger.log(
                setting.isReloadable ? .info : .warning,
                setting.isReloadable
                    ? "reloaded: \(setting.name) is \(new) now, it was \(old)"
                    : "\(setting.name) can only change at a restart: it stays \(old), not \(new)")
        }
        if changes == 0 { logger.log(.info, "reloaded: no setting has changed") }
        settings.take(wanted)
        // What needs a restart is named each time until there is one.
        loaded = loaded.taking(fresh) { $0.isReloadable }
        server.reload(settings.limits)
        logger.set(settings.logLevel, isAccessLogged: settings.isAccessLogged)
    }
}
