// The file with the sealing keys, beside the store. It is made together with a new store, and never again:
// other keys would void everything.

import Crypto
import System
import Tokens

enum KeyFile {
    /// Where it is if nothing else is said.
    static func path(besideStore path: String) -> String { "\(path).keys" }

    /// The keys of a store, for a server.
    ///
    /// - Parameter isNew: the store has never been used with any, so they may be made.
    static func open(
        _ source: KeySource, store: String, isNew: Bool
    ) throws(ProgramFailure) -> Keyring {
        let path: String
        switch source {
        case .besideTheStore: path = KeyFile.path(besideStore: store)
        case .file(let file): path = file
        case .credential(let name): return try credential(name)
        }
        let secret: PrivateFile.Secret
        do throws(PrivateFile.Failure) {
            secret = try PrivateFile.readSecret(path, bytesMax: bytesMax)
        } catch {
            guard error.isAbsent else { throw unreadable(error) }
            if isNew, !PrivateFile.isLink(path) { return try make(path) }
            throw missing(path, "the server of the store \(store)")
        }
        return try keyring(secret, path)
    }

    /// The keys of a store that several servers share, for one of them. None makes keys: two would make
    /// different ones.
    static func shared(
        _ source: KeySource, store: String
    ) throws(ProgramFailure) -> Keyring {
        if case .file(let path) = source, !PrivateFile.exists(path) {
            let folder = PrivateFile.missingFolder(of: path).map { " (\($0))" } ?? ""
            throw ProgramFailure(
                description:
                    "the key file \(path) is missing\(folder): copy that of another server of \(store); "
                    + "only where there is none yet, make it with `obie-tokens keys create`",
                status: 78)
        }
        guard case .besideTheStore = source else {
            return try open(source, store: store, isNew: false)
        }
        throw ProgramFailure(
            description:
                "nothing lies beside \(store): name the key file with keys-file; make it once "
                + "with `obie-tokens keys create`, and copy it to each server", status: 78)
    }

    /// The keys in a file that must be there, for a command.
    static func read(_ path: String) throws(ProgramFailure) -> Keyring {
        let secret: PrivateFile.Secret
        do throws(PrivateFile.Failure) {
            secret = try PrivateFile.readSecret(path, bytesMax: bytesMax)
        } catch {
            throw error.isAbsent ? missing(path, "the command") : unreadable(error)
        }
        return try keyring(secret, path)
    }

    /// Makes a new file with a new key.
    static func create(_ path: String) throws(ProgramFailure) {
        guard !PrivateFile.exists(path), !PrivateFile.isLink(path) else {
            throw ProgramFailure(
                description:
                    "\(path) is there already, and what its keys have sealed would be lost; "
                    + "choose another name, or use `obie-tokens keys rotate`", status: 73)
        }
        _ = try make(path)
    }

    /// Changes the keys in a file. No other command changes it meanwhile.
    ///
    /// - Parameter change: gets the keys that are in it, and returns those that are to be.
    static func change(
        _ path: String, _ change: (Keyring) throws -> Keyring
    ) throws {
        // The link would be replaced by a file, and whoever reads its target would never see the keys.
        guard !PrivateFile.isLink(path) else {
            throw ProgramFailure(
                description:
                    "\(path) is a symbolic link, and stays as it is: name the file that it "
                    + "leads to with --keys-file. The keys in a Kubernetes secret change with the "
                    + "secret: take its file, let this command change that, and replace the secret",
                status: 78)
        }
        try PrivateFile.alone(inFolderOf: path) {
            let changed = try change(try read(path))
            do throws(PrivateFile.Failure) {
                try PrivateFile.replace(path, with: changed.fileContent)
            } catch {
                throw unwritable(error)
            }
        }
    }

    private static func make(_ path: String) throws(ProgramFailure) -> Keyring {
        if let missing = PrivateFile.missingFolder(of: path) {
            throw ProgramFailure(
                description:
                    "cannot make the key file \(path): \(missing); make it, or name another "
                    + "file", status: 73)
        }
        let keyring = Keyring(SealingKey(OpenSSL(), random: SystemRandom.fill))
        do throws(PrivateFile.Failure) {
            try PrivateFile.make(keyring.fileContent, at: path)
        } catch {
            throw unwritable(error)
        }
        return keyring
    }

    private static func credential(_ name: String) throws(ProgramFailure) -> Keyring {
        guard let folder = Environment.value("CREDENTIALS_DIRECTORY") else {
            throw ProgramFailure(
                description: "the keys are to be the credential \(name), and systemd has passed "
                    + "none: put LoadCredential=\(name):/etc/obie-tokens/\(name) into the unit, "
                    + "or name a file with keys-file", status: 78)
        }
        let file = "\(folder)/\(name)"
        let content: [UInt8]
        do throws(PrivateFile.Failure) {
            content = try PrivateFile.read(file, bytesMax: bytesMax)
        } catch {
            throw ProgramFailure(
                description: "cannot read the credential \(error): make a file with `obie-tokens "
                    + "keys create`, and put LoadCredential=\(name):FILE into the unit",
                status: 78)
        }
        // Its folder is the service's alone, whatever its mode.
        return try keyring(content, file)
    }
}

// MARK: What is wrong with it

extension KeyFile {
    /// Half a million keys.
    private static let bytesMax = 1 << 24

    private static func keyring(
        _ secret: PrivateFile.Secret, _ path: String
    ) throws(ProgramFailure) -> Keyring {
        guard !secret.access.isOpenToOthers() else {
            let mode = String(secret.access.mode, radix: 8)
            throw ProgramFailure(
                description:
                    "other users may read or change the key file \(path) (mode \(mode)): run "
                    + "`chmod 600 \(path)`, or set defaultMode: 0400 where it is a Kubernetes secret; "
                    + "if others could read it, rotate the keys as well", status: 78)
        }
        return try keyring(secret.content, path)
    }

    private static func keyring(
        _ content: [UInt8], _ path: String
    ) throws(ProgramFailure) -> Keyring {
        guard let keyring = Keyring(fileContent: content, OpenSSL()) else {
            throw ProgramFailure(
                description: "\(path) is no key file: it has one key per line, each of 32 "
                    + "hexadecimal digits; bring back the one that was beside the store", status: 78
            )
        }
        return keyring
    }

    private static func missing(_ path: String, _ whoNeedsIt: String) -> ProgramFailure {
        let folder = PrivateFile.missingFolder(of: path).map { " (\($0))" } ?? ""
        return ProgramFailure(
            description:
                "the key file \(path) is missing\(folder), and \(whoNeedsIt) needs it: bring it back, "
                + "such as the .keys file of a backup, or name another one with --keys-file. "
                + "Nothing was written: a new key would open nothing that was sealed before",
            status: 78)
    }

    private static func unreadable(_ failure: PrivateFile.Failure) -> ProgramFailure {
        ProgramFailure(
            description: "cannot read the key file \(failure); "
                + (failure.isForbidden
                    ? "give it to the user that the server runs as (chown)"
                    : "bring it back, or name another one with keys-file"),
            status: failure.isForbidden ? 77 : failure.isTooLong ? 78 : 71)
    }

    private static func unwritable(_ failure: PrivateFile.Failure) -> ProgramFailure {
        ProgramFailure(
            description:
                "cannot write the key file \(failure); make sure that this user may write to "
                + "its folder, and that the disk is not full or read-only",
            status: failure.isForbidden ? 77 : 73)
    }
}
