// SIGHUP: what can change while the server runs changes. The rest is named.

import Server
import UV

/// Reads the settings again. The main thread.
final class Reload {
    private let flags: SettingFlags<EverySetting>
    private(set) var settings: Settings

    /// What has become of the files with certificates after SIGHUP.
    enum Files {
        /// There are none.
        case none
        case taken
        /// Something is wrong with one of them.
        case refused
    }

    init(_ flags: SettingFlags<EverySetting>) throws(ProgramFailure) {
        self.flags = flags
        // SIGHUP is held by now: what changes from here on is read again once the server listens.
        settings = try flags.read()
    }

    /// Where anything is wrong, all settings stay as they were, and one line says why.
    ///
    /// - Parameter files: what has become of those with certificates.
    func perform(
        _ server: Server, files: Files, _ notices: ServiceNotices, _ logger: Logger
    ) {
        notices.reloading()
        defer { notices.reloaded() }
        let old = settings
        let fresh: Settings
        do throws(ProgramFailure) {
            fresh = try flags.read()
            settings = try old.reloaded(fresh)
        } catch {
            let what = files == .taken ? "no setting" : "nothing"
            logger.log(.error, "\(what) was reloaded: \(error)")
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
        if changed.isEmpty {
            logger.log(
                .info,
                files == .refused
                    ? "nothing was reloaded: no setting has changed, and the certificates were refused"
                    : "reloaded: no setting has changed")
        }
        server.reload(ServerLimits(settings))
        logger.set(settings.logLevel, isAccessLogged: settings.accessLog)
    }
}
