// The flags of `serve`. What they mean stands in the table of settings; here are only their places.

import ArgumentParser
import System

/// Which file the settings are in.
struct ConfigOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file with settings, one a line: name = value. (default: none)", valueName: "file"))
    var config: String?
}

struct Options: ParsableArguments {
    @OptionGroup var file: ConfigOption

    @Option(help: Settings.mode.info.flagHelp)
    var mode: String?

    @Option(help: Settings.listen.info.flagHelp)
    var listen: String?

    @Option(help: Settings.adminListen.info.flagHelp)
    var adminListen: String?

    @Option(name: .customLong("public-url"), help: Settings.publicURL.info.flagHelp)
    var publicURL: String?

    @Option(help: Settings.store.info.flagHelp)
    var store: String?

    @Option(help: Settings.keysFile.info.flagHelp)
    var keysFile: String?

    @Option(help: Settings.auditLog.info.flagHelp)
    var auditLog: String?

    @Option(help: Settings.codeLifetime.info.flagHelp)
    var codeLifetime: String?

    @Option(help: Settings.accessTokenLifetime.info.flagHelp)
    var accessTokenLifetime: String?

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp("\(Settings.throttle.info.help) (default: --throttle)"))
    var throttle: Bool?

    @Option(help: Settings.loops.info.flagHelp)
    var loops: String?

    @Option(help: Settings.maxConnections.info.flagHelp)
    var maxConnections: String?

    @Option(help: Settings.headTimeout.info.flagHelp)
    var headTimeout: String?

    @Option(help: Settings.idleTimeout.info.flagHelp)
    var idleTimeout: String?

    @Option(help: Settings.drainDelay.info.flagHelp)
    var drainDelay: String?

    @Option(help: Settings.drainTimeout.info.flagHelp)
    var drainTimeout: String?

    @Option(help: Settings.logLevel.info.flagHelp)
    var logLevel: String?

    @Option(help: Settings.logFormat.info.flagHelp)
    var logFormat: String?

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp("\(Settings.accessLog.info.help) (default: --no-access-log)"))
    var accessLog: Bool?

    /// What was said, by the names of the settings.
    private var given: [String: String?] {
        [
            Settings.mode.info.name: mode,
            Settings.listen.info.name: listen,
            Settings.adminListen.info.name: adminListen,
            Settings.publicURL.info.name: publicURL,
            Settings.store.info.name: store,
            Settings.keysFile.info.name: keysFile,
            Settings.auditLog.info.name: auditLog,
            Settings.codeLifetime.info.name: codeLifetime,
            Settings.accessTokenLifetime.info.name: accessTokenLifetime,
            Settings.loops.info.name: loops,
            Settings.maxConnections.info.name: maxConnections,
            Settings.headTimeout.info.name: headTimeout,
            Settings.idleTimeout.info.name: idleTimeout,
            Settings.drainDelay.info.name: drainDelay,
            Settings.drainTimeout.info.name: drainTimeout,
            Settings.logLevel.info.name: logLevel, Settings.logFormat.info.name: logFormat,
            Settings.accessLog.info.name: accessLog.map { $0 ? "yes" : "no" },
            Settings.throttle.info.name: throttle.map { $0 ? "yes" : "no" },
        ]
    }

    /// Everything that is said anywhere. Reads the file each time.
    func load() throws(ConfigurationFailure) -> Configuration {
        try Configuration.load(flags: given, file: file.config, environment: Environment.all)
    }
}
