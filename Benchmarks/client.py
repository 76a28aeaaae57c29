"""The client's side of the benchmark: the requests, a check that a server really does the exchange, and making codes.

Knows the HTTP contract and the sandbox credentials; knows nothing about processes and measuring.
"""
import json
import re
import socket
import sys
import time

AUTHORIZATION = "Basic YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk"  # api-consumer-id:password
REDIRECT_URI = "https://www.google.com"
STATE = "example-state"
CODE_LENGTH = 32
NO_CODE = "?" * CODE_LENGTH  # exchange.lua puts codes where this stands

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
CODE = re.compile(rb'"code" *: *"([0-9a-f]{32})"')
ACCESS_TOKEN = re.compile(rb'"access_token" *: *"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"')

CODES_AT_ONCE = 64  # pipelined on one connection; their answers fit into a socket's buffers, so nobody waits for nobody
CODES_CONNECTIONS = 16


def request(path, body):
    """The bytes of one POST with every header that the contract asks for."""
    text = json.dumps(body, separators=(",", ":"))
    return (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {AUTHORIZATION}\r\n"
            f"fi_reference_id: PSDGB-FCA-111111\r\nversion: 1.0\r\nccg_token: good-access-token\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}").encode()


def constant_request():
    """A client-credentials grant: the same work every time, and nothing is looked up or used."""
    return request("/v1/obie/tokens", {"grant_type": "client_credentials"})


def exchange_request(code=NO_CODE):
    """The exchange. The code comes last: exchange.lua says why."""
    return request("/v1/obie/tokens", {"redirect_uri": REDIRECT_URI, "auth_code": code})


def code_request(number):
    """Asks for a code; number makes consents and accounts differ as they would in life."""
    return request("/v1/obie/authorization_codes", {
        "consent_id": f"consent-{number:08d}", "psu_account_id": f"account-{number:08d}", "scope": "accounts",
        "redirect_uri": REDIRECT_URI, "state": STATE})


class Connection:
    """One blocking connection. Answers are read one after the other, however many were asked for at once."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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


def ask(port, data):
    """One request on a connection of its own."""
    with Connection(port) as connection:
        connection.send(data)
        return connection.answer()


def check_exchange(port):
    """Raises ValueError unless a code buys one token, once: a server must do the work that is measured."""
    status, _, body = ask(port, code_request(0))
    code = CODE.search(body)
    if status != 201 or not code:
        raise ValueError(f"asked for a code, got {status} {body[:300]!r}")
    status, head, body = ask(port, exchange_request(code[1].decode()))
    if status != 201 or not ACCESS_TOKEN.search(body) or STATE.encode() not in body:
        raise ValueError(f"exchanged a code, got {status} {body[:300]!r}")
    for field in (b"content-type: application/json", b"cache-control: no-store", b"pragma: no-cache", b"date:"):
        if field not in head.lower():
            raise ValueError(f"exchanged a code, got no {field.decode()}")
    status, _, body = ask(port, exchange_request(code[1].decode()))
    if status != 403:
        raise ValueError(f"exchanged a code twice, got {status} {body[:300]!r}")


def make_codes(port, count, path):
    """Writes count fresh codes to the file at path, one a line. Says on stderr how far it is."""
    began = told = time.monotonic()
    batches = [b"".join(code_request(i * CODES_AT_ONCE + k) for k in range(CODES_AT_ONCE))
               for i in range(CODES_CONNECTIONS)]
    connections = [Connection(port) for _ in batches]
    made = 0
    try:
        with open(path, "wb") as file:
            while made < count:
                for connection, batch in zip(connections, batches):
                    connection.send(batch)
                for connection in connections:
                    codes = [_code(connection.answer()) for _ in range(CODES_AT_ONCE)][:count - made]
                    file.writelines(codes)
                    made += len(codes)
                if time.monotonic() - told > 2:
                    told = time.monotonic()
                    print(f"    {made:,} of {count:,} codes", file=sys.stderr, flush=True)
    finally:
        for connection in connections:
            connection.socket.close()
    took = time.monotonic() - began
    print(f"    {count:,} codes in {took:.1f} s", file=sys.stderr, flush=True)


def _code(answer):
    status, _, body = answer
    code = CODE.search(body)
    if status != 201 or not code:
        raise ValueError(f"asked for a code, got {status} {body[:300]!r}")
    return code[1] + b"\n"
