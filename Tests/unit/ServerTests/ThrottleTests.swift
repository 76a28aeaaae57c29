// What comes of failing too often, and of a registry that changes: answers of real routes.

import CryptoForTests
import Testing
import Tokens

@testable import Server

@Suite struct ThrottleTests {
    @Test func failuresAreThrottledAndTheRightCredentialsNever() {
        let rig = AuditedConnection()
        let wrong = AuditedConnection.post(
            "/v1/obie/tokens", "{}", credentials: "YXBpLWNvbnN1bWVyLWlkOng=")
        for number in 0..<30 {
            let (status, text, _) = rig.send(wrong)
            #expect(status == (number < 20 ? 401 : 429))
            #expect(text.contains("Retry-After: 1\r\n") == (number >= 20))
            #expect(text.contains("rate_limited") == (number >= 20))
            #expect(rig.send(AuditedConnection.makeCode).status == 201)
        }
        rig.pass(1000)
        #expect(rig.send(wrong).status == 401)
        #expect(rig.send(wrong).status == 429)
    }

    @Test func codesAreThrottledAndGoodOnesNever() {
        let rig = AuditedConnection()
        for number in 0..<30 {
            let (status, _, event) = rig.send(AuditedConnection.exchange("x"))
            #expect(status == (number < 20 ? 403 : 429))
            // As the answer said, and why.
            let code = number < 20 ? "auth_code_invalid" : "rate_limited"
            #expect(event?.errors.map(\.code) == [code])
            #expect(event?.reason == AuditReason.codeUnknown.rawValue)
            #expect(rig.send(AuditedConnection.exchange(rig.newCode())).status == 201)
        }
    }

    @Test func addressIsThrottledWhateverClientsItNames() {
        let rig = AuditedConnection()
        var answers: [Int: Int] = [:]
        for number in 0..<200 {
            let digits = Array("ABCDEFGHIJKLMNOP")
            let name = String([digits[number / 16], digits[number % 16]])
            let request = AuditedConnection.post(
                "/v1/obie/tokens", "{}", credentials: "\(name)E6eQ==")
            answers[rig.send(request).status, default: 0] += 1
        }
        #expect(answers == [401: 100, 429: 100])
    }

    @Test func registryOfTheNextRequestIsTheNewest() {
        let rig = AuditedConnection()
        let code = rig.newCode()
        var content = RegistryContent.sandbox
        content.providers["PSDGB-FCA-222222"]?.isDisabled = true
        rig.feed.publish(Registry(content, now: 0))
        #expect(rig.send(AuditedConnection.exchange(code)).status == 401)
        rig.feed.publish(.sandbox)
        #expect(rig.send(AuditedConnection.exchange(code)).status == 201)
        rig.feed.publish(.empty)
        #expect(rig.send(AuditedConnection.exchange(code)).status == 401)
    }

    @Test(arguments: [(1, 1), (999, 1), (1000, 1), (1001, 2), (334, 1), (0, 1)])
    func waitIsInWholeSecondsAndAtLeastOne(wait: Milliseconds, seconds: Int64) {
        #expect(FailureLimiter.seconds(wait) == seconds)
    }
}
