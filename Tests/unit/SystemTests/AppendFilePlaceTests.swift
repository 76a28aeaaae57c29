// What stands at a path: who owns it, what becomes of it, and what is not followed.

import Foundation
import Glibc
import Testing

@testable import System

@Suite struct AppendFilePlaceTests {
    private static func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "obie-place-\(UUID().uuidString)"
        ).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer {
            do {
                try FileManager.default.removeItem(atPath: folder)
            } catch { Issue.record("\(error)") }
        }
        try body(folder)
    }

    /// What is done to the file, with a shell in its folder, and what has become of it then.
    static let fates: [(command: String, place: AppendFile.Place)] = [
        ("true", .atItsPath), ("mv log log.1", .moved), ("rm log", .removed),
        ("mv log log.1; touch log", .moved), ("rm log; touch log", .removed),
        ("cp log log.1; : > log", .atItsPath), ("mv log log.1; ln -s log.1 log", .moved),
        ("ln log log.1; rm log", .moved), ("mv log log.1; mkdir log", .moved),
        ("cd ..; mv \"$OLDPWD\" \"$OLDPWD.away\"; mkdir \"$OLDPWD\"", .moved),
        ("mv log log.1; mv log.1 log", .atItsPath),
    ]

    @Test(arguments: fates)
    func fateOfAFileIsSeen(command: String, place: AppendFile.Place) throws {
        try Self.withFolder { folder in
            let file = try AppendFile("\(folder)/log", .append)
            let shell = Process()
            shell.executableURL = URL(filePath: "/bin/sh")
            shell.arguments = ["-c", "cd '\(folder)' && \(command)"]
            shell.environment = ["PATH": "/usr/bin:/bin", "OLDPWD": folder]
            try shell.run()
            shell.waitUntilExit()
            #expect(shell.terminationStatus == 0)
            #expect(file.place() == place)
            if FileManager.default.fileExists(atPath: "\(folder).away") {
                try FileManager.default.removeItem(atPath: "\(folder).away")
            }
        }
    }

    @Test(arguments: [AppendFile.Access.append, .overwrite])
    func symbolicLinkIsNotFollowed(access: AppendFile.Access) throws {
        try Self.withFolder { folder in
            let target = "\(folder)/target"
            try Data("mine\n".utf8).write(to: URL(filePath: target))
            for name in ["link", "dangling"] {
                let pointsTo = name == "link" ? target : "\(folder)/absent"
                try FileManager.default.createSymbolicLink(
                    atPath: "\(folder)/\(name)", withDestinationPath: pointsTo)
                do throws(AppendFile.Failure) {
                    _ = try AppendFile("\(folder)/\(name)", access)
                    Issue.record("\(name) was followed")
                } catch {
                    #expect(error.isLink && error.code == ELOOP)
                }
            }
            #expect(try String(contentsOfFile: target, encoding: .utf8) == "mine\n")
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/absent"))
            // A reader harms nobody.
            #expect(try AppendFile("\(folder)/link", .read).size() == 5)
        }
    }

    @Test func overwritingReplacesTheWholeContent() throws {
        try Self.withFolder { folder in
            let file = try AppendFile("\(folder)/note", .overwrite)
            for text in ["abc", "abcdef", "xy", ""] {
                try file.overwrite(Array(text.utf8))
                #expect(try String(contentsOfFile: "\(folder)/note", encoding: .utf8) == text)
            }
        }
    }

    /// Who owns it, its group, and its permissions.
    private static func facts(_ path: String) throws -> [Int?] {
        let found = try FileManager.default.attributesOfItem(atPath: path)
        return [.ownerAccountID, .groupOwnerAccountID, .posixPermissions].map { found[$0] as? Int }
    }

    /// What root makes belongs to the owner of the store, and what was there keeps its owner.
    @Test func fileThatRootMakesBelongsToTheOwnerOfAnother() throws {
        guard geteuid() == 0 else { return }
        try Self.withFolder { folder in
            let (store, log) = ("\(folder)/store", "\(folder)/log")
            try Data().write(to: URL(filePath: store))
            try #require(unsafe chown(store, 65_532, 65_533) == 0)
            _ = try AppendFile(log, .append, ownedLike: store)
            #expect(try Self.facts(log) == [65_532, 65_533, 0o600])
            try #require(unsafe chown(log, 7, 7) == 0)
            _ = try AppendFile(log, .append, ownedLike: store)
            #expect(try Self.facts(log) == [7, 7, 0o600], "what is there may be a trap")
            // Without a store the file is ours.
            _ = try AppendFile("\(folder)/other", .append, ownedLike: "\(folder)/absent")
            #expect(try Self.facts("\(folder)/other").first == 0)
        }
    }
}
