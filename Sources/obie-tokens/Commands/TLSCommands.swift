// `obie-tokens tls self-signed`: a certificate for trying TLS out.

import ArgumentParser
import System
import TLS

struct TLSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tls", abstract: "Makes a certificate for trying TLS out.",
        subcommands: [MakeSelfSigned.self])

    struct MakeSelfSigned: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "self-signed",
            abstract: "Makes a certificate that has signed itself, and its key.",
            discussion: """
                For trying the server out: clients have to be told to trust it, as with curl --cacert. Only \
                this user may read the two files. The command never touches an existing file.

                Exit status: 0; 64 for a wrong option; 73 if a file cannot be made or is there already.
                """)

        @Option(
            help: ArgumentHelp(
                "A name or an IP address that clients connect to; may come several times. (default: "
                    + "localhost, 127.0.0.1 and ::1)", valueName: "name"),
            transform: MakeSelfSigned.checked)
        var name: [String] = []

        @Option(
            help: ArgumentHelp("The file of the certificate.", valueName: "file"),
            completion: .file())
        var certificate = "tls.pem"

        @Option(help: ArgumentHelp("The file of the key.", valueName: "file"), completion: .file())
        var key = "tls.key"

        @Option(
            help: ArgumentHelp(
                "For how many days it is good: 1 to 3650. (default: 30)", valueName: "n"),
            transform: { try SettingValue.number(1...3650)($0) })
        var days: Int64 = 30

        func validate() throws {
            if certificate == key {
                throw ValidationError(
                    "--certificate and --key name the same file, \(key); write them into two")
            }
        }

        func run() throws {
            for path in [certificate, key] where PrivateFile.exists(path) {
                throw ProgramFailure(
                    description: "\(path) is there already; take it away, or choose another name",
                    status: 73)
            }
            let names = name.isEmpty ? ["localhost", "127.0.0.1", "::1"] : name
            let made = SelfSigned.make(names: names, now: Clock.wallMilliseconds(), days: days)
            try make(made.key, at: key)
            do {
                try make(made.certificate, at: certificate)
            } catch {
                // A key without its certificate would stand in the way of the next attempt.
                PrivateFile.unmake(key)
                throw error
            }
            Program.log(
                "made \(certificate) and \(key) for \(names.joined(separator: ", ")); nobody trusts it "
                    + "but who is told to (curl --cacert \(certificate))")
        }

        private func make(_ bytes: [UInt8], at path: String) throws(ProgramFailure) {
            do throws(PrivateFile.Failure) {
                try PrivateFile.make(bytes, at: path)
            } catch {
                throw ProgramFailure(
                    description: "cannot make the file \(error); choose another one", status: 73)
            }
        }

        /// Letters, digits and what stands in names and addresses: OpenSSL takes commas for more.
        @Sendable private static func checked(_ text: String) throws -> String {
            let isName =
                !text.isEmpty
                && text.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"),
                        UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                        UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "*"):
                        true
                    default: false
                    }
                }
            guard isName else {
                throw ValidationError("'\(text)' is no name of a host, and no IP address")
            }
            return text
        }
    }
}
