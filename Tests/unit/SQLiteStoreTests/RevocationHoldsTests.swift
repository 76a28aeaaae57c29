// Whatever shortens a life for a while × every way to end one: what was ended does not live again
// when the settings, the clock and the registry are as they were.

import CryptoForTests
import Foundation
import StoreContract
import System
import Testing
import Tokens
import UV

@testable import SQLiteStore

/// A store on disk with the issuer of a server, which a test starts again under other circumstances.
private final class World {
    private static let start: Milliseconds = 1_700_000_000_000
    private static let hour: Milliseconds = 3_600_000
    private static let secret = Array("secret".utf8)

    private let folder: TemporaryFolder
    private let loop: EventLoop
    private var file: SQLiteFile?
    private var face: SQLiteStore?
    private var issuer: TokenIssuer?
    private let feed = RegistryFeed(.empty)
    private var commands: SQLiteRegistry?
    private var settings = IssuerSettings()
    private var now = World.start
    private var path: String { "\(folder.path)/store.db" }

    init() throws {
        folder = try TemporaryFolder()
        loop = try EventLoop()
        settings.mode = .production
        try open()
        commands = try SQLiteRegistry(store: path, mode: nil)
        try change { content in
            for bank in ["bank-1", "bank-2"] {
                _ = try content.addInstitution(
                    bank, clientID: "client", secret: SecretDigest(of: World.secret))
            }
            try content.addProvider("psp", redirectURIs: ["https://a.example/"])
        }
    }

    deinit { close() }

    private func open() throws {
        let file = try SQLiteFile(path: path, keyring: Rig.keyring, settings: settings) { _ in }
        let face = try SQLiteStore(file, loop: loop)
        (self.file, self.face) = (file, face)
        try publish()
        issuer = TokenIssuer(
            registry: feed, settings: settings, store: face, keyring: Rig.keyring,
            random: RandomPool(fill: SystemRandom.fill))
    }

    /// What the watch on the registry does.
    private func publish() throws {
        guard let registry = file?.registry else { return }
        let content = try registry.load()
        feed.publish(Registry(content, now: now))
        try registry.takenOver(content.version)
    }

    /// What a command does.
    private func change(_ body: (inout RegistryContent) throws -> Void) throws {
        _ = try #require(commands).update(body)
        try publish()
    }

    private func close() {
        face?.close()
        loop.run()
        file?.close()
        (file, face, issuer) = (nil, nil, nil)
    }

    /// As it sees the next request.
    private func server() throws -> TokenIssuer {
        let issuer = try #require(issuer)
        issuer.beginRequest()
        return issuer
    }

    private func answer<Value>(
        _ ask: (TokenIssuer, @escaping (Value) -> Void) -> Void
    ) throws -> Value {
        var value: Value?
        ask(try server()) { value = $0 }
        for _ in 0..<100_000 where value == nil {
            loop.runOnce()
            usleep(50)
        }
        return try #require(value, "no answer")
    }

    // MARK: What a client does

    func makeCode() throws -> SealedIdentifier {
        let request = CodeRequest(
            institution: Institution.ID(1), provider: Provider.ID(3), authorisation: .full,
            redirectURI: Provider.RedirectURI.ID(4), scope: .accounts,
            consent: Consent(id: "consent", accountID: "a"), state: nil)
        let code: Result<IssuedCode, TokenError> = try answer {
            $0.issueCode(request, now: now, completion: $1)
        }
        return try code.get().code
    }

    /// As the institution and the provider that were there at first.
    func exchange(_ code: SealedIdentifier) throws -> Result<IssuedToken, TokenError> {
        let request = ExchangeRequest(
            institution: Institution.ID(1), provider: Provider.ID(3), authorisation: .full,
            code: code,
            redirectURI: Provider.RedirectURI.ID(4))
        guard let attempt = try server().attempt(request, now: now) else {
            return .failure(.codeRefused(.unknown))
        }
        let outcome = attempt.token.outcome(try answer { $0.redeem(attempt, completion: $1) })
        return try #require(outcome.first, "there was no idempotency key")
    }

    private func client() throws -> Client {
        try #require(feed.registry.client(id: "client", secret: World.secret))
    }

    func isActive(_ token: SealedIdentifier) throws -> Bool {
        let client = try client()
        let found: Result<ActiveToken?, TokenError> = try answer {
            $0.introspect(token, client: client, now: now, completion: $1)
        }
        return try found.get() != nil
    }

    func revoke(_ token: SealedIdentifier) throws {
        let client = try client()
        let revoked: Result<AccessToken?, TokenError> = try answer {
            $0.revoke(token, client: client, completion: $1)
        }
        _ = try revoked.get()
    }

    func withdraw() throws {
        let withdrawn: Result<Void, TokenError> = try answer {
            $0.revoke(
                consent: "consent", institution: Institution.ID(1), now: now, completion: $1)
        }
        try withdrawn.get()
    }

    // MARK: What an operator does

