// A folder that goes with its owner.

import Foundation

final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appending(path: "obie-tokens-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// What a shell does with names.
enum Shell {
    private static let files = FileManager.default

    static func exists(_ path: String) -> Bool { files.fileExists(atPath: path) }

    static func remove(_ path: String) throws { try files.removeItem(atPath: path) }

    /// `mv`: what is there goes.
    static func move(_ path: String, _ target: String) throws {
        if exists(target) { try remove(target) }
        try files.moveItem(atPath: path, toPath: target)
    }

    static func link(_ path: String, _ name: String, isSymbolic: Bool) throws {
        if isSymbolic {
            try files.createSymbolicLink(atPath: name, withDestinationPath: path)
        } else {
            try files.linkItem(atPath: path, toPath: name)
        }
    }
}
