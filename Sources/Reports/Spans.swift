// Stretches of time, as sets: which moments are in one, in the other, in both.

import Tokens

/// Half-open, sorted, apart from one another. A value.
public struct Spans: Equatable, Sendable {
    public private(set) var list: [Range<Milliseconds>]

    public init(_ ranges: [Range<Milliseconds>] = []) {
        var merged: [Range<Milliseconds>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
            if let last = merged.last, range.lowerBound <= last.upperBound {
                let end = max(last.upperBound, range.upperBound)
                merged[merged.count - 1] = last.lowerBound..<end
            } else {
                merged.append(range)
            }
        }
        list = merged
    }

    public func union(_ other: Spans) -> Spans { Spans(list + other.list) }

    public func within(_ frame: Range<Milliseconds>) -> Spans {
        Spans(list.map { $0.clamped(to: frame) })
    }

    /// What of the frame is in none of them.
    public func gaps(in frame: Range<Milliseconds>) -> Spans {
        var gaps: [Range<Milliseconds>] = []
        var begin = frame.lowerBound
        for range in within(frame).list {
            gaps.append(begin..<range.lowerBound)
            begin = range.upperBound
        }
        gaps.append(begin..<max(begin, frame.upperBound))
        return Spans(gaps)
    }

    public func subtracting(_ other: Spans) -> Spans {
        Spans(list.flatMap { other.gaps(in: $0).list })
    }

    public func intersection(_ other: Spans) -> Spans {
        Spans(list.flatMap { other.within($0).list })
    }

    public var milliseconds: Milliseconds {
        list.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }
    }

    public func overlaps(_ range: Range<Milliseconds>) -> Bool {
        list.contains { $0.overlaps(range) }
    }
}
