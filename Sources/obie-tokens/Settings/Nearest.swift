// Which of the known names was probably meant.

enum Nearest {
    /// For the unknown name of a setting. Where nothing is near, it says where to find all of them.
    ///
    /// - Parameter prefix: what all names have in front. It says nothing about how near two are.
    static func settingHint(_ name: String, _ known: [String], prefix: String = "") -> String {
        let hint = hint(name, known, prefix: prefix)
        return hint.isEmpty ? " (`obie-tokens config sample` has all)" : hint
    }

    /// In words, to stand behind the unknown name; empty where nothing is near.
    static func hint(_ name: String, _ known: [String], prefix: String = "") -> String {
        nearest(name, known).map { " (did you mean \(prefix)\($0)?)" } ?? ""
    }

    /// The only one that begins so, such as `production` for `prod`; else the one with the fewest other
    /// characters, if those are few.
    static func nearest(_ name: String, _ known: [String]) -> String? {
        let name = name.lowercased()
        guard !name.isEmpty else { return nil }
        let begun = known.filter { $0.lowercased().hasPrefix(name) }
        if begun.count == 1 { return begun[0] }
        let distances = known.map { (name: $0, distance: distance(name, $0.lowercased())) }
        guard let best = distances.min(by: { $0.distance < $1.distance }),
            // Of a word of two letters nothing would be left.
            best.distance <= max(2, name.count / 3), best.distance < best.name.count
        else { return nil }
        return best.name
    }

    /// Insertions, deletions and replacements of characters (Levenshtein).
    static func distance(_ one: String, _ other: String) -> Int {
        let other = Array(other)
        var row = Array(0...other.count)
        for (index, character) in one.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for at in other.indices {
                let replaced = diagonal + (other[at] == character ? 0 : 1)
                diagonal = row[at + 1]
                row[at + 1] = min(replaced, diagonal + 1, row[at] + 1)
            }
        }
        return row[other.count]
    }
}
