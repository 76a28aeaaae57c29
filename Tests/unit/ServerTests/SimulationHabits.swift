// How a simulated client behaves: how fast it sends and reads, and how it ends.

@testable import Server

struct SimulatedHabits {
    let capacity: Int
    let deliveryMax: Int
    let deliveryDelayMax: Int
    let pieceMax: Int
    let pieceDelayMax: Int
    let readMax: Int
    let readDelayMax: Int
    /// Requests that it sends without having got the answer to the first of them.
    let depthMax: Int
    let halfCloses: Bool
    let neverReads: Bool
    let stallsSending: Bool
    let stallsReading: Bool
    let resetsAfter: Int?
    let waitsForContinue: Bool
    /// Once it has all answers.
    let end: End
    enum End { case closes, waits, resets }

    /// Drawn by chance, for a script.
    init(_ script: SimulatedScript, _ world: SimulatedWorld) {
        // So slow at most that every request comes in 3 s, and all answers are read in 3 s.
        let patience = 3_000
        func delay(_ size: Int, of total: Int) -> Int {
            min(world.random.pick([0, 0, 3, 50, 300]), patience * (size + 1) / 2 / total)
        }
        let sizes = [1, 5, 40, 500, 70_000]
        // Byte by byte where there are not too many of them.
        let sizeMin = 1 + script.bytes.count / 100
        deliveryMax = min(max(world.random.pick(sizes), sizeMin), world.readMax)
        deliveryDelayMax = delay(deliveryMax, of: script.largestRequest)
        pieceMax = max(world.random.pick(sizes), sizeMin)
        stallsSending = world.random.chance(world.stallPercent)
        let drips = stallsSending && world.random.chance(50)
        pieceDelayMax = drips ? 5_000 : delay(pieceMax, of: script.largestRequest)
        capacity = max(world.random.pick([1, 100, 1_000, 10_000]), world.queuedBound / 100)
        readMax = max(world.random.pick([10, 100, 1_000, 100_000]), world.queuedBound / 50)
        let backlog = world.queuedBound + capacity
        // The kernel takes no more than its room at a time.
        readDelayMax = delay(min(readMax, capacity), of: backlog)
        depthMax = world.random.pick([1, 4, 1_000, 1_000])
        halfCloses = world.random.chance(30)
        neverReads = world.random.chance(5)
        stallsReading = world.random.chance(world.stallPercent)
        resetsAfter = world.random.chance(12) ? world.random.below(4_000) : nil
        waitsForContinue = world.random.chance(60)
        end = [.closes, .closes, .closes, .waits, .resets][world.random.below(5)]
    }
}
