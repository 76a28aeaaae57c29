// How far ahead an introspection answer may be believed.

import Testing

@testable import Tokens

@Suite struct IntrospectionExpiryTests {
    @Test(
        arguments: [
            (nil, 9000, 9000), (nil, nil, nil), (300, 9000, 1300), (300, 1300, 1300),
            (300, 1299, 1299), (300, 1301, 1300), (300, nil, 1300),
        ] as [(Milliseconds?, Milliseconds?, Milliseconds?)])
    func answerClaimsTheNearerEnd(most: Milliseconds?, end: Milliseconds?, claimed: Milliseconds?) {
        var settings = IssuerSettings()
        settings.introspectionExpMax = most
        #expect(settings.expiry(ofIntrospected: end, now: 1000) == claimed)
    }
}
