"""The whole flow with the client that was generated from the description. Called by openapi_check.py.

    PYTHONPATH=FOLDER flow.py http://127.0.0.1:PORT
"""
import sys
from pathlib import Path

from obie_tokens import AuthenticatedClient
from obie_tokens.api.around import get_description, get_health
from obie_tokens.api.gateway import introspect_token, revoke_token
from obie_tokens.api.obie import create_authorization_code, create_token
from obie_tokens.models import (ClientCredentials, CodeExchange, CodeRequest, CodeRequestScope, ErrorCode,
                                Errors, IntrospectTokenBody, OAuthError, OAuthErrorError, RevokeTokenBody)

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from harness import sandbox  # noqa: E402

REDIRECT = sandbox.REDIRECT_URI
HEADERS = {"fi_reference_id": sandbox.INSTITUTION, "version": "1.0"}


def client(url, secret):
    prefix, token = sandbox.basic(sandbox.CLIENT, secret).split()
    return AuthenticatedClient(base_url=url, token=token, prefix=prefix)


def main(url):
    bank = client(url, sandbox.PASSWORD)
    assert get_health.sync(client=bank).status == "ok"
    assert get_description.sync(client=bank)["openapi"].startswith("3.1")

    grant = create_token.sync(client=bank, body=ClientCredentials("client_credentials"), **HEADERS)
    ccg = grant.data.access_token
    code = create_authorization_code.sync(
        client=bank, ccg_token=ccg, **HEADERS,
        body=CodeRequest("consent-1", "account-1", REDIRECT, CodeRequestScope.ACCOUNTS, state="the state"))
    assert code.data.redirect_uri.base_uri == REDIRECT
    assert code.data.redirect_uri.parameters.state == "the state"
    exchange = CodeExchange(code.data.redirect_uri.parameters.code, REDIRECT)
    token = create_token.sync(client=bank, ccg_token=ccg, body=exchange, **HEADERS)
    assert token.data.state == "the state" and token.data.expires_in == 31_104_000

    found = introspect_token.sync(client=bank, body=IntrospectTokenBody(token.data.access_token))
    assert found.active and found.sub == "account-1" and found.consent_id == "consent-1"
    assert revoke_token.sync_detailed(client=bank, body=RevokeTokenBody(token.data.access_token)).status_code == 200
    assert introspect_token.sync(client=bank, body=IntrospectTokenBody(token.data.access_token)).active is False

    again = create_token.sync(client=bank, ccg_token=ccg, body=exchange, **HEADERS)
    assert isinstance(again, Errors) and again.errors[0].code == ErrorCode.AUTH_CODE_INVALID
    stranger = create_token.sync(client=client(url, "wrong"), ccg_token=ccg, body=exchange, **HEADERS)
    assert stranger.errors[0].code == ErrorCode.AUTHENTICATION_ERROR
    empty = introspect_token.sync(client=bank, body=IntrospectTokenBody(""))
    assert isinstance(empty, OAuthError) and empty.error == OAuthErrorError.INVALID_REQUEST
    missing = create_token.sync(client=bank, body=exchange, **HEADERS)
    assert missing.errors[0].code == ErrorCode.PARAMETER_MISSING
    print("openapi check: the generated client got a CCG token, a code and a token, looked it up, revoked it, and read 4 errors")


if __name__ == "__main__":
    main(sys.argv[1])
