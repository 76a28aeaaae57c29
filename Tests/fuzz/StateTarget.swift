// Target `state`: the input is what happens to the state of a connection, a byte each. The rules are
// those of the simulation in the unit tests, and so is the world; libFuzzer looks for ways into its
// corners.

enum StateTarget {
    static func run(_ input: [UInt8]) {
        let world = StateWorld(input.first ?? 0)
        for byte in input.dropFirst() where !world.isOver { world.step(byte) }
        world.finish()
        if Tally.shows { Tally.write("\(world.steps) steps, \(world.now) ms") }
        if let violation = world.violation { require(false, violation) }
    }
}
