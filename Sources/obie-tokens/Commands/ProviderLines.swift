// A file for `psp import`: a JSON object on each line. What stands there is checked member by member, so that
// a misspelt name changes nobody.

import Bytes
import Crypto
import Server
import System
import Tokens

struct ProviderLines {
    let entries: [ProviderEntry]
    let faults: ImportFaults
    /// SHA-256 of the file, for the audit log.
    let fingerprint: String

    /// 200,000 providers with ten URIs each take some 200 MB.
    static let bytesMax = 1 << 29

    /// - Parameter path: `-` is standard input.
    /// - Throws: 66 for a file that cannot be read.
    init(_ path: String, _ progress: ImportProgress) throws(ProgramFailure) {
        var bytes: [UInt8]
        do throws(PrivateFile.Failure) {
            bytes = try PrivateFile.read(
                path == "-" ? "/dev/stdin" : path, bytesMax: ProviderLines.bytesMax)
        } catch {
            if error.isTooLong {
                throw ProgramFailure(
                    description: "\(path) has more than 512 MiB; import it in parts", status: 65)
            }
            throw ProgramFailure(description: "cannot read the list \(error)", status: 66)
        }
        fingerprint = Hexadecimal.text(SHA256.hash(bytes.span))
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        (entries, faults) = ProviderLines.parse(bytes, progress)
    }

    private static func parse(
        _ bytes: [UInt8], _ progress: ImportProgress
    ) -> ([ProviderEntry], ImportFaults) {
        var entries: [ProviderEntry] = []
        var faults = ImportFaults()
        var (start, number) = (0, 0)
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            let line = bytes[start..<end]
            number += 1
            start = end + 1
            guard line.contains(where: { $0 > 0x20 }) else { continue }
            do throws(JSONRecord.Problem) {
                entries.append(try entry(line, number))
            } catch {
                faults.add(line: number, error.description)
            }
            if number % 10_000 == 0 { progress.say("read \(number) lines") }
        }
        return (entries, faults)
    }

    private static func entry(
        _ line: ArraySlice<UInt8>, _ number: Int
    ) throws(JSONRecord.Problem) -> ProviderEntry {
        var reference: String?
        var terms = ProviderTerms()
        var redirectURIs: [String]?
        for (name, value) in try JSONRecord.read(line) {
            guard let member = Member(rawValue: name) else { throw unknown(name) }
            switch (member, value) {
            case (_, .nothing): break
            case (.reference, .text(let text)): reference = text
            case (.status, .text(let text)):
                guard let status = Authorisation.Status(rawValue: text) else {
                    throw fault(#""status" must be "authorised" or "withdrawn""#)
                }
                terms.status = status
            case (.services, .texts(let names)):
                guard let services = Services(names: names) else {
                    throw fault(
                        #""services" must be a list of "accounts", "payments" and "fundsconfirmations""#
                    )
                }
                terms.services = services
            case (.redirectURIs, .texts(let uris)): redirectURIs = uris
            case (.name, .text(let text)): terms.name = text
            case (.reference, _), (.status, _), (.name, _):
                throw fault("\"\(name)\" must be a text")
            case (.services, _), (.redirectURIs, _):
                throw fault("\"\(name)\" must be a list of texts")
            }
        }
        guard let reference else { throw fault(#""reference" is missing"#) }
        return ProviderEntry(
            line: number, reference: reference, terms: terms, redirectURIs: redirectURIs)
    }

    private enum Member: String, CaseIterable {
        case reference, status, services, name
        case redirectURIs = "redirect_uris"
    }

    private static func fault(_ reason: String) -> JSONRecord.Problem { JSONRecord.Problem(reason) }

    private static func unknown(_ name: String) -> JSONRecord.Problem {
        let known = Member.allCases.map(\.rawValue)
        let hint = Nearest.hint(name, known)
        return fault(
            "\"\(name)\" is unknown\(hint); a line has \(known.sorted().joined(separator: ", "))")
    }
}

/// How far an import has come: on a terminal only, and not more often than it can be read.
final class ImportProgress {
    private static let everyMicroseconds = 200_000
    private let isShown = Terminal.isErrorShown
    private var saidAt = Clock.monotonicMicroseconds()

    func say(_ text: String) {
        let now = Clock.monotonicMicroseconds()
        guard isShown, now - saidAt >= ImportProgress.everyMicroseconds else { return }
        saidAt = now
        Program.log(text)
    }
}