    /// Begins or ends a spell. Other settings take another start.
    func turn(_ spell: Spell, isOver: Bool) throws {
        let usual = IssuerSettings()
        switch spell {
        case .shortTokens: settings.tokenLifetime = isOver ? usual.tokenLifetime : 1000
        case .shortCodes: settings.codeLifetime = isOver ? usual.codeLifetime : 1000
        case .shortCCGTokens: settings.ccgTokenLifetime = isOver ? usual.ccgTokenLifetime : 1000
        case .slowClock: now += isOver ? World.hour : -World.hour
        case .fastClock: now += (isOver ? -1 : 1) * 400 * 24 * World.hour
        case .disabledInstitution:
            try change { try $0.setInstitution("bank-1", isDisabled: !isOver) }
        case .disabledProvider: try change { try $0.setProvider("psp", isDisabled: !isOver) }
        case .removedInstitution where isOver: try addAgain("bank-1")
        case .removedInstitution: try change { try $0.removeInstitution("bank-1") }
        case .removedProvider where isOver: try addAgain("psp")
        case .removedProvider: try change { try $0.removeProvider("psp") }
        case .nothing: break
        }
        guard spell.isOfSettings else { return }
        close()
        try open()
    }

    func wait(_ milliseconds: Milliseconds) { now += milliseconds }

    /// A command of the kind that revokes.
    func command(_ body: (inout RegistryContent, Milliseconds) throws -> Void) throws {
        let moment = max(now, try IssueTimes(store: path)?.newest ?? 0)
        try change { try body(&$0, moment) }
    }

    /// What is removed, another one by its name.
    func addAgain(_ reference: String) throws {
        try change { content in
            guard reference != "psp" else {
                return try content.addProvider("psp", redirectURIs: ["https://a.example/"])
            }
            _ = try content.addInstitution(
                reference, clientID: "client", secret: SecretDigest(of: []))
        }
    }
}

/// What shortens lives as long as it lasts.
enum Spell: CaseIterable {
    case nothing, shortTokens, shortCodes, shortCCGTokens, slowClock, fastClock
    case disabledInstitution, disabledProvider, removedInstitution, removedProvider

    fileprivate var isOfSettings: Bool {
        [.shortTokens, .shortCodes, .shortCCGTokens].contains(self)
    }

    /// What is removed is gone for good, even where the same name is added again.
    fileprivate var isForGood: Bool { self == .removedInstitution || self == .removedProvider }
}

enum Ending: CaseIterable {
    case none, token, replay, withdrawal, consent, consentAtInstitution, institution, provider
    case removedInstitution, removedProvider

    /// Whether it can be done during a spell.
    fileprivate func fits(_ spell: Spell) -> Bool {
        switch (self, spell) {
        case (.consentAtInstitution, .removedInstitution), (.institution, .removedInstitution),
            (.removedInstitution, .removedInstitution), (.provider, .removedProvider),
            (.removedProvider, .removedProvider):
            false
        // A replay is known by the time in the code, for as long as codes are remembered.
        case (.replay, .slowClock), (.replay, .fastClock): false
        default: true
        }
    }
}

@Suite struct RevocationHoldsTests {
    static let cases = Spell.allCases.flatMap { spell in
        Ending.allCases.filter { $0.fits(spell) }.map { (spell, $0) }
    }

    @Test(arguments: cases)
    func whatWasEndedStaysEnded(spell: Spell, ending: Ending) throws {
        let world = try World()
        let (code, unspent) = (try world.makeCode(), try world.makeCode())
        world.wait(5)
        let token = try world.exchange(code).get().token
        #expect(try world.isActive(token))
        world.wait(5000)
        try world.turn(spell, isOver: false)
        try end(ending, world, code, token)
        if ending != .none { #expect(try !world.isActive(token), "during the spell") }
        try world.turn(spell, isOver: true)
        let isAlive = ending == .none && !spell.isForGood
        #expect(try world.isActive(token) == isAlive, "after the spell")
        guard ending != .token, ending != .replay, ending != .none else { return }
        // Nor does the code that nobody had exchanged become anything.
        if let late = try? world.exchange(unspent).get().token {
            #expect(try !world.isActive(late))
        }
    }

    private func end(
        _ ending: Ending, _ world: World, _ code: SealedIdentifier, _ token: SealedIdentifier
    ) throws {
        switch ending {
        case .none: break
        case .token: try world.revoke(token)
        case .withdrawal: try world.withdraw()
        case .replay:
            guard case .failure(.codeRefused(.used, _, _)) = try world.exchange(code) else {
                Issue.record("the replay was not recognised")
                return
            }
        case .consent:
            try world.command { try $0.revokeAll(ofConsent: "consent", institution: nil, now: $1) }
        case .consentAtInstitution:
            try world.command {
                try $0.revokeAll(ofConsent: "consent", institution: "bank-1", now: $1)
            }
        case .institution:
            try world.command { try $0.revokeAll(ofInstitution: "bank-1", now: $1) }
        case .provider: try world.command { try $0.revokeAll(ofProvider: "psp", now: $1) }
        case .removedInstitution:
            try world.command { content, _ in try content.removeInstitution("bank-1") }
            try world.addAgain("bank-1")
        case .removedProvider:
            try world.command { content, _ in try content.removeProvider("psp") }
            try world.addAgain("psp")
        }
    }
}
