// The addresses of a host's name, for whoever blocks: but never longer than it may, whatever the resolver does.

import Synchronization
import System
import UV

enum BlockingLookup {
    private static let pauseMilliseconds: UInt32 = 2

    /// What the resolver has said. Any thread.
    private final class Outcome: Sendable {
        let result = Mutex<Result<[String], UVError>?>(nil)
    }

    /// - Returns: at least one address.
    /// - Throws: where the name has none, or the time is over.
    static func addresses(
        of name: String, _ deadline: Deadline
    ) throws(SessionError) -> [String] {
        let outcome = Outcome()
        do throws(UVError) {
            let loop = try EventLoop()
            do throws(UVError) {
                try NameLookup.addresses(of: name, loop) { result in
                    outcome.result.withLock { $0 = result }
                }
                // Never joined: it ends when the resolver gives up, which may be late.
                _ = try Worker(owning: loop, named: "lookup") { $0.run() }
            } catch {
                loop.abandon()
                throw error
            }
        } catch {
            throw failure(name, "\(error)")
        }
        while deadline.milliseconds > 0 {
            switch outcome.result.withLock({ $0 }) {
            case .success(let addresses): return addresses
            case .failure(let error): throw failure(name, "\(error)")
            case nil: Machine.sleep(milliseconds: pauseMilliseconds)
            }
        }
        throw failure(name, "the resolver does not answer")
    }

    private static func failure(_ name: String, _ reason: String) -> SessionError {
        SessionError(
            description: "cannot find the address of \(name): \(reason)", isConnectionLost: true)
    }
}
