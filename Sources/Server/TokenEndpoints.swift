// POST /v1/obie/tokens and POST /v1/obie/authorization_codes: the checks in the order of the
// contract, then the domain.

import HTTP1
import Tokens

/// The two endpoints of the API. One per event loop.
final class TokenEndpoints {
    enum Endpoint { case exchange, issueCode }

    private let issuer: TokenIssuer
    private let now: () -> Milliseconds
    private let shared: SharedBytes

    init(issuer: TokenIssuer, shared: SharedBytes, now: @escaping () -> Milliseconds) {
        self.issuer = issuer
        self.shared = shared
        self.now = now
    }

    func handle(
        _ endpoint: Endpoint, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        _ session: inout Session, _ responder: any Responder
    ) {
        if head.isRepeated, let institution = session.repeatedInstitution(issuer.registry) {
            return go(endpoint, head, bytes, nil, institution, &session, responder)
        }
        let headers = APIHeaders(head, bytes)
        guard let institution = check(headers, bytes, &session, responder) else { return }
        go(endpoint, head, bytes, headers, institution, &session, responder)
    }

    /// A doubled Authorization (400), Authorization (401), the other headers (400, all faults),
    /// client and institution (403). Answers where one of them is wrong.
    private func check(
        _ headers: APIHeaders, _ bytes: Span<UInt8>, _ session: inout Session,
        _ responder: any Responder
    ) -> Institution.ID? {
        session.beginHead()
        if headers.authorization.isDoubled {
            responder.respond(
                .fault(.parameterInvalid, "the header Authorization must be given once"))
            return nil
        }
        guard session.authenticate(bytes, headers.authorization.value, issuer.registry, shared)
        else {
            responder.respond(
                .fault(
                    .authenticationError,
                    "the header Authorization must be Basic with a known client id and its secret"))
            return nil
        }
        let faults = headers.faults(bytes)
        guard faults.isEmpty else {
            responder.respond(.faults(faults))
            return nil
        }
        guard
            let institution = session.institution(
                bytes, headers.institution.value, issuer.registry, shared)
        else {
            responder.respond(
                .fault(
                    .fiForbidden, "the client may not act for the institution in fi_reference_id"))
            return nil
        }
        session.acceptHead()
        return institution
    }

    /// - Parameter headers: nil where the head repeats the last one.
    private func go(
        _ endpoint: Endpoint, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        _ headers: APIHeaders?, _ institution: Institution.ID, _ session: inout Session,
        _ responder: any Responder
    ) {
        switch endpoint {
        case .exchange:
            if headers == nil, let provider = session.repeatedProvider {
                return exchange(bytes.extracting(head.body), institution, provider, responder)
            }
            let headers = headers ?? APIHeaders(head, bytes)
            exchange(head, bytes, headers, institution, &session, responder)
        case .issueCode:
            let headers = headers ?? APIHeaders(head, bytes)
            issueCode(head, bytes, headers, institution, &session, responder)
        }
    }

    private func exchange(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ headers: APIHeaders,
        _ institution: Institution.ID, _ session: inout Session, _ responder: any Responder
    ) {
        // The common case needs no closure: the provider is known on this connection.
        let content = bytes.extracting(head.body)
        if let provider = session.provider(bytes, headers.ccgToken.value) {
            return exchange(content, institution, provider, responder)
        }
        let body: TokenBody
        do throws(BodyFaults) {
            body = try TokenBody(
                content, settings: issuer.settings, hasCCGToken: !headers.ccgToken.isMissing)
        } catch {
            return responder.respond(.faults(error.faults))
        }
        switch body {
        case .clientCredentials(let pspID):
            grantClientCredentials(pspID, institution, responder)
        case .authorizationCode(let code, let redirectURI):
            let text = redirectURI.text(content)
            withProvider(bytes, headers, institution, &session, responder) { [self] provider in
                let uri = provider.redirectURIID(Array(text.utf8).span)
                exchange(code, uri, institution, provider, responder)
            }
        }
    }

    /// The exchange where the CCG token has been looked at.
    private func exchange(
        _ content: Span<UInt8>, _ institution: Institution.ID, _ provider: Provider,
        _ responder: any Responder
    ) {
        let body: TokenBody
        do throws(BodyFaults) {
            body = try TokenBody(content, settings: issuer.settings, hasCCGToken: true)
        } catch {
            return responder.respond(.faults(error.faults))
        }
        switch body {
        case .clientCredentials(let pspID):
            grantClientCredentials(pspID, institution, responder)
        case .authorizationCode(let code, let redirectURI):
            let uri = redirectURI.withContent(content) { provider.redirectURIID($0) }
            exchange(code, uri, institution, provider, responder)
        }
    }

