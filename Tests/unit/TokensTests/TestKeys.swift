// What identifiers are made of in tests: a key that is always the same, and chance.

import CryptoForTests

@testable import Tokens

let testKey = SealingKey { bytes in
    for index in bytes.indices { bytes[index] = UInt8(index) }
}

func systemRandom() -> RandomPool {
    var generator = SystemRandomNumberGenerator()
    return RandomPool { bytes in
        for index in bytes.indices { bytes[index] = UInt8.random(in: 0...255, using: &generator) }
    }
}
