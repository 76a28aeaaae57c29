"""The sandbox's well-known credentials, and its requests as bytes."""
import base64
import json
import re



def basic(client, password):
    """The value of Authorization. RFC 7617"""
    return "Basic " + base64.b64encode(f"{client}:{password}".encode()).decode()


CLIENT, PASSWORD = "api-consumer-id", "password"
INSTITUTION = "PSDGB-FCA-111111"
CCG_TOKEN = "good-access-token"
REDIRECT_URI = "https://www.google.com"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
UNKNOWN_CODE = "0" * 32

TOKENS, CODES = "/v1/obie/tokens", "/v1/obie/authorization_codes"
INTROSPECT, REVOKE = "/oauth2/introspect", "/oauth2/revoke"

# What every request has, besides its framing and its content type.
FIELDS = {"Host": "127.0.0.1", "Authorization": basic(CLIENT, PASSWORD), "fi_reference_id": INSTITUTION, "version": "1.0",
          "ccg_token": CCG_TOKEN}
CODE = re.compile(rb'"code":"([0-9a-z]{32})"')
TOKEN = re.compile(rb'"access_token":"([0-9a-f-]{36})"')


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def open_head(path, kind=JSON, **fields):
    """A POST up to where its framing fields, the empty line and the body follow. `fields` come on top, or instead."""
    lines = {**FIELDS, "Content-Type": kind, **fields}
    return (f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())).encode()


def head(path, length, kind=JSON, **fields):
    """The head of a POST with a body of that length."""
    return open_head(path, kind, **fields) + f"Content-Length: {length}\r\n\r\n".encode()


def post(path, body, kind=JSON, **fields):
    """A POST. The body is bytes, text, or what becomes JSON."""
    if not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    data = body.encode() if isinstance(body, str) else body
    return head(path, len(data), kind, **fields) + data


def client_credentials():
    """Grants the well-known CCG token: 201."""
    return post(TOKENS, {"grant_type": "client_credentials"})


def code_body(consent="consent-1", account="account-1", **members):
    """The body of a request for a code."""
    return json.dumps({"consent_id": consent, "psu_account_id": account, "scope": "accounts", "redirect_uri": REDIRECT_URI,
                       **members}).encode()


def make_code(consent="consent-1", account="account-1", **members):
    """Makes a code: 201, and code_of() finds it in the answer."""
    return post(CODES, code_body(consent, account, **members))


def exchange(code):
    """Exchanges a code for a token: 201, and token_of() finds it; 403 where the code is not good."""
    return post(TOKENS, {"redirect_uri": REDIRECT_URI, "auth_code": code})


def introspect(token):
    return post(INTROSPECT, f"token={token}", FORM)


def revoke(token):
    return post(REVOKE, f"token={token}", FORM)


def code_of(answer):
    return CODE.search(answer.body)[1].decode()


def token_of(answer):
    return TOKEN.search(answer.body)[1].decode()
