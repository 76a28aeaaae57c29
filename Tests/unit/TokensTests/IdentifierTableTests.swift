// The table of rows beside the standard library's dictionary.

import Testing

@testable import Tokens

@Suite struct IdentifierTableTests {
    private struct Row: Identified, Equatable {
        let id: Identifier
        var number: UInt64
    }

    /// Few ids, of which many have the same hash: so rows stand in each other's way all the time.
    private static func id(_ random: UInt64) -> Identifier {
        Identifier(issuedAt: 1, randomHigh: UInt16(random % 8), randomLow: random / 8 % 24)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func tableHoldsWhatADictionaryHolds(seed: UInt64) {
        var random = seed
        func next() -> UInt64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return random >> 33
        }
        var (table, expected) = (IdentifierTable<Row>(), [Identifier: UInt64]())
        for step in 0..<20_000 {
            let id = Self.id(next())
            // Fills up and empties again and again.
            let fills = step / 500 % 2 == 0
            switch next() % 4 {
            case 0 where fills, 1 where fills, 2 where fills, 3 where !fills:
                table.insert(Row(id: id, number: UInt64(step)))
                expected[id] = UInt64(step)
            case 3:
                let position = table.position(id)
                #expect((position == nil) == (expected[id] == nil), "seed \(seed), step \(step)")
                if let position { table.update(position) { $0.number += 1 } }
                expected[id]? += 1
            default:
                let isThere = expected.removeValue(forKey: id) != nil
                #expect(table.remove(id) == isThere, "seed \(seed), step \(step)")
            }
            guard step % 50 == 0 else { continue }
            let rows = Dictionary(uniqueKeysWithValues: table.rows.map { ($0.id, $0.number) })
            #expect(rows == expected, "seed \(seed), step \(step)")
            for (id, number) in expected {
                let found = table.position(id).map { table.rows[$0].number }
                #expect(found == number, "seed \(seed), step \(step)")
            }
        }
    }

    @Test func roomIsMadeAheadAndKeepsWhatIsThere() {
        var table = IdentifierTable<Row>()
        table.insert(Row(id: Self.id(1), number: 1))
        table.reserve(1000)
        #expect(table.rows.capacity >= 1000)
        #expect(table.position(Self.id(1)) == 0)
        #expect(table.position(Self.id(2)) == nil)
    }
}
