// The file with the sealing keys, beside the store.

import System
import Tokens

enum KeyFile {
    /// Half a million keys. A file that is longer is refused, since its first part is not all of them.
    private static let bytesMax = 1 << 24

    /// The keys of the store at `path`.
    static func open(
        _ source: KeySource, store path: String
    ) throws(ProgramFailure) -> Keyring {
        switch source {
        case .besideTheStore: return try open(KeyFile.path(besideStore: path))
        case .file(let file): return try open(file)
        case .credential(let name):
            guard let folder = Environment.value("CREDENTIALS_DIRECTORY") else {
                throw ProgramFailure(
                    description:
                        "the keys are to be the credential \(name), and systemd has passed "
                        + "none: put LoadCredential=\(name):/etc/obie-tokens/\(name) into the unit, "
                        + "or name a file with keys-file", status: 78)
            }
            let file = "\(folder)/\(name)"
            let content: [UInt8]
            do throws(PrivateFile.Failure) {
                content = try PrivateFile.read(file, bytesMax: bytesMax)
            } catch {
                throw ProgramFailure(
                    description:
                        "cannot read the credential \(error): make a file with `obie-tokens "
                        + "keys create`, and put LoadCredential=\(name):FILE into the unit",
                    status: 78)
            }
            return try keyring(content, file)
        }
    }

    /// Makes a new file.
    static func create(_ path: String) throws(ProgramFailure) {
        do throws(PrivateFile.Failure) {
            _ = try PrivateFile.read(path, bytesMax: bytesMax)
        } catch  where error.isAbsent {
            _ = try make(path)
            return
        } catch {
            throw ProgramFailure(description: "cannot read \(error)")
        }
        throw ProgramFailure(
            description:
                "\(path) is there already, and what it sealed would be lost; choose another "
                + "name, or use `obie-tokens keys rotate`")
    }

    /// Where they are if nothing else is said.
    static func path(besideStore path: String) -> String { "\(path).keys" }

    /// Reads the keys; makes the file, readable for this user only, where there is none.
    private static func open(_ path: String) throws(ProgramFailure) -> Keyring {
        let content: [UInt8]
        do throws(PrivateFile.Failure) {
            content = try PrivateFile.read(path, bytesMax: bytesMax)
        } catch  where error.isAbsent {
            return try make(path)
        } catch {
            throw unreadable(error)
        }
        return try keyring(content, path)
    }

    private static func read(_ path: String) throws(ProgramFailure) -> Keyring {
        let content: [UInt8]
        do throws(PrivateFile.Failure) {
            content = try PrivateFile.read(path, bytesMax: bytesMax)
        } catch {
            throw unreadable(error)
        }
        return try keyring(content, path)
    }

    private static func keyring(
        _ content: [UInt8], _ path: String
    ) throws(ProgramFailure) -> Keyring {
        guard content.count < bytesMax, let keyring = Keyring(fileContent: content) else {
            throw ProgramFailure(
                description: "\(path) is no key file: it has one key per line, each of 32 "
                    + "hexadecimal digits; bring back the one that was beside the store")
        }
        return keyring
    }

    private static func unreadable(_ failure: PrivateFile.Failure) -> ProgramFailure {
        let fix =
            failure.isForbidden
            ? "give it to the user that the server runs as (chown)"
            : "bring it back, or name another one with keys-file"
        return ProgramFailure(
            description: "cannot read the key file \(failure); \(fix)",
            status: failure.isForbidden ? 77 : 71)
    }

    /// Puts a new key in front.
    static func rotate(_ path: String) throws(ProgramFailure) {
        let rotated = try read(path).adding(SealingKey(random: SystemRandom.fill))
        do throws(PrivateFile.Failure) {
            try PrivateFile.write(rotated.fileContent, to: path)
        } catch {
            throw ProgramFailure(description: "cannot write the key file \(error)")
        }
    }

    private static func make(_ path: String) throws(ProgramFailure) -> Keyring {
        let keyring = Keyring(SealingKey(random: SystemRandom.fill))
        do throws(PrivateFile.Failure) {
            try PrivateFile.write(keyring.fileContent, to: path)
        } catch {
            throw ProgramFailure(description: "cannot write the key file \(error)")
        }
        return keyring
    }
}
