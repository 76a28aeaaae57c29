// What lies beside a store only where the store has been used: so a missing store was lost.

import Bytes
import System

enum Companions {
    /// Those that are there, the keys and the audit log. The store itself knows of its registry.
    static func present(store path: String, _ keys: KeySource) throws(PrivateFile.Failure)
        -> [String]
    {
        var found: [String] = []
        let keyFile = KeyFile.path(besideStore: path)
        if case .besideTheStore = keys, PrivateFile.exists(keyFile) { found.append(keyFile) }
        let log = "\(path).audit"
        if PrivateFile.exists(log), try isOfServer(log) { found.append(log) }
        return found
    }

    /// Commands write about the registry, and may do so before there is a store. All else was written
    /// by a server.
    private static func isOfServer(_ log: String) throws(PrivateFile.Failure) -> Bool {
        let beginning = try PrivateFile.readBeginning(of: log)
        let lines = beginning.split(separator: UInt8(ascii: "\n"))
        // Of a line that the bound has cut nobody can say what it is about.
        let isCut = beginning.count == PrivateFile.bytesMax
        return (isCut ? lines.dropLast() : lines[...]).contains { line in
            !String(decoding: line, as: UTF8.self).includes(#""event":"registry_change"#)
        }
    }
}
