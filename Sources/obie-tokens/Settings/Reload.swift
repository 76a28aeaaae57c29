// SIGHUP: what can change while the server runs changes. The rest is named.

import Server
import UV

/// Reads the settings again. The main thread.
final class Reload {
    private let flags: SettingFlags<EverySetting>
    private(set) var settings: Settings

    init(_ flags: SettingFlags<EverySetting>) throws(ProgramFailure) {
        self.flags = flags
        settings = try flags.read()
        // Until the server listens for the signal, it would end the process in the middle of its
        // start.
        Signal.ignore(Signal.hangUp)
    }

    /// Where anything is wrong, everything stays as it was, and one line says why.
    func perform(_ server: Server, _ notices: ServiceNotices, _ logger: Logger) {
        notices.reloading()
        defer { notices.reloaded() }
        let old = settings
        let fresh: Settings
        do throws(ProgramFailure) {
            fresh = try flags.read()
            settings = try old.reloaded(fresh)
        } catch {
            logger.log(.error, "nothing was reloaded: \(error)")
            return
        }
        // What needs a restart is named each time until there is one.
        let changed = SettingsTable.all.filter { old.written($0).text != fresh.written($0).text }
        for setting in changed {
            let (was, new) = (old.written(setting).text, fresh.written(setting).text)
            if setting.isReloadable {
                logger.log(.info, "reloaded: \(setting.name) is \(new) now, it was \(was)")
            } else {
                logger.log(
                    .warning,
                    "\(setting.name) can only change at a restart: it stays \(was), not \(new)")
            }
        }
        if changed.isEmpty { logger.log(.info, "reloaded: no setting has changed") }
        server.reload(ServerLimits(settings))
        logger.set(settings.logLevel, isAccessLogged: settings.accessLog)
    }
}
