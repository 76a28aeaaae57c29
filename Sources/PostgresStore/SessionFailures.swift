// What a person is told of a connection or a statement that failed.

import Tokens

extension StoreFailure {
    /// What a person is told of a connection or a statement that failed.
    init(_ error: SessionError, _ place: String) {
        switch error.state {
        case SessionError.undefinedTable:
            self = SchemaCheck.missing(place)
        case SessionError.forbidden:
            self.init(
                "the role may not use the tables in the database \(place): \(error); let their owner "
                    + "run `obie-tokens store migrate` with --serving-role and the role's name",
                .rights)
        case SessionError.lockNotAvailable:
            self.init(
                "the database \(place) is busy: another command, or somebody's own session, holds a "
                    + "lock that this one needs (\(error)). Nothing was changed; run the command again"
            )
        case SessionError.noData:
            self = SchemaCheck.emptied(error.description, place)
        default:
            self.init(
                error.isConnectionLost
                    ? "cannot connect to the database \(place): \(error)"
                    : "the database \(place) refuses: \(error)")
        }
    }

    /// Runs `body`, and makes sentences of the database's errors.
    static func explaining<Answer>(
        _ place: String, _ body: () throws -> Answer
    ) throws(StoreFailure) -> Answer {
        do {
            return try body()
        } catch let failure as StoreFailure {
            throw failure
        } catch let error as SessionError {
            throw StoreFailure(error, place)
        } catch {
            throw StoreFailure("the database \(place): \(error)")
        }
    }
}
