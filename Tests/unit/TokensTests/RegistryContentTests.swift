// The registry: the rules of changing it, and what requests see of it.

import CryptoForTests
import StoreContract
import Testing
import Tokens

@Suite struct RegistryContentTests {
    private func digest(_ text: String) -> SecretDigest { SecretDigest(of: Array(text.utf8)) }

    private func filled() throws -> RegistryContent {
        var content = RegistryContent(mode: .production)
        _ = try content.addInstitution("bank-1", clientID: "client", secret: digest("secret"))
        try content.addProvider("psp", redirectURIs: ["https://a.example/cb"])
        return content
    }

    @Test(arguments: RegistryContract.rules.map(\.name))
    func memoryRegistryKeepsTheContract(rule: String) throws {
        let run = try #require(RegistryContract.rules.first { $0.name == rule }?.run)
        try run(
            RegistryContract {
                let registry = MemoryRegistry(RegistryContent(mode: .production))
                return (registry, registry)
            })
    }

    @Test(arguments: [
        ("bank", false), ("bank-1", false), ("bank-2", true), ("12345", false), ("123456", true),
        ("", false), ("bank 2", false), ("bänk-2", false), ("bank\u{7F}2", false),
        (String(repeating: "b", count: 128), true), (String(repeating: "b", count: 129), false),
    ])
    func institutionNeedsANewReference(reference: String, isTaken: Bool) throws {
        var content = try filled()
        let before = content
        do throws(RegistryError) {
            let isNew = try content.addInstitution(
                reference, clientID: "client", secret: digest("x"))
            #expect(isTaken)
            #expect(!isNew, "the client is there already")
        } catch {
            #expect(!isTaken)
            #expect(content == before)
            #expect(error.description.contains("'\(reference)'") || reference == "bank-1")
        }
    }

    @Test(arguments: [
        ("c", true), ("a:b", false), ("", false), ("a b", false), ("é", false),
        (String(repeating: "c", count: 128), true), (String(repeating: "c", count: 129), false),
    ])
    func clientIDHasNoColon(id: String, isTaken: Bool) throws {
        var content = try filled()
        let isNew: Bool? = try? content.addInstitution(
            "bank-2", clientID: id, secret: digest("x"))
        #expect(isNew == (isTaken ? true : nil))
    }

    @Test(arguments: [
        ("https://b.example/", true), ("https://a.example/cb", false), ("b.example", false),
        ("https://b.example/#f", false), ("", false),
        ("https://b.example/" + String(repeating: "b", count: 2030), true),
        ("https://b.example/" + String(repeating: "b", count: 2031), false),
    ])
    func redirectURIIsAbsoluteAndNew(uri: String, isTaken: Bool) throws {
        var content = try filled()
        let outcome: Void? = try? content.addRedirectURI(uri, to: "psp")
        #expect((outcome != nil) == isTaken)
    }

