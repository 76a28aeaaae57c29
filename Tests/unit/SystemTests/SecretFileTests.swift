// Files with secrets: who else may read them, and that they change as a whole.

import Foundation
import Synchronization
import Testing

@testable import System

@Suite struct SecretFileTests {
    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "obie-secret-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private func content(_ path: String) throws -> [UInt8] {
        try PrivateFile.readSecret(path, bytesMax: 1000).content
    }

    /// Owner, mode, who reads it. 1000 is the service's user, 0 is root.
    @Test(arguments: [
        (UInt32(1000), UInt32(0o600), UInt32(1000), false), (1000, 0o400, 1000, false),
        (1000, 0o640, 1000, true), (1000, 0o604, 1000, true), (1000, 0o620, 1000, true),
        (1000, 0o644, 0, true), (1000, 0o600, 0, false), (1001, 0o644, 1000, true),
        (0, 0o600, 0, false), (0, 0o640, 0, true), (0, 0o644, 0, true),
        // Kubernetes with an fsGroup, Kubernetes by default, systemd.
        (0, 0o440, 1000, false), (0, 0o644, 1000, false), (0, 0o400, 1000, false),
        (0, 0o664, 1000, true), (0, 0o646, 1000, true),
    ])
    func fileIsForItsOwner(owner: UInt32, mode: UInt32, user: UInt32, isOpen: Bool) {
        let access = PrivateFile.Access(owner: owner, group: 0, mode: mode)
        #expect(access.isOpenToOthers(user: user) == isOpen)
        let pipe = PrivateFile.Access(owner: owner, group: 0, mode: mode, isRegular: false)
        #expect(!pipe.isOpenToOthers(user: user))
    }

    /// It is waited for, and not for ever.
    @Test func pipeThatNobodyWritesIntoIsAnError() throws {
        try inFolder { (folder) throws in
            let path = "\(folder)/pipe"
            #expect(unsafe mkfifo(path, 0o600) == 0)
            let failure = #expect(throws: PrivateFile.Failure.self) {
                _ = try PrivateFile.readSecret(path, bytesMax: 1000, pipeMilliseconds: 10)
            }
            #expect(failure?.description == "\(path): it is a pipe, and nobody writes into it")
            #expect(throws: PrivateFile.Failure.self) {
                _ = try PrivateFile.read(path, pipeMilliseconds: 10)
            }
            let writer = Thread {
                let descriptor = unsafe open(path, O_WRONLY)
                _ = unsafe write(descriptor, "abc", 3)
                close(descriptor)
            }
            writer.start()
            #expect(try PrivateFile.read(path, pipeMilliseconds: 60_000) == Array("abc".utf8))
        }
    }

    @Test func newFileNeverReplacesAnother() throws {
        try inFolder { folder in
            let path = "\(folder)/keys"
            try PrivateFile.make([1], at: path)
            #expect(try PrivateFile.readSecret(path, bytesMax: 10).access.mode == 0o600)
            #expect(throws: PrivateFile.Failure.self) { try PrivateFile.make([2], at: path) }
            #expect(try content(path) == [1])
            // Nor a link that leads nowhere.
            let link = "\(folder)/link"
            try FileManager.default.createSymbolicLink(
                atPath: link, withDestinationPath: "\(folder)/nowhere")
            #expect(PrivateFile.isLink(link) && !PrivateFile.isLink(path))
            #expect(throws: PrivateFile.Failure.self) { try PrivateFile.make([2], at: link) }
            #expect(PrivateFile.isLink(link))
            #expect(
                Set(try FileManager.default.contentsOfDirectory(atPath: folder)) == [
                    "keys", "link",
                ])
        }
    }

    @Test func changedFileKeepsItsModeAndALinkStays() throws {
        try inFolder { folder in
            let path = "\(folder)/keys"
            try PrivateFile.make([1], at: path)
            try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: path)
            if geteuid() == 0 {
                try FileManager.default.setAttributes([.ownerAccountID: 65534], ofItemAtPath: path)
            }
            try PrivateFile.replace(path, with: [2, 3])
            let (bytes, access) = try PrivateFile.readSecret(path, bytesMax: 10)
            #expect(bytes == [2, 3] && access.mode == 0o400)
            #expect(access.owner == (geteuid() == 0 ? 65534 : geteuid()))
            let link = "\(folder)/link"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
            #expect(throws: PrivateFile.Failure.self) { try PrivateFile.replace(link, with: [4]) }
            #expect(PrivateFile.isLink(link))
            #expect(try content(path) == [2, 3])
            #expect(throws: PrivateFile.Failure.self) {
                try PrivateFile.replace("\(folder)/absent", with: [4])
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
        }
    }

    /// Without it a key would be lost of two that are added at once.
    @Test func changesComeOneAfterTheOther() throws {
        try inFolder { folder in
            let path = "\(folder)/keys"
            try PrivateFile.make([], at: path)
            let failures = Mutex(0)
            DispatchQueue.concurrentPerform(iterations: 8) { number in
                do {
                    try PrivateFile.alone(inFolderOf: path) {
                        let old = try PrivateFile.readSecret(path, bytesMax: 1000).content
                        // Long enough for another one to read the same.
                        usleep(5000)
                        try PrivateFile.replace(path, with: old + [UInt8(number)])
                    }
                } catch {
                    failures.withLock { $0 += 1 }
                }
            }
            #expect(failures.withLock { $0 } == 0)
            #expect(Set(try content(path)) == Set(0..<8))
        }
    }

    /// A part of it would be other keys, lists or settings than the whole.
    @Test func fileIsReadWholeOrNotAtAll() throws {
        try inFolder { folder in
            let path = "\(folder)/keys"
            let long = [UInt8](repeating: 7, count: 200_000)
            try PrivateFile.make(long, at: path)
            #expect(try PrivateFile.readSecret(path, bytesMax: .max).content == long)
            #expect(try PrivateFile.read(path, bytesMax: 200_000) == long)
            let failure = #expect(throws: PrivateFile.Failure.self) {
                try PrivateFile.read(path, bytesMax: 199_999)
            }
            #expect(failure?.isTooLong == true)
            #expect(failure?.description == "\(path): it has more than 199999 bytes")
        }
    }
}
