// Room on disks: what is free, and when somebody is told.

import Foundation
import Testing

@testable import System

@Suite struct VolumeTests {
    private func volume(_ percent: Double) -> Volume {
        Volume(freeBytes: Int(percent * 1_000_000), totalBytes: 100_000_000)
    }

    @Test func volumeOfAFileThatIsNotThereIsItsFolders() throws {
        let folder = try #require(Volume(ofFileAt: NSTemporaryDirectory()))
        #expect(folder.totalBytes > 0 && (0...folder.totalBytes).contains(folder.freeBytes))
        let file = try #require(Volume(ofFileAt: NSTemporaryDirectory() + "absent"))
        #expect(file.totalBytes == folder.totalBytes)
        #expect(Volume(ofFileAt: "absent") != nil, "in the current folder")
        #expect(Volume(ofFileAt: "/absent/folder/file") == nil)
    }

    /// How many per cent are free at each look, and whether something is said.
    private static let looks: [(percent: Double, says: String?)] = [
        (50, nil), (10, nil), (9.99, "filling up"), (9, nil), (10.5, nil), (9, nil),
        (5, nil), (4.99, "filling up"), (6, nil), (4, nil), (0.5, "filling up"), (0, nil),
        (11.9, nil), (12, "has room again"), (50, nil), (0.5, "filling up"), (4, nil),
        (12, "has room again"), (11, nil), (9, "filling up"),
    ]

    @Test func eachStepDownIsSaidOnce() {
        var alarm = VolumeAlarm("the audit log")
        for (number, look) in Self.looks.enumerated() {
            let said = alarm.observe(volume(look.percent))
            #expect((said == nil) == (look.says == nil), "look \(number): \(said ?? "nothing")")
            if let says = look.says {
                #expect(
                    said?.contains("the volume of the audit log \(says)") == true
                        || said?.contains("is \(says)") == true)
                #expect(said?.contains("of 100 MB are free") == true)
            }
        }
    }

    @Test func volumeWithoutSizeIsNoAlarm() {
        var alarm = VolumeAlarm("the store")
        #expect(alarm.observe(Volume(freeBytes: 0, totalBytes: 0)) == nil)
    }
}
