// The variables that this process was started with, and the folder.

import Glibc

/// Variables of the process's environment. The main thread, before there are others.
public enum Environment {
    public static func value(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// Takes all variables away whose names begin with `prefix`, but for some. Before there are threads.
    public static func forget(prefix: String, butFor kept: Set<String>) {
        for name in all.keys where name.hasPrefix(prefix) && !kept.contains(name) {
            unsafe unsetenv(name)
        }
    }

    /// Where relative paths begin; "." where that folder is gone.
    public static var workingFolder: String {
        // Allocated by getcwd(3), as glibc does for a null pointer.
        guard let path = unsafe getcwd(nil, 0) else { return "." }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    /// All variables. What is not UTF-8 is repaired.
    public static var all: [String: String] {
        var all: [String: String] = [:]
        // The C library's list, which only `take` changes. Ends with a null pointer.
        var next = unsafe environ
        while let item = unsafe next.pointee {
            let variable = unsafe String(cString: item)
            unsafe next += 1
            guard let equals = variable.firstIndex(of: "=") else { continue }
            all[String(variable[..<equals])] = String(variable[variable.index(after: equals)...])
        }
        return all
    }

    /// The value, which is not there any more then.
    static func take(_ name: String) -> String? {
        let value = value(name)
        unsafe unsetenv(name)
        return value
    }
}
