"""The client's side of the benchmark: who asks, the requests, a check that a server really does the exchange, and
making codes and tokens.

Knows the HTTP contract and the sandbox credentials; knows nothing about processes and measuring.
"""
import base64
import dataclasses
import json
import os
import re
import socket
import sys
import time

INSTITUTION = "PSDGB-FCA-111111"
PROVIDER = "PSDGB-FCA-222222"
REDIRECT_URI = "https://www.google.com"
STATE = "example-state"
CODE_LENGTH = 32
TOKEN_LENGTH = 36
ID_LENGTH = 36
REFERENCE_LENGTH = 12
HOST = "127.0.0.1"  # where every connection goes
TLS = None  # an ssl.SSLContext, by which every connection is then made
NO_CODE = "?" * CODE_LENGTH  # exchange.lua, pace.c and connect.c put codes where this stands
NO_ID = "#" * ID_LENGTH      # exchange.lua puts ids where this stands

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
CODE = re.compile(rb'"code" *: *"([0-9a-f]{32})"')
ACCESS_TOKEN = re.compile(rb'"access_token" *: *"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')

AT_ONCE = 16  # pipelined on one connection; their answers fit into a socket's buffers, so nobody waits for nobody
CONNECTIONS = 256  # a store on disk takes a batch of one request from each; and the server closes one after 100,000


@dataclasses.dataclass(frozen=True)
class Bank:
    """Who asks: the credentials of an institution's client, and its CCG token, which names the provider."""
    authorization: str
    ccg_token: str