    private func exchange(
        _ code: SealedIdentifier?, _ redirectURI: Provider.RedirectURI.ID?,
        _ institution: Institution.ID, _ provider: Provider, _ responder: any Responder
    ) {
        let request = ExchangeRequest(
            institution: institution, provider: provider.id, code: code, redirectURI: redirectURI)
        issuer.exchange(request, now: now(), for: responder)
    }

    /// The sandbox's answer is fixed. In production a CCG token is bound to this institution and
    /// the provider that psp_id names.
    private func grantClientCredentials(
        _ pspID: String?, _ institution: Institution.ID, _ responder: any Responder
    ) {
        switch issuer.settings.mode {
        case .sandbox: responder.respond(.fixedToken)
        case .production:
            guard let provider = pspID.flatMap({ issuer.registry.provider(reference: $0) }) else {
                return responder.respond(
                    .fault(
                        .parameterInvalid, "psp_id must be the reference of a registered provider"))
            }
            let request = CCGTokenRequest(institution: institution, provider: provider.id)
            issuer.issueCCGToken(request, now: now()) { [issuer] result in
                switch result {
                case .success(let token):
                    let seconds = issuer.settings.ccgTokenLifetime / 1000
                    responder.respond(.ccgToken(token, seconds: seconds))
                case .failure(let error): responder.respond(Response(error))
                }
            }
        }
    }

    /// Finds the provider that the CCG token speaks for and goes on with it, or answers 401.
    private func withProvider(
        _ bytes: Span<UInt8>, _ headers: APIHeaders, _ institution: Institution.ID,
        _ session: inout Session, _ responder: any Responder,
        _ body: @escaping (Provider) -> Void
    ) {
        if let provider = session.provider(bytes, headers.ccgToken.value) { return body(provider) }
        var ccgToken: [UInt8] = []
        ccgToken.append(bytes, headers.ccgToken.value)
        var fixed: Provider?
        issuer.provider(ccgToken: ccgToken, institution: institution, now: now()) { result in
            switch result {
            case .success(let provider):
                fixed = provider
                body(provider)
            case .failure(let error): responder.respond(Response(error))
            }
        }
        if let fixed, issuer.registry.fixedCCGToken != nil {
            session.remember(fixed, ccgToken: ccgToken, shared)
        }
    }

    private func issueCode(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ headers: APIHeaders,
        _ institution: Institution.ID, _ session: inout Session, _ responder: any Responder
    ) {
        let body: CodeBody
        do throws(BodyFaults) {
            body = try CodeBody(
                bytes.extracting(head.body), hasCCGToken: !headers.ccgToken.isMissing)
        } catch {
            return responder.respond(.faults(error.faults))
        }
        withProvider(bytes, headers, institution, &session, responder) { [self] provider in
            issueCode(body, institution, provider, responder)
        }
    }

    private func issueCode(
        _ body: CodeBody, _ institution: Institution.ID, _ provider: Provider,
        _ responder: any Responder
    ) {
        guard let redirectURI = provider.redirectURI(Array(body.redirectURI.utf8).span) else {
            return responder.respond(
                .fault(
                    .redirectURIUnregistered,
                    "the redirect_uri is none of those registered for the provider"))
        }
        let request = CodeRequest(
            institution: institution, provider: provider.id, redirectURI: redirectURI.id,
            scope: body.scope, consent: body.consent, state: body.state)
        issuer.issueCode(request, now: now()) { result in
            switch result {
            case .success(let code):
                responder.respond(
                    .code(code, redirectURI: redirectURI.text, state: body.state))
            case .failure(let error): responder.respond(Response(error))
            }
        }
    }
}

extension Response {
    /// The one place where the domain's errors become the API's.
    init(_ error: TokenError) {
        switch error {
        case .ccgTokenInvalid:
            self = .fault(
                .ccgTokenInvalid, "the ccg_token is not valid for this institution; get a new one")
        case .codeRefused:
            // Whatever the reason, the same words: it is none of the caller's business.
            self = .fault(
                .authCodeInvalid, "the auth_code cannot be exchanged; start a new consent")
        case .store(.unavailable):
            self = .fault(
                .storeUnavailable, "the storage did not answer; send the same request again")
        case .store(.full):
            self = .fault(
                .storeUnavailable, "the storage is full; send the same request again later")
        }
    }
}
