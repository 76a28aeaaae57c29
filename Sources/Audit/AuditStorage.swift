// What the log needs of a file, and why it could not have it.

import System

/// Why the log could not be opened, written or read: one sentence that says what to do where
/// something can be done.
public struct AuditFailure: Error, CustomStringConvertible, Sendable {
    public let description: String
    /// The raw `errno`; 0 where the system did not refuse anything.
    public let code: Int32
    /// The process has no more open files or threads; another file would not help.
    public let isShortage: Bool
    /// Room can be made while the server runs.
    let isFullDisk: Bool

    init(
        _ description: String, code: Int32 = 0, isShortage: Bool = false, isFullDisk: Bool = false
    ) {
        self.description = description
        self.code = code
        self.isShortage = isShortage
        self.isFullDisk = isFullDisk
    }

    init(_ failure: AppendFile.Failure) {
        let advice =
            if failure.isLink {
                " is a symbolic link, which is not followed; name the file itself"
            } else if failure.isForbidden {
                "; the file must belong to the user that the server runs as (chown)"
            } else { "" }
        self.init(
            (failure.isLink ? failure.path : failure.description) + advice, code: failure.code,
            isShortage: failure.isShortage, isFullDisk: failure.isFullDisk)
    }
}

/// What the log needs of a file. `AppendFile` says what each does.
protocol AuditStorage: AnyObject {
    var path: String { get }
    func lock(withinMilliseconds patience: Int) throws(AppendFile.Failure)
    func unlock()
    func place() -> AppendFile.Place
    func size() throws(AppendFile.Failure) -> Int
    func read(at offset: Int, countMax: Int) throws(AppendFile.Failure) -> [UInt8]
    func append(_ bytes: [UInt8]) throws(AppendFile.Failure)
    func rewrite(_ bytes: [UInt8], at offset: Int) throws(AppendFile.Failure)
    func truncate(to size: Int) throws(AppendFile.Failure)
    func sync() throws(AppendFile.Failure)
}

extension AppendFile: AuditStorage {}
