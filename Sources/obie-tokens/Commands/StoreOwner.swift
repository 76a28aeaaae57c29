// A command that root gives acts as the owner of the files that it is about, so that it leaves none that
// the server cannot open.

import System

extension Settings {
    /// The store's owner; where there is no store yet, that of its folder.
    ///
    /// - Parameter rights: what root keeps besides.
    /// - Throws: 77 where root may not become that user.
    func actAsOwner(keeping rights: ActingUser.Rights = .toRead) throws(ProgramFailure) {
        guard let store = self.store.path else { return }
        try Settings.actAsOwner(ofFirst: [store, Settings.folder(of: store)], keeping: rights)
    }

    /// The owner of the first of these that is there.
    static func actAsOwner(
        ofFirst paths: [String], keeping rights: ActingUser.Rights = .toRead
    ) throws(ProgramFailure) {
        do throws(ActingUser.Failure) {
            let became = try ActingUser.becomeOwner(ofFirst: paths, keeping: rights)
            if let became {
                Program.log("acting as user \(became.user), who owns \(became.path)")
            }
        } catch {
            throw ProgramFailure(
                description:
                    "\(paths[0]) belongs to user \(error.user), and root may not act as that "
                    + "user here (errno \(error.code)); run the command as that user",
                status: 77)
        }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
