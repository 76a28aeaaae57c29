// Files that grow at their end.

import Foundation
import Testing

import System

@Suite struct AppendFileTests {
    private let path = FileManager.default.temporaryDirectory.appending(
        path: "obie-append-\(UUID().uuidString)"
    ).path

    /// Runs the body and removes the file.
    private func withPath(_ body: () throws -> Void) throws {
        defer { unsafe unlink(path) }
        try body()
    }

    private func content() throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path)))
    }

    @Test func bytesGoToTheEndWhoeverWroteBefore() throws {
        try withPath {
            let (one, other) = (try AppendFile(path, .append), try AppendFile(path, .append))
            try one.append([1, 2])
            try other.append([3])
            try one.append([])
            try one.append([4])
            #expect(try content() == [1, 2, 3, 4])
            #expect(try other.size() == 4)
            try other.truncate(to: 1)
            try other.append([9])
            try other.sync()
            #expect(try one.read(at: 0, countMax: 10) == [1, 9])
        }
    }

    @Test func fileIsReadableForThisUserOnly() throws {
        try withPath {
            _ = try AppendFile(path, .append)
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test(arguments: [(0, 0), (0, 3), (2, 2), (4, 5), (5, 1), (9, 9)])
    func readStopsAtTheEnd(offset: Int, countMax: Int) throws {
        try withPath {
            let file = try AppendFile(path, .append)
            try file.append([0, 1, 2, 3, 4])
            let expected = (offset..<offset + countMax).filter { $0 < 5 }.map { UInt8($0) }
            #expect(try file.read(at: offset, countMax: countMax) == expected)
            #expect(
                try AppendFile(path, .read).read(at: offset, countMax: countMax) == expected)
        }
    }

    @Test func lockIsOneObjectsAtATime() throws {
        try withPath {
            let (one, other) = (try AppendFile(path, .append), try AppendFile(path, .read))
            try one.lock(withinMilliseconds: 0)
            let began = Clock.monotonicMicroseconds()
            #expect(throws: AppendFile.Failure.self) { try other.lock(withinMilliseconds: 30) }
            #expect(Clock.monotonicMicroseconds() - began >= 30_000)
            one.unlock()
            try other.lock(withinMilliseconds: 0)
            #expect(throws: AppendFile.Failure.self) { try one.lock(withinMilliseconds: 0) }
        }
    }

    @Test func lockGoesWithItsObject() throws {
        try withPath {
            do { try AppendFile(path, .append).lock(withinMilliseconds: 0) }
            try AppendFile(path, .append).lock(withinMilliseconds: 0)
        }
    }

    @Test func failureHasItsCode() throws {
        func code(_ body: () throws(AppendFile.Failure) -> Void) -> Int32 {
            do throws(AppendFile.Failure) { try body() } catch { return error.code }
            return 0
        }
        #expect(code { () throws(AppendFile.Failure) in _ = try AppendFile(path, .read) } == ENOENT)
        #expect(
            code { () throws(AppendFile.Failure) in _ = try AppendFile("/absent/x", .append) }
                == ENOENT)
        #expect(
            code { () throws(AppendFile.Failure) in _ = try AppendFile("/", .append) } == EISDIR)
        #expect(
            code { () throws(AppendFile.Failure) in
                try AppendFile("/dev/full", .append).append([1])
            } == ENOSPC)
        try withPath {
            _ = try AppendFile(path, .append)
            #expect(
                code { () throws(AppendFile.Failure) in
                    try AppendFile(path, .read).append([1])
                } == EBADF)
        }
    }
}
