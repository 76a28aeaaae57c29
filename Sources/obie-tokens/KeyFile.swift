// The file with the sealing keys, beside the store.

import Tokens
import UV

enum KeyFile {
    /// Reads the keys; makes the file, readable for this user only, where there is none.
    static func open(_ path: String) throws(ProgramFailure) -> Keyring {
        do throws(PrivateFile.Failure) {
            _ = try PrivateFile.read(path)
        } catch  where error.isAbsent {
            return try make(path)
        } catch {
            throw ProgramFailure(description: "cannot read the key file \(error)")
        }
        return try read(path)
    }

    private static func read(_ path: String) throws(ProgramFailure) -> Keyring {
        let content: [UInt8]
        do throws(PrivateFile.Failure) {
            content = try PrivateFile.read(path)
        } catch {
            throw ProgramFailure(description: "cannot read the key file \(error)")
        }
        guard let keyring = Keyring(fileContent: content) else {
            throw ProgramFailure(
                description: "\(path) is no key file: it has one key per line, each of 32 "
                    + "hexadecimal digits; bring back the one that was beside the store")
        }
        return keyring
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
