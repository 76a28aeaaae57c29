// What commands are told of a provider, and how they show it.

import ArgumentParser
import System
import Tokens

extension Authorisation.Status: ExpressibleByArgument {}

/// The services as people write them: names with commas between them, or `all`, or `none`.
struct ServiceList: ExpressibleByArgument {
    let services: Services

    init?(argument: String) {
        switch argument {
        case "all": services = .all
        case "none": services = []
        default:
            let names = argument.split(separator: ",", omittingEmptySubsequences: false)
            guard let services = Services(names: names.map(String.init)) else { return nil }
            self.services = services
        }
    }

    static let help =
        "accounts, payments and fundsconfirmations, with commas between them; or all, or none."
}

extension Services {
    /// - Parameter names: of scopes; nil for one that is unknown.
    init?(names: [String]) {
        var services: Services = []
        for name in names {
            guard let scope = Scope(name) else { return nil }
            services.insert(Services(scope))
        }
        self = services
    }
}

/// What a provider's authority says of it.
struct TermsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "authorised, or withdrawn: then no code and no token is issued for it, and its tokens are "
                + "inactive for as long.", valueName: "status"))
    var status: Authorisation.Status?

    @Option(
        help: ArgumentHelp(
            "What it is authorised for: \(ServiceList.help)", valueName: "services"))
    var services: ServiceList?

    @Option(help: ArgumentHelp("Its name, for people. Empty takes it away.", valueName: "name"))
    var name: String?

    var terms: ProviderTerms {
        ProviderTerms(status: status, services: services?.services, name: name)
    }

    /// For the audit log.
    var words: [String] {
        [
            status.map { "status \($0.rawValue)" },
            services.map { list in
                let names = list.services.names
                return "services \(names.isEmpty ? "none" : names.joined(separator: ","))"
            },
            name.map { $0.isEmpty ? "no name" : "name \($0)" },
        ].compactMap { $0 }
    }
}

struct PlainHTTPOption: ParsableArguments {
    @Flag(
        name: .customLong("allow-http"),
        help: "Take http to any host, too. A code then crosses the network in plain text.")
    var allowsPlainText = false
}

extension ProviderRecord {
    var record: Record {
        Record([
            "provider": .text(reference),
            "name": .text(name),
            "status": .text(authorisation.status.rawValue),
            "services": .list(authorisation.services.names),
            "enabled": .truth(!isDisabled),
            "redirect_uris": .list(redirectURIs.map(\.text)),
            "revoked_until": .text(revokedUntil.map(Timestamp.text)),
        ])
    }

    /// What was registered when more was taken goes on working.
    func warnings(_ mode: IssuerSettings.Mode) -> [String] {
        redirectURIs.compactMap { uri in
            RegistrableURI.fault(of: uri.text, allowsPlainText: mode == .sandbox).map { fault in
                "the redirect URI \(uri.text) would not be registered today: \(fault.description)"
            }
        }
    }
}