def bank(client_id, secret, ccg_token="none-yet"):
    """A bank with these credentials."""
    return Bank("Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode(), ccg_token)


SANDBOX = bank("api-consumer-id", "password", "good-access-token")


def request(path, body, close=False, asker=SANDBOX):
    """The bytes of one POST with every header that the contract asks for."""
    text = json.dumps(body, separators=(",", ":"))
    connection = "Connection: close\r\n" if close else ""
    return (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {asker.authorization}\r\n"
            f"fi_reference_id: {INSTITUTION}\r\nversion: 1.0\r\nccg_token: {asker.ccg_token}\r\n"
            f"{connection}Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}").encode()


def constant_request():
    """A client-credentials grant of the sandbox: the same work every time, and nothing is looked up or used."""
    return request("/v1/obie/tokens", {"grant_type": "client_credentials"})


def grant_request(asker):
    """A client-credentials grant in production, which names the provider and makes a CCG token."""
    return request("/v1/obie/tokens", {"grant_type": "client_credentials", "psp_id": PROVIDER}, asker=asker)


def exchange_request(code=NO_CODE, close=False, asker=SANDBOX):
    """The exchange. The code comes last: exchange.lua says why."""
    return request("/v1/obie/tokens", {"redirect_uri": REDIRECT_URI, "auth_code": code}, close, asker)


def varied(data, identity=NO_ID):
    """The same request with an interaction id and a transaction reference of its own, as banks send. identity is a
    UUID; the reference is made of its end."""
    fields = f"\r\nx-fapi-interaction-id: {identity}\r\ntransaction_reference: payment-{identity[-REFERENCE_LENGTH:]}"
    return data.replace(b"\r\n\r\n", fields.encode() + b"\r\n\r\n", 1)


def keyed(data, key):
    """The same request with an idempotency key."""
    return data.replace(b"\r\n\r\n", f"\r\nx-idempotency-key: {key}\r\n\r\n".encode(), 1)


def code_request(consent, account="account-00000000", asker=SANDBOX):
    """Asks for a code."""
    return request("/v1/obie/authorization_codes", {
        "psu_account_id": account, "scope": "accounts", "redirect_uri": REDIRECT_URI, "state": STATE,
        "consent_id": consent}, asker=asker)


def introspect_request(token="?" * TOKEN_LENGTH, asker=SANDBOX):
    """Asks whether a token is live."""
    return form_request("/oauth2/introspect", token, asker)


def revoke_request(token="?" * TOKEN_LENGTH, asker=SANDBOX):
    """Ends a token."""
    return form_request("/oauth2/revoke", token, asker)


def form_request(path, token, asker):
    """The bytes of one POST to an endpoint of OAuth."""
    text = f"token={token}"
    return (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {asker.authorization}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(text)}\r\n\r\n{text}").encode()


def consent_revoke_request(consent=NO_CODE, asker=SANDBOX):
    """Ends all that was issued for a consent."""
    return request("/v1/obie/consents/revoke", {"consent_id": consent}, asker=asker)


class Connection:
    """One blocking connection. Answers are read one after the other, however many were asked for at once."""

    def __init__(self, port, source=None):
        self.socket = socket.create_connection((HOST, port), timeout=10,
                                               source_address=source and (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if TLS:
            self.socket = TLS.wrap_socket(self.socket)
        self.received = b""
        self.at = 0  # where in it the next answer starts

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        """(status, head, body) of the next answer."""
        while (head_end := self.received.find(b"\r\n\r\n", self.at)) < 0:
            self._receive()
        length = CONTENT_LENGTH.search(self.received, self.at, head_end)
        body_end = head_end + 4 + (int(length[1]) if length else 0)
        while len(self.received) < body_end:
            start = self.at
            self._receive()  # moves what is there to the front
            head_end, body_end = head_end - start, body_end - start
        head, body = self.received[self.at:head_end], self.received[head_end + 4:body_end]
        self.at = body_end
        return int(head[9:12]), head, body

    def _receive(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.received = self.received[self.at:] + data
        self.at = 0


def ask(port, data, source=None):
    """One request on a connection of its own."""
    with Connection(port, source) as connection:
        connection.send(data)
        return connection.answer()


def ccg_token(body):
    """The token in the answer to a client-credentials grant of production."""
    found = ACCESS_TOKEN.search(body)
    if not found:
        raise ValueError(f"asked for a CCG token, got {body[:300]!r}")
    return found[1].decode()


def check_exchange(port, asker=SANDBOX):
    """Raises ValueError unless a code buys one token, once: a server must do the work that is measured."""
    status, _, body = ask(port, code_request("consent-0", asker=asker))
    code = CODE.search(body)
    if status != 201 or not code:
        raise ValueError(f"asked for a code, got {status} {body[:300]!r}")
    status, head, body = ask(port, exchange_request(code[1].decode(), asker=asker))
    if status != 201 or not ACCESS_TOKEN.search(body) or STATE.encode() not in body:
        raise ValueError(f"exchanged a code, got {status} {body[:300]!r}")
    for field in (b"content-type: application/json", b"cache-control: no-store", b"pragma: no-cache", b"date:"):
        if field not in head.lower():
            raise ValueError(f"exchanged a code, got no {field.decode()}")
    status, _, body = ask(port, exchange_request(code[1].decode(), asker=asker))
    if status != 403:
        raise ValueError(f"exchanged a code twice, got {status} {body[:300]!r}")


def pipelined(port, count, batch, value_of, what, path=os.devnull):
    """Sends count requests, batch(first, so many) at a time, and writes what value_of finds in each answer to the file
    at path, one a line. Says on stderr how far it is."""
    began = told = time.monotonic()
    connections = [Connection(port) for _ in range(CONNECTIONS)]
    asked = 0
    try:
        with open(path, "wb") as file:
            while asked < count:
                awaited = []
                for connection in connections:
                    size = min(AT_ONCE, count - asked)
                    connection.send(batch(asked, size))
                    awaited.append((connection, size))
                    asked += size
                for connection, size in awaited:
                    file.writelines([value_of(connection.answer()) + b"\n" for _ in range(size)])
                if time.monotonic() - told > 2:
                    told = time.monotonic()
                    print(f"    {asked:,} of {count:,} {what}", file=sys.stderr, flush=True)
    finally:
        for connection in connections:
            connection.socket.close()
    took = time.monotonic() - began
    print(f"    {count:,} {what} in {took:.1f} s", file=sys.stderr, flush=True)


def make_codes(port, count, path, asker=SANDBOX):
    """Writes count fresh codes to the file at path, one a line."""
    made = [code_request(f"consent-{i:08d}", f"account-{i:08d}", asker) for i in range(CONNECTIONS * AT_ONCE)]
    pipelined(port, count, lambda first, size: b"".join(made[first % len(made):][:size]), code_of, "codes", path)


def exchange_codes(port, codes_path, path):
    """Exchanges every code of a file; writes the tokens to the file at path, one a line."""
    with open(codes_path, "rb") as file:
        codes = file.read().split()
    before, after = exchange_request().split(NO_CODE.encode())
    between = after + before
    pipelined(port, len(codes), lambda first, size: before + between.join(codes[first:first + size]) + after,
              _token, "tokens", path)


def code_of(answer):
    """The code in the answer to a request for one."""
    return _found(CODE, answer, "asked for a code")


def _token(answer):
    return _found(ACCESS_TOKEN, answer, "exchanged a code")


def _found(pattern, answer, what):
    status, _, body = answer
    found = pattern.search(body)
    if status != 201 or not found:
        raise ValueError(f"{what}, got {status} {body[:300]!r}")
    return found[1]
