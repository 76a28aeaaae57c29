"""OAuth libraries: what they make of this server alone, and with the adapters of docs/integrating.md.

Authlib and requests-oauthlib are the real ones. oauth4webapi and openid-client are not in Debian: programs/oauth4webapi.js
sends what oauth4webapi sends.
"""
import base64
import json
import os
import secrets
import subprocess

import authlib
import requests
import requests_oauthlib
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from oauthlib.oauth2 import BackendApplicationClient, MissingTokenError, WebApplicationClient
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error

import page
from asking import Bank
from harness import expect, sandbox
from in_programs import HERE
from in_python import Requests
from lost_answers import Relay
from trials import new_code

CLIENT = (sandbox.CLIENT, sandbox.PASSWORD)
HEADERS = {"fi_reference_id": sandbox.INSTITUTION, "version": "1.0"}
FOR_PROVIDER = {"ccg_token": sandbox.CCG_TOKEN}


def url(server, path=""):
    return f"http://127.0.0.1:{server.port}{path}"


def code_for(server):
    with Requests() as client:
        return new_code(client, Bank(server.port))


def pasted(name):
    """The adapter of the page, as names."""
    names = {}
    exec(compile(page.code(name), page.PAGE, "exec"), names)  # the page's own code is what is tried
    return names


def is_active(answer):
    return answer.status_code == 200 and answer.json()["active"] is True


def expect_error(raised, function, what):
    try:
        outcome = function()
    except raised as error:
        return error
    return expect(False, f"{what}: no {raised.__name__}, but {outcome}")


def authlib_alone(server):
    """It takes the errors of a 400 for a token, and raises nothing."""
    session = OAuth2Session(*CLIENT)
    token = session.fetch_token(url(server, sandbox.TOKENS), grant_type="client_credentials")
    expect("access_token" not in token and token["errors"], f"Authlib made {dict(token)} of a form")


def authlib_adapted(server):
    session = pasted("authlib")["obie_session"](*CLIENT, sandbox.INSTITUTION)
    tokens = url(server, sandbox.TOKENS)
    granted = session.fetch_token(tokens, grant_type="client_credentials")
    code, key = code_for(server), secrets.token_hex(16)
    wanted = {"grant_type": "authorization_code", "code": code, "redirect_uri": sandbox.REDIRECT_URI,
              "headers": {"ccg_token": granted["access_token"], "x-idempotency-key": key}}
    token = session.fetch_token(tokens, **wanted)
    expect(token["token_type"] == "bearer" and token["expires_at"], f"Authlib made {dict(token)} of a token")
    expect(session.fetch_token(tokens, **wanted)["access_token"] == token["access_token"], "a repetition got another token")
    for method in "client_secret_basic", "client_secret_post":
        found = session.introspect_token(url(server, sandbox.INTROSPECT), token=token["access_token"],
                                         auth=session.client_auth(method))
        expect(is_active(found), f"Authlib looks the token up with {method}: {found.text}")
    wanted["headers"] = FOR_PROVIDER
    error = expect_error(OAuthError, lambda: session.fetch_token(tokens, **wanted), "Authlib, a code twice")
    expect(error.error == "auth_code_invalid", f"Authlib raises {error}")
    stranger = pasted("authlib")["obie_session"](sandbox.CLIENT, "wrong", sandbox.INSTITUTION)
    error = expect_error(OAuthError, lambda: stranger.fetch_token(tokens, grant_type="client_credentials"), "a wrong secret")
    expect(error.error == "authentication_error", f"Authlib raises {error}")


def requests_oauthlib_alone(server):
    session = requests_oauthlib.OAuth2Session(client=BackendApplicationClient(sandbox.CLIENT))
    expect_error(MissingTokenError, lambda: session.fetch_token(url(server, sandbox.TOKENS), auth=CLIENT), "requests-oauthlib")


