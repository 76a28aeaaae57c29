// The binary format of what statements are given.

import Testing
import Tokens

@testable import PostgresStore

@Suite struct ParametersTests {
    private func bytes(_ fill: (inout Parameters) -> Void) -> [[UInt8]] {
        var parameters = Parameters()
        fill(&parameters)
        return unsafe parameters.withPointers { values, lengths, formats in
            #expect(unsafe values.count == lengths.count && formats == lengths.map { _ in 1 })
            return unsafe zip(values, lengths).map { value, length in
                guard let value = unsafe value else { return [] }
                return unsafe UnsafeBufferPointer(start: value, count: Int(length)).map {
                    UInt8(bitPattern: $0)
                }
            }
        }
    }

    @Test func arraysSayTheirTypeAndTheirElements() {
        let made = bytes { parameters in
            parameters.add(numbers: [258, nil]) { $0 }
            parameters.add(bytes: [[7]]) { $0 }
            parameters.add(smallNumbers: [Int16]()) { $0 }
            parameters.add(-2)
            parameters.add(true)
        }
        #expect(
            made == [
                [
                    0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0,
                    0, 0, 0, 0, 1, 2, 255, 255, 255, 255,
                ],
                [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 17, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 7],
                [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 21],
                [255, 255, 255, 255, 255, 255, 255, 254], [1],
            ])
    }

    @Test func digestsAreBytes() {
        let ids = (1...3).map { Identifier(issuedAt: 5, randomHigh: 6, randomLow: $0) }
        let made = bytes { parameters in
            parameters.add(digests: ids) { $0 }
            parameters.add(bytes: ids) { Digest.of($0) }
        }
        #expect(made[0] == made[1])
        #expect(made[0].count == 20 + ids.count * 36)
    }

    @Test func statementWithoutParametersHasNone() {
        #expect(bytes { _ in }.isEmpty)
    }
}
