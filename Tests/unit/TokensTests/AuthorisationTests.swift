// What a provider may do by the word of its authority.

import Testing
import Tokens

@Suite struct AuthorisationTests {
    @Test(arguments: Scope.allCases)
    func fullAuthorisationRefusesNothing(scope: Scope) {
        #expect(Authorisation.full.refusal(of: scope) == nil)
    }

    @Test(arguments: Scope.allCases)
    func withdrawnProviderMayDoNothing(scope: Scope) {
        let withdrawn = Authorisation(status: .withdrawn)
        #expect(withdrawn.refusal(of: scope) == .withdrawn)
        #expect(withdrawn.servicesInForce.isEmpty)
        #expect(withdrawn.services == .all, "what it will have again")
    }

    @Test(arguments: Scope.allCases, Scope.allCases)
    func serviceAdmitsItsScopeAndNoOther(service: Scope, scope: Scope) {
        let authorisation = Authorisation(services: Services(service))
        #expect(authorisation.refusal(of: scope) == (service == scope ? nil : .service(scope)))
    }

    @Test func namesAreThoseOfRequests() {
        #expect(Scope("fundsconfirmations") == .fundsconfirmations && Scope("") == nil)
        #expect(Services.all.names == ["accounts", "payments", "fundsconfirmations"])
        #expect(Services().names.isEmpty)
    }

    /// Stores keep them.
    @Test func numbersNeverChange() {
        #expect(Scope.allCases.map(\.rawValue) == [0, 1, 2])
        #expect(Services.all.rawValue == 7 && Services.payments.rawValue == 2)
    }

    @Test func everyRefusalHasAReasonOfItsOwn() {
        let reasons = CodeRefusal.allCases.map { AuditReason($0).rawValue }
        #expect(Set(reasons).count == CodeRefusal.allCases.count)
        #expect(reasons.count == 14)
    }
}
