// Where the password of the database comes from, and who else may read it.

import System
import Tokens

/// Where the password of the database stands.
public enum PasswordSource: Equatable, Sendable {
    /// Nowhere that we know of: libpq looks into its own password file.
    case library
    case file(String)
    /// A file of this name in systemd's `$CREDENTIALS_DIRECTORY`.
    case credential(String)
}

extension ConnectionSettings {
    /// Reads the password, from the disk each time: it may have been replaced. Blocks.
    ///
    /// - Parameter environment: of the process.
    /// - Throws: `StoreFailure` where it cannot be read, or others may read it; and where this machine has no
    ///   libpq.
    public init(
        _ url: StoreURL, _ source: PasswordSource, name: String,
        environment: [String: String] = Environment.all
    ) throws(StoreFailure) {
        try LibPQ.load()
        let password = try StorePassword.read(source, environment)
        var hasFile = false
        if password == nil {
            hasFile = try StorePassword.checkLibraryFile(url.parameters["passfile"], environment)
        }
        self.init(url, password: password, hasPasswordFile: hasFile, name: name)
    }
}

enum StorePassword {
    /// A password that is longer is none: libpq takes no more.
    private static let bytesMax = 1000
    private static let libraryFileBytesMax = 1 << 20

    /// - Returns: nil where nobody names one.
    static func read(
        _ source: PasswordSource, _ environment: [String: String]
    ) throws(StoreFailure) -> String? {
        switch source {
        case .library: return nil
        case .file(let path): return try password(path, isOfService: false)
        case .credential(let name):
            guard let folder = environment["CREDENTIALS_DIRECTORY"] else {
                throw StoreFailure(
                    "the password of the store is to be the credential \(name), and systemd has passed "
                        + "none: put LoadCredential=\(name):/etc/obie-tokens/\(name) into the unit, or "
                        + "name a file with store-password-file", .configuration)
            }
            return try password("\(folder)/\(name)", isOfService: true)
        }
    }

    private static func password(
        _ path: String, isOfService: Bool
    ) throws(StoreFailure) -> String {
        let secret: PrivateFile.Secret
        do throws(PrivateFile.Failure) {
            // With the end of its line.
            secret = try PrivateFile.readSecret(path, bytesMax: bytesMax + 2)
        } catch {
            if error.isTooLong { throw noPassword(path) }
            throw StoreFailure(
                "cannot read the password of the store \(error); name its file with "
                    + "store-password-file, and give it to the user that the server runs as (chown)",
                error.isForbidden ? .rights : .configuration)
        }
        // A credential's folder is the service's alone, whatever its mode.
        if !isOfService { try check(path, secret.access) }
        var content = secret.content[...]
        while let last = content.last, last == 0x0A || last == 0x0D { content.removeLast() }
        guard !content.isEmpty, content.count <= bytesMax, !content.contains(0),
            !content.contains(0x0A), let text = String(validating: content, as: UTF8.self)
        else { throw noPassword(path) }
        return text
    }

    private static func noPassword(_ path: String) -> StoreFailure {
        StoreFailure(
            "\(path) has no password: it has the password on one line, and nothing else",
            .configuration)
    }

    /// libpq ignores a password file that others may read, and merely warns: the connection would fail
    /// for a reason that nobody sees.
    ///
    /// - Parameter named: what the address says.
    /// - Returns: whether there is one.
    static func checkLibraryFile(
        _ named: String?, _ environment: [String: String]
    ) throws(StoreFailure) -> Bool {
        let fallback = environment["HOME"].map { "\($0)/.pgpass" }
        guard let path = named ?? environment["PGPASSFILE"] ?? fallback else { return false }
        let secret: PrivateFile.Secret
        do throws(PrivateFile.Failure) {
            secret = try PrivateFile.readSecret(path, bytesMax: libraryFileBytesMax)
        } catch {
            // The home of another user: whoever changes the user often leaves HOME as it was.
            let isForeignHome = error.isForbidden && environment["PGPASSFILE"] == nil
            if named == nil, error.isAbsent || isForeignHome { return false }
            throw StoreFailure(
                "cannot read libpq's password file \(error); name another one with passfile=, or the "
                    + "password's own file with store-password-file",
                error.isForbidden ? .rights : .configuration)
        }
        // Stricter than for our own files: libpq takes none that its group may read.
        guard secret.access.isRegular, secret.access.mode & 0o077 == 0 else {
            throw failure(path, secret.access.mode)
        }
        return true
    }

    private static func check(
        _ path: String, _ access: PrivateFile.Access
    ) throws(StoreFailure) {
        if access.isOpenToOthers() { throw failure(path, access.mode) }
    }

    private static func failure(_ path: String, _ mode: UInt32) -> StoreFailure {
        StoreFailure(
            "other users may read or change the password of the store in \(path) (mode "
                + "\(String(mode, radix: 8))): run `chmod 600 \(path)`; if others could read it, give "
                + "the role another password as well", .configuration)
    }
}
