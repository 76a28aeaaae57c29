// POST /v1/obie/tokens and POST /v1/obie/authorization_codes: the checks in the order of the
// contract, then the domain.

import HTTP1
import Tokens

/// The two endpoints of the API. One per event loop.
final class TokenEndpoints {
    enum Endpoint { case exchange, issueCode }

    private let issuer: TokenIssuer
    private let authenticator: Authenticator
    private let now: () -> Milliseconds
    private let shared: SharedBytes

    init(
        issuer: TokenIssuer, authenticator: Authenticator, shared: SharedBytes,
        now: @escaping () -> Milliseconds
    ) {
        self.issuer = issuer
        self.authenticator = authenticator
        self.shared = shared
        self.now = now
    }

    func handle(
        _ endpoint: Endpoint, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        _ session: inout Session, _ responder: any Responder
    ) {
        if head.isRepeated, let caller = session.repeatedCaller(issuer.registry) {
            if let notes = responder.notes { repeatNotes(notes, head, bytes, session) }
            return go(endpoint, head, bytes, nil, caller, &session, responder)
        }
        let headers = APIHeaders(head, bytes)
        guard let caller = check(headers, bytes, &session, responder) else { return }
        go(endpoint, head, bytes, headers, caller, &session, responder)
    }

    /// What the checks would have noted.
    private func repeatNotes(
        _ notes: RequestNotes, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        _ session: borrowing Session
    ) {
        notes.read(APIHeaders(head, bytes), bytes, issuer.registry)
        notes.clientID = session.client?.id
        notes.isAuthenticated = true
    }

    /// A doubled Authorization (400), Authorization (401), the other headers (400, all faults),
    /// client and institution (403). Answers where one of them is wrong.
    private func check(
        _ headers: APIHeaders, _ bytes: Span<UInt8>, _ session: inout Session,
        _ responder: any Responder
    ) -> Caller? {
        session.beginHead()
        responder.notes?.read(headers, bytes, issuer.registry)
        if headers.authorization.isDoubled {
            responder.respond(
                .fault(.parameterInvalid, "the header Authorization must be given once"))
            return nil
        }
        switch authenticator.authenticate(headers, bytes, &session, responder) {
        case .proven: break
        case .failed:
            responder.respond(
                .fault(
                    .authenticationError,
                    "the header Authorization must be Basic with a known client id and its secret"))
            return nil
        case .throttled(let seconds):
            responder.respond(.rateLimited(retryAfterSeconds: seconds, because: nil))
            return nil
        }
        let faults = headers.faults(bytes)
        guard faults.isEmpty else {
            responder.respond(.faults(faults))
            return nil
        }
        guard
            let caller = session.caller(
                bytes, headers.institution.value, issuer.registry, shared)
        else {
            if let notes = responder.notes {
                notes.reason =
                    notes.institution == nil ? .institutionUnknown : .institutionForbidden
            }
            responder.respond(
                .fault(
                    .fiForbidden, "the client may not act for the institution in fi_reference_id"))
            return nil
        }
        session.acceptHead()
        return caller
    }

    /// - Parameter headers: nil where the head repeats the last one.
    private func go(
        _ endpoint: Endpoint, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        _ headers: APIHeaders?, _ caller: Caller, _ session: inout Session,
        _ responder: any Responder
    ) {
        switch endpoint {
        case .exchange:
            if headers == nil, let provider = session.repeatedProvider {
                return exchange(bytes.extracting(head.body), caller, provider, responder)
            }
            let headers = headers ?? APIHeaders(head, bytes)
            exchange(head, bytes, headers, caller, &session, responder)
        case .issueCode:
            let headers = headers ?? APIHeaders(head, bytes)
            issueCode(head, bytes, headers, caller, &session, responder)
        }
    }

    private func exchange(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ headers: APIHeaders,
        _ caller: Caller, _ session: inout Session, _ responder: any Responder
    ) {
        // The common case needs no closure: the provider is known on this connection.
        let content = bytes.extracting(head.body)
        if let provider = session.provider(bytes, headers.ccgToken.value) {
            return exchange(content, caller, provider, responder)
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
            grantClientCredentials(pspID, caller, responder)
        case .authorizationCode(let code, let redirectURI):
            let text = redirectURI.text(content)
            withProvider(bytes, headers, caller, &session, responder) { [self] provider in
                let uri = provider.redirectURIID(Array(text.utf8).span)
                exchange(code, uri, caller, provider, responder)
            }
        }
    }

