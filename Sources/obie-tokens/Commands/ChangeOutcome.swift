// What has become of a change that is written down, as far as running servers go: in words, for
// programs, and as an exit status.

import ArgumentParser
import System
import Tokens

/// Of one change.
struct ChangeOutcome {
    /// What --help says of it.
    static let help = """
        A change that is written down has one of three outcomes, which --json has as "outcome": \
        in_force, every request of every running server sees it (0); written, no server is running on \
        the store, and its next start sees it (0); late, a server is running and has not taken it \
        over within 5 s, so that it serves as before until it does (75). With a store in a database \
        "late" names those servers, and "silent" those that are connected and have not been heard of \
        for 5 s: they are not waited for, since they answer 503 until they have the newest registry.
        """
    static let lateStatus: Int32 = 75

    enum Kind: String {
        case inForce = "in_force"
        case written
        case late
    }

    let kind: Kind
    /// The store's path.
    private let place: String
    /// Several servers may use the store.
    private let isShared: Bool
    /// The servers that are late, where they have names.
    private let late: [String]
    /// The servers that were not waited for.
    private let silent: [SilentServer]
    /// Why nobody can tell whether it is in force; nil where that is known.
    private let doubt: String?
    /// Of a registry that the change has made; nil where there was one.
    private let news: String?

    init(
        _ takeover: Result<RegistryTakeover, any Error>, place: String, isShared: Bool = false,
        silent: [SilentServer] = [], news: String? = nil
    ) {
        self.silent = silent
        self.news = news
        self.place = place
        self.isShared = isShared
        switch takeover {
        case .success(.hasTakenOver): (kind, late, doubt) = (.inForce, [], nil)
        case .success(.notRunning): (kind, late, doubt) = (.written, [], nil)
        case .success(.isLate(let names)): (kind, late, doubt) = (.late, names, nil)
        case .failure(let error): (kind, late, doubt) = (.late, [], "\(error)")
        }
    }

    /// How a sentence about the change goes on.
    private var words: String {
        switch kind {
        case .inForce: "in force on \(isShared ? "every" : "the") running server"
        case .written:
            silent.isEmpty
                ? "\(written), on which no server is running: it counts from the next start on"
                : "\(written), on which no server answers requests now"
        case .late:
            doubt.map { "\(written), but nobody knows whether it is in force: \($0)" }
                ?? "\(written), but \(whoIsLate) not taken it over within 5 s and serves as before; "
                + "see its log"
        }
    }

    private var written: String { "written \(isShared ? "in" : "beside") \(place)" }

    private var whoIsLate: String {
        late.isEmpty
            ? "the running server has"
            : "the server \(late.joined(separator: " and the server ")) has"
    }

    /// What the sentence says of servers that hang.
    private var aside: String {
        silent.map {
            "; the server \($0.name) has not been heard of since \(Timestamp.text($0.lastSeenAt)), and "
                + "answers 503 until it has read the newest registry"
        }.joined()
    }

    /// For programs, beside what the command says itself.
    var members: Record {
        isShared
            ? Record([
                "outcome": .text(kind.rawValue), "store": .text(place), "late": .list(late),
                "silent": .list(silent.map(\.name)),
            ]) : Record(["outcome": .text(kind.rawValue), "store": .text(place)])
    }

    /// Tells people, and ends the command with its exit status.
    ///
    /// - Parameter sentence: what has changed.
    func tell(_ sentence: String) throws {
        if let news { Program.log(news) }
        Program.log("\(kind == .late ? "error: " : "")\(sentence); \(words)\(aside)")
        if kind == .late { throw ExitCode(ChangeOutcome.lateStatus) }
    }
}
