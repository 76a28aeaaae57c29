// `backup`: all three files or none, whole, for this user only, and over nothing.

import Foundation
import Testing

@Suite struct BackupTests {
    private static let parts = ["", ".registry", ".keys"]

    private func store(_ change: (TroubledStore, StoreStates) throws -> Void = { _, _ in }) throws
        -> TroubledStore
    {
        let states = try StoreStates.shared.get()
        let troubled = try TroubledStore(states.new)
        try change(troubled, states)
        return troubled
    }

    /// - Parameter shell: what the shell does before it becomes the program.
    private func backup(_ troubled: TroubledStore, shell: String = "umask 022") throws -> Outcome {
        let words = ["backup", "\(troubled.path).copy"] + troubled.store.option
        let ended = try ChildProcess.run(
            "/bin/sh",
            ["-c", "\(shell); exec \"$@\"", "sh", ChildProcess.binary.path] + words)
        return Outcome(
            arguments: words, status: ended.status, output: ended.output, errors: ended.errors)
    }

    private func copies(_ troubled: TroubledStore) throws -> [String] {
        try troubled.store.files().keys.filter { $0.hasPrefix("store.db.copy") }.sorted()
    }

    @Test(arguments: ["000", "022", "077"])
    func copyIsForThisUserOnly(umask: String) throws {
        let troubled = try store()
        let outcome = try backup(troubled, shell: "umask \(umask)")
        #expect(outcome.status == 0, "\(outcome.errors)")
        for part in Self.parts {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: "\(troubled.path).copy\(part)")
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(part)")
        }
        #expect(
            try copies(troubled) == [
                "store.db.copy", "store.db.copy.keys", "store.db.copy.registry",
            ])
        // It is what it was made of.
        try ServerProcess.with("--mode", "production", "--store", "sqlite:\(troubled.path).copy") {
            (server) throws in
            let states = try StoreStates.shared.get()
            #expect(try states.bank(server).isActive(states.token))
        }
    }

    @Test(arguments: parts)
    func nothingIsOverwritten(part: String) throws {
        let troubled = try store { troubled, _ in
            try troubled.put(Data("mine".utf8), ".copy\(part)")
        }
        let outcome = try backup(troubled)
        #expect(outcome.status == 73, "\(outcome.errors)")
        #expect(outcome.errors.contains("store.db.copy\(part) is there already"))
        #expect(try copies(troubled) == ["store.db.copy\(part)"])
        #expect(try troubled.store.files()["store.db.copy\(part)"] == Array("mine".utf8))
    }

    enum Fault: String, CaseIterable, Sendable {
        case storeMissing, storeDamaged, storeForeign, registryMissing, registryOlder,
            registryForeign
        case registryDamaged, keysMissing, keysForeign, keysNoise, diskFull

        var status: Int32 {
            switch self {
            case .storeMissing: 66
            case .storeDamaged, .registryDamaged, .diskFull: 71
            default: 78
            }
        }

        func make(_ troubled: TroubledStore, _ states: StoreStates) throws {
            switch self {
            case .storeMissing: try troubled.put(nil, "")
            case .storeDamaged: try troubled.put(Fault.damaged(states.new[""]), "")
            case .storeForeign: try troubled.put(states.foreign[""], "")
            case .registryMissing: try troubled.put(nil, ".registry")
            case .registryOlder: try troubled.put(states.old[".registry"], ".registry")
            case .registryForeign: try troubled.put(states.foreign[".registry"], ".registry")
            case .registryDamaged:
                try troubled.put(Fault.damaged(states.new[".registry"]), ".registry")
            case .keysMissing: try troubled.put(nil, ".keys")
            case .keysForeign: try troubled.put(states.foreign[".keys"], ".keys")
            case .keysNoise: try troubled.put(Data("no keys".utf8), ".keys")
            case .diskFull: break
            }
        }

        /// All pages but the first.
        static func damaged(_ data: Data?) throws -> Data {
            var data = try #require(data)
            for index in 4096..<data.count { data[index] = 0xA5 }
            return data
        }
    }

    @Test(arguments: Fault.allCases)
    func copyOfWhatIsNotWholeLeavesNothing(fault: Fault) throws {
        let troubled = try store { try fault.make($0, $1) }
        let before = try troubled.contents()
        let outcome = try backup(
            troubled, shell: fault == .diskFull ? "trap '' XFSZ; ulimit -f 8" : "umask 022")
        #expect(outcome.status == fault.status, "\(outcome.errors)")
        #expect(outcome.errorLines.count == 1, "\(outcome.errors)")
        #expect(try troubled.contents() == before)
    }

    @Test func helpNamesAllFiles() throws {
        let help = try ChildProcess.run(ChildProcess.binary.path, ["backup", "--help"]).output
        for part in Self.parts { #expect(help.contains("DESTINATION\(part)")) }
        #expect(help.contains("obie-tokens restore"))
    }
}