    @Test func clientActsForAllItsEnabledInstitutions() throws {
        var content = try filled()
        _ = try content.addInstitution("bank-2", clientID: "client", secret: digest("other"))
        for disabled in [nil, "bank-1", "bank-2"] {
            var content = content
            if let disabled { try content.setInstitution(disabled, isDisabled: true) }
            let registry = Registry(content, now: 0)
            let client = try #require(
                registry.client(id: "client", secret: Array("secret".utf8)))
            #expect(registry.client(id: "client", secret: Array("other".utf8)) == nil)
            for reference in ["bank-1", "bank-2"] {
                let institution = registry.institution(reference: reference)
                #expect((institution == nil) == (reference == disabled))
                let id = try content.institution(reference).id
                #expect(client.mayAct(for: id) == (reference != disabled))
            }
        }
        try content.removeInstitution("bank-1")
        #expect(content.clients["client"] != nil)
        try content.removeInstitution("bank-2")
        #expect(content.clients.isEmpty)
    }

    @Test(arguments: [(Milliseconds(999), true), (1000, false), (1001, false)])
    func oldSecretIsTakenForAWhile(now: Milliseconds, isOldTaken: Bool) throws {
        var content = try filled()
        _ = try content.rotateSecret(
            "bank-1", clientID: nil, secret: digest("new"), oldUntil: 1000, now: 0)
        let registry = Registry(content, now: now)
        #expect((registry.client(id: "client", secret: Array("secret".utf8)) != nil) == isOldTaken)
        #expect(registry.client(id: "client", secret: Array("new".utf8)) != nil)
        // What stands in for a missing secret is none.
        #expect(registry.client(id: "client", secret: Array("nobody".utf8)) == nil)
        #expect(registry.client(id: "nobody", secret: Array("nobody".utf8)) == nil)
        #expect(registry.validUntil == (isOldTaken ? 1000 : nil))
        _ = try content.rotateSecret(
            "bank-1", clientID: "client", secret: digest("newer"), oldUntil: 2000, now: 1)
        let next = Registry(content, now: 1)
        #expect(next.client(id: "client", secret: Array("secret".utf8)) == nil)
        #expect(next.client(id: "client", secret: Array("new".utf8)) != nil)
        _ = try content.rotateSecret(
            "bank-1", clientID: "client", secret: digest("newest"), oldUntil: 1, now: 1)
        #expect(Registry(content, now: 1).client(id: "client", secret: Array("newer".utf8)) == nil)
    }

    @Test func rotationOfOneOfSeveralClientsMustNameIt() throws {
        var content = try filled()
        _ = try content.addInstitution("bank-2", clientID: "second", secret: digest("x"))
        let first = try content.institution("bank-1").id
        content.clients["second"]?.institutions.insert(first)
        #expect(throws: RegistryError.clientAmbiguous(["client", "second"], institution: "bank-1"))
        {
            _ = try content.rotateSecret(
                "bank-1", clientID: nil, secret: digest("y"), oldUntil: 0, now: 0)
        }
        #expect(throws: RegistryError.clientUnknown("third", institution: "bank-1")) {
            _ = try content.rotateSecret(
                "bank-1", clientID: "third", secret: digest("y"), oldUntil: 0, now: 0)
        }
        let rotated = try content.rotateSecret(
            "bank-1", clientID: "second", secret: digest("y"), oldUntil: 0, now: 0)
        #expect(rotated == "second")
    }

    @Test func severalClientsActForOneInstitution() throws {
        var content = try filled()
        let bank = try content.institution("bank-1").id
        #expect(try content.addClient("gateway", to: "bank-1", secret: digest("g")))
        #expect(content.clients(of: bank).map(\.id) == ["client", "gateway"])
        let registry = Registry(content, now: 0)
        for (id, secret) in [("client", "secret"), ("gateway", "g")] {
            let client = try #require(registry.client(id: id, secret: Array(secret.utf8)))
            #expect(client.mayAct(for: bank))
        }
        #expect(throws: RegistryError.clientExists("gateway", institution: "bank-1")) {
            try content.addClient("gateway", to: "bank-1", secret: digest("x"))
        }
        #expect(throws: RegistryError.clientInvalid("a:b")) {
            try content.addClient("a:b", to: "bank-1", secret: digest("x"))
        }
        #expect(throws: RegistryError.institutionUnknown("bank-9")) {
            try content.addClient("gateway", to: "bank-9", secret: digest("x"))
        }
        // One that is there keeps its secret.
        _ = try content.addInstitution("bank-2", clientID: "second", secret: digest("x"))
        #expect(try !content.addClient("gateway", to: "bank-2", secret: digest("other")))
        #expect(content.clients["gateway"]?.secret == digest("g"))
        try content.removeClient("gateway", from: "bank-1")
        #expect(content.clients["gateway"]?.institutions == [try content.institution("bank-2").id])
        try content.removeClient("gateway", from: "bank-2")
        #expect(content.clients["gateway"] == nil)
        #expect(throws: RegistryError.clientUnknown("gateway", institution: "bank-1")) {
            try content.removeClient("gateway", from: "bank-1")
        }
        #expect(throws: RegistryError.clientLast("client", institution: "bank-1")) {
            try content.removeClient("client", from: "bank-1")
        }
    }

    @Test func disabledProviderIsNotSeen() throws {
        var content = try filled()
        let id = try content.provider("psp").id
        #expect(Registry(content, now: 0).provider(id)?.reference == "psp")
        try content.setProvider("psp", isDisabled: true)
        #expect(Registry(content, now: 0).provider(id) == nil)
        #expect(Registry(content, now: 0).provider(reference: "psp") == nil)
    }

    @Test func unknownNamesAreRefusedEverywhere() throws {
        var content = try filled()
        let changes: [(inout RegistryContent) throws -> Void] = [
            { try $0.setInstitution("x", isDisabled: true) }, { try $0.removeInstitution("x") },
            { try $0.setProvider("x", isDisabled: true) }, { try $0.removeProvider("x") },
            { try $0.addRedirectURI("https://x.example/", to: "x") },
            { try $0.removeRedirectURI("https://x.example/", from: "psp") },
            { try $0.revokeAll(ofInstitution: "x", now: 0) },
            { try $0.revokeAll(ofProvider: "x", now: 0) },
            { try $0.revokeAll(ofConsent: "c", institution: "x", now: 0) },
            { try $0.revokeAll(ofConsent: "", institution: nil, now: 0) },
        ]
        for change in changes {
            let before = content
            #expect(throws: RegistryError.self) { try change(&content) }
            #expect(content == before)
        }
    }
}
