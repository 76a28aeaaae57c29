// Everything that is set: the text of each setting, where it stands, and its value.

/// The settings of one run. Every text in it has been checked.
///
/// A row of the table is read by its name, with its type: `settings.idleTimeout`.
@dynamicMemberLookup
struct Settings: Sendable {
    enum Origin: Equatable, Sendable, CustomStringConvertible {
        case flag
        case environment(String)
        case file(String, line: Int)
        /// What the server of the same store has set.
        case server
        case fallback

        var description: String {
            switch self {
            case .flag: "flag"
            case .environment(let name): "environment \(name)"
            case .file(let path, let line): "\(path):\(line)"
            case .server: "the store's server"
            case .fallback: "default"
            }
        }

        /// How a complaint about a value begins.
        fileprivate func subject(_ name: String) -> String {
            switch self {
            case .flag: "--\(name)"
            case .environment(let variable): variable
            case .file(let path, let line): "\(name) in \(path), line \(line)"
            case .server, .fallback: name
            }
        }
    }

    typealias Written = (text: String, origin: Origin)

    private var written: [String: Written] = [:]

    /// The value of a row of the table.
    subscript<Value>(dynamicMember row: KeyPath<SettingsTable, Setting<Value>>) -> Value {
        let setting = SettingsTable.rows[keyPath: row]
        return setting.value(written[setting.name]?.text)
    }

    /// The same for a row that is at hand.
    func value<Value>(_ setting: Setting<Value>) -> Value {
        setting.value(written[setting.name]?.text)
    }

    /// What somebody wrote, and where; without that, the default.
    func written(_ setting: any AnySetting) -> Written {
        written[setting.name] ?? (setting.fallback, .fallback)
    }

    /// Sets it, instead of what was set before.
    ///
    /// - Throws: where the text is no value of the setting; 64 for a flag, otherwise 78.
    mutating func set(
        _ setting: any AnySetting, to text: String, from origin: Origin
    ) throws(ProgramFailure) {
        written[setting.name] = (text, origin)
        do {
            written[setting.name] = (try setting.canonical(text), origin)
        } catch {
            throw failure(setting, error.message)
        }
    }

    /// Forgets what was set: the default counts.
    mutating func unset(_ setting: any AnySetting) { written[setting.name] = nil }

    /// - Throws: where two settings contradict each other.
    func checkTogether() throws(ProgramFailure) {
        if let maxConnections = self.maxConnections, let loops = self.loops, maxConnections < loops
        {
            throw failure(
                SettingsTable.rows.maxConnections,
                "\(maxConnections) connections are fewer than \(loops) loops, and each loop needs "
                    + "one; raise it, or lower loops")
        }
        for listener in TLSListener.all { try checkTogether(listener) }
        if !self.store.isShared {
            for setting in [
                SettingsTable.rows.storePasswordFile as any AnySetting,
                SettingsTable.rows.requireStandby,
            ] where written(setting).origin != .fallback && written(setting).text != "no" {
                throw failure(
                    setting,
                    "it is about a store in a database; write --store postgres://…, or "
                        + "leave it out")
            }
        }
    }

    /// A complaint about the value of a setting. It says where the value stands.
    func failure(_ setting: any AnySetting, _ reason: String) -> ProgramFailure {
        let origin = written(setting).origin
        return ProgramFailure(
            description: "\(origin.subject(setting.name)): \(reason)",
            status: origin == .flag ? 64 : 78)
    }

    /// Where to correct a setting: what counts of it stands there.
    func place(of setting: any AnySetting) -> String {
        let origin = written(setting).origin
        return origin == .fallback ? "--\(setting.name)" : origin.subject(setting.name)
    }

    /// These settings, with a new text for each one that SIGHUP can change.
    ///
    /// - Throws: where they contradict each other then.
    func reloaded(_ fresh: Settings) throws(ProgramFailure) -> Settings {
        var merged = self
        for setting in SettingsTable.all where setting.isReloadable {
            merged.written[setting.name] = fresh.written[setting.name]
        }
        try merged.checkTogether()
        return merged
    }
}
