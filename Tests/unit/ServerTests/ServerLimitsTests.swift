// How many connections each loop may have.

import Testing

@testable import Server

@Suite struct ServerLimitsTests {
    @Test(arguments: [
        (nil, 1024, 2, 472), (nil, 1024, 1, 952), (nil, 64, 2, 1), (nil, 200, 4, 26),
        (100, 1024, 2, 50), (101, 1024, 2, 50), (1, 1024, 1, 1), (1000, 1024, 1, 952),
        (20_000, 1_048_576, 1, 20_000), (3, 1024, 4, 1),
    ])
    func connectionsNeverUseUpTheDescriptors(
        wanted: Int?, descriptors: Int, loops: Int, perLoop: Int
    ) {
        var limits = ServerLimits()
        limits.connectionsMax = wanted
        limits.shareConnections(descriptors: descriptors, loops: loops)
        #expect(limits.connectionsPerLoopMax == perLoop)
    }
}