    /// The exchange where the CCG token has been looked at.
    private func exchange(
        _ content: Span<UInt8>, _ caller: Caller, _ provider: Provider,
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
            grantClientCredentials(pspID, caller, responder)
        case .authorizationCode(let code, let redirectURI):
            let uri = redirectURI.withContent(content) { provider.redirectURIID($0) }
            exchange(code, uri, caller, provider, responder)
        }
    }

    private func exchange(
        _ code: SealedIdentifier?, _ redirectURI: Provider.RedirectURI.ID?,
        _ caller: Caller, _ provider: Provider, _ responder: any Responder
    ) {
        if let notes = responder.notes {
            notes.provider = provider.reference
            notes.code = code
        }
        let request = ExchangeRequest(
            client: caller.client, institution: caller.institution, provider: provider.id,
            code: code,
            redirectURI: redirectURI)
        issuer.exchange(request, now: now(), for: responder)
    }

    /// The sandbox's answer is fixed. In production a CCG token is bound to this institution and
    /// the provider that psp_id names.
    private func grantClientCredentials(
        _ pspID: String?, _ caller: Caller, _ responder: any Responder
    ) {
        switch issuer.settings.mode {
        case .sandbox: responder.respond(.fixedToken)
        case .production:
            guard let provider = pspID.flatMap({ issuer.registry.provider(reference: $0) }) else {
                return responder.respond(
                    .fault(
                        .parameterInvalid, "psp_id must be the reference of a registered provider"))
            }
            responder.notes?.provider = provider.reference
            let request = CCGTokenRequest(institution: caller.institution, provider: provider.id)
            issuer.issueCCGToken(request, now: now()) { [issuer] result in
                switch result {
                case .success(let token):
                    let seconds = issuer.settings.ccgTokenLifetime / 1000
                    responder.respond(.ccgToken(token, seconds: seconds))
                case .failure(let error): responder.respond(.failure(error))
                }
            }
        }
    }

    /// Finds the provider that the CCG token speaks for and goes on with it, or answers 401.
    private func withProvider(
        _ bytes: Span<UInt8>, _ headers: APIHeaders, _ caller: Caller,
        _ session: inout Session, _ responder: any Responder,
        _ body: @escaping (Provider) -> Void
    ) {
        if let provider = session.provider(bytes, headers.ccgToken.value) { return body(provider) }
        var ccgToken: [UInt8] = []
        ccgToken.append(bytes, headers.ccgToken.value)
        var fixed: Provider?
        issuer.provider(ccgToken: ccgToken, institution: caller.institution, now: now()) { result in
            switch result {
            case .success(let provider):
                fixed = provider
                body(provider)
            case .failure(let error): responder.respond(.failure(error))
            }
        }
        if let fixed, issuer.registry.fixedCCGToken != nil {
            session.remember(fixed, ccgToken: ccgToken, shared)
        }
    }

    private func issueCode(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ headers: APIHeaders,
        _ caller: Caller, _ session: inout Session, _ responder: any Responder
    ) {
        let body: CodeBody
        do throws(BodyFaults) {
            body = try CodeBody(
                bytes.extracting(head.body), hasCCGToken: !headers.ccgToken.isMissing)
        } catch {
            return responder.respond(.faults(error.faults))
        }
        withProvider(bytes, headers, caller, &session, responder) { [self] provider in
            issueCode(body, caller, provider, responder)
        }
    }

    private func issueCode(
        _ body: CodeBody, _ caller: Caller, _ provider: Provider,
        _ responder: any Responder
    ) {
        if let notes = responder.notes {
            notes.provider = provider.reference
            notes.consentID = body.consent.id
            notes.scope = body.scope
        }
        guard let redirectURI = provider.redirectURI(Array(body.redirectURI.utf8).span) else {
            responder.notes?.reason = .redirectURIUnregistered
            return responder.respond(
                .fault(
                    .redirectURIUnregistered,
                    "the redirect_uri is none of those registered for the provider"))
        }
        let request = CodeRequest(
            institution: caller.institution, provider: provider.id, redirectURI: redirectURI.id,
            scope: body.scope, consent: body.consent, state: body.state)
        issuer.issueCode(request, now: now()) { result in
            switch result {
            case .success(let code):
                responder.notes?.code = code
                responder.respond(
                    .code(code, redirectURI: redirectURI.text, state: body.state))
            case .failure(let error): responder.respond(.failure(error))
            }
        }
    }
}

extension Fault {
    /// The one place where the domain's errors become the API's.
    init(_ error: TokenError) {
        switch error {
        case .ccgTokenInvalid:
            self.init(
                .ccgTokenInvalid, "the ccg_token is not valid for this institution; get a new one")
        case .codeRefused:
            // Whatever the reason, the same words: it is none of the caller's business.
            self.init(.authCodeInvalid, "the auth_code cannot be exchanged; start a new consent")
        case .store(.unavailable):
            self.init(.storeUnavailable, "the storage did not answer; send the same request again")
        case .store(.full):
            self.init(
                .storeUnavailable, "the storage is full; send the same request again later")
        case .store(.outcomeUnknown):
            self.init(
                .storeUnavailable,
                "the storage failed and cannot say whether this was done; send the same request "
                    + "again: an auth_code may be spent by now")
        }
    }
}
