// How much room a disk has.

import Glibc

/// The volume that a file is on, as it is now.
public struct Volume: Equatable, Sendable {
    /// For this user: what is kept for root is not free.
    public let freeBytes: Int
    public let totalBytes: Int

    init(freeBytes: Int, totalBytes: Int) {
        self.freeBytes = freeBytes
        self.totalBytes = totalBytes
    }

    /// Blocks as long as the disk takes. nil where the volume cannot be asked.
    ///
    /// - Parameter path: of a file, which need not be there; its folder must.
    public init?(ofFileAt path: String) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        var status = statvfs()
        guard unsafe statvfs(folder, &status) == 0 else { return nil }
        self.init(
            freeBytes: Int(status.f_bavail) * Int(status.f_frsize),
            totalBytes: Int(status.f_blocks) * Int(status.f_frsize))
    }

    /// 100 for a volume of no size.
    public var freePercent: Double {
        totalBytes == 0 ? 100 : Double(freeBytes) * 100 / Double(totalBytes)
    }
}

/// Says once that room is running out, at each step down, and once that there is enough again.
public struct VolumeAlarm: Sendable {
    /// Less free than so many per cent is said.
    static let percents: [Double] = [10, 5, 1]
    /// So much is enough again.
    static let enoughPercent: Double = 12

    private let name: String
    private var steps = 0

    /// - Parameter name: what is on the volume, such as `the store`.
    public init(_ name: String) { self.name = name }

    public mutating func observe(_ volume: Volume) -> String? {
        let steps = VolumeAlarm.percents.count { volume.freePercent < $0 }
        let free = "\(volume.freeBytes / 1_000_000) of \(volume.totalBytes / 1_000_000) MB"
        if steps > self.steps {
            self.steps = steps
            return
                "the volume of \(name) is filling up: \(free) are free; make room, or make it larger"
        }
        guard self.steps > 0, volume.freePercent >= VolumeAlarm.enoughPercent else { return nil }
        self.steps = 0
        return "the volume of \(name) has room again: \(free) are free"
    }
}
