// Which rows of providers a change of the registry writes. There may be 100,000 of them in one change.

/// What makes the providers of one content those of another.
public struct ProviderDifference: Sendable {
    /// All is as it was but for what stands in a provider's own row: a list that withdraws everybody
    /// then writes these rows alone.
    public private(set) var updated: [ProviderRecord] = []
    /// To be removed with their redirect URIs, before anything is added. So is one whose URIs have
    /// changed: it is added again.
    public private(set) var deleted: [ProviderRecord] = []
    /// To be added with their redirect URIs.
    public private(set) var inserted: [ProviderRecord] = []

    /// In the order of the numbers, so that rows come to stand one behind the other.
    public init(from before: [String: ProviderRecord], to after: [String: ProviderRecord]) {
        var keptCount = 0
        for (reference, new) in after {
            guard let old = before[reference] else {
                inserted.append(new)
                continue
            }
            keptCount += 1
            if old == new { continue }
            if old.id == new.id, old.redirectURIs == new.redirectURIs {
                updated.append(new)
            } else {
                deleted.append(old)
                inserted.append(new)
            }
        }
        if keptCount < before.count {
            for (reference, old) in before where after[reference] == nil { deleted.append(old) }
        }
        updated.sort { $0.id.number < $1.id.number }
        deleted.sort { $0.id.number < $1.id.number }
        inserted.sort { $0.id.number < $1.id.number }
    }
}