def requests_oauthlib_adapted(server):
    obie_session, tokens = pasted("requests-oauthlib")["obie_session"], url(server, sandbox.TOKENS)
    session = obie_session(BackendApplicationClient(sandbox.CLIENT), sandbox.INSTITUTION)
    granted = session.fetch_token(tokens, auth=CLIENT)
    expect(granted["access_token"] == sandbox.CCG_TOKEN, f"requests-oauthlib made {dict(granted)} of a token")
    session = obie_session(WebApplicationClient(sandbox.CLIENT), sandbox.INSTITUTION, sandbox.REDIRECT_URI)
    wanted = {"auth": CLIENT, "code": code_for(server), "headers": FOR_PROVIDER}
    token = session.fetch_token(tokens, **wanted)
    found = requests.post(url(server, sandbox.INTROSPECT), {"token": token["access_token"]}, auth=CLIENT, timeout=10)
    expect(is_active(found), f"requests-oauthlib's token: {found.text}")
    error = expect_error(CustomOAuth2Error, lambda: session.fetch_token(tokens, **wanted), "requests-oauthlib, a code twice")
    expect(error.error == "auth_code_invalid", f"requests-oauthlib raises {error!r}")


def encoded_basic(server):
    """Id and secret form-encoded, as RFC 6749 section 2.3.1 has it, and every character that may be."""
    encoded = ":".join("".join(f"%{byte:02X}" for byte in part.encode()) for part in CLIENT)
    proof = "Basic " + base64.b64encode(encoded.encode()).decode()
    found = requests.post(url(server, sandbox.INTROSPECT), {"token": "x"}, headers={"Authorization": proof}, timeout=10)
    expect(found.status_code == 200, f"form-encoded Basic: {found.text}")


def secret_in_form(server):
    """client_secret_post, as lua-resty-openidc sends it unless told otherwise; and never both."""
    form = {"token": "x", "client_id": sandbox.CLIENT, "client_secret": sandbox.PASSWORD}
    found = requests.post(url(server, sandbox.INTROSPECT), form, timeout=10)
    expect(found.status_code == 200, f"client_secret_post: {found.text}")
    both = requests.post(url(server, sandbox.INTROSPECT), form, auth=CLIENT, timeout=10)
    expect(both.status_code == 400 and both.json()["error"] == "invalid_request", f"Basic and form at once: {both.text}")
    wrong = requests.post(url(server, sandbox.INTROSPECT), {**form, "client_secret": "wrong"}, timeout=10)
    expect(wrong.status_code == 401 and wrong.json()["error"] == "invalid_client", f"a wrong secret in the form: {wrong.text}")


def oauth4webapi(server):
    """Its encodings and the adapter of the page, in Node; the first answer to the exchange is lost."""
    with Relay(server.port) as relay:
        relay.lose(1, "close")
        asked = {"url": url(server), "relay": url(relay), "client": sandbox.CLIENT, "secret": sandbox.PASSWORD,
                 "institution": sandbox.INSTITUTION, "ccg": sandbox.CCG_TOKEN, "code": code_for(server),
                 "redirect": sandbox.REDIRECT_URI}
        done = subprocess.run(["node", str(HERE / "oauth4webapi.js"), page.code("oauth4webapi"), json.dumps(asked)],
                              capture_output=True, text=True, timeout=60, check=False)
        expect(done.returncode == 0, f"oauth4webapi's requests: {done.stderr.strip()}")


def try_all(server, throttled, results, with_node):
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    results.name = f"Authlib {authlib.__version__}"
    results.attempt("alone", authlib_alone, server)
    results.attempt("with the adapter", authlib_adapted, server)
    results.name = f"requests-oauthlib {requests_oauthlib.__version__}"
    results.attempt("alone", requests_oauthlib_alone, server)
    results.attempt("with the adapter", requests_oauthlib_adapted, server)
    results.name = "standard OAuth"
    results.attempt("form-encoded Basic", encoded_basic, throttled)
    results.attempt("client_secret_post", secret_in_form, server)
    if with_node:
        results.attempt("oauth4webapi", oauth4webapi, server)
