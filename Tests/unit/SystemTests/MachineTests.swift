// What the operating system grants and gives.

import System
import Testing

@Suite struct MachineTests {
    @Test func thereIsAtLeastOneProcessor() {
        #expect(Machine.availableProcessors >= 1)
    }

    @Test func randomBytesFillTheWholeArray() {
        // 64 bytes that all stay zero by chance: one in 2^512.
        var bytes = [UInt8](repeating: 0, count: 128)
        SystemRandom.fill(&bytes)
        #expect(bytes[..<64].contains { $0 != 0 } && bytes[64...].contains { $0 != 0 })
    }

    @Test func environmentHasItsVariables() {
        #expect(Environment.all["PATH"] == Environment.value("PATH"))
    }

    @Test func residentMemoryIsSomeMegabytes() {
        #expect((1 << 20...1 << 36).contains(Machine.residentBytes))
    }
}
