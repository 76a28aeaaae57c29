"""Requests of institutions, on connections that are kept: what is sent, and what an answer says. For asyncio."""
import asyncio
import re

import sandbox
from checks import expect
from client import LENGTH, Client

PROVIDER, CALLBACK = "PSDGB-FCA-222222", "https://psp.example/callback"
CONSENTS = "/v1/obie/consents/revoke"
CLOSE = re.compile(rb"\r\nConnection: *close\r\n", re.IGNORECASE)
ANSWER_SECONDS, CONNECT_SECONDS = 20, 2
FIND = {"issue": ("code", sandbox.CODE), "exchange": ("token", sandbox.TOKEN)}


class Bank:
    """An institution: the fields of its requests. In production it needs a CCG token first, which names the provider."""

    def __init__(self, reference, secret, callback=CALLBACK, ccg_token=""):
        self.reference, self.callback = reference, callback
        self.fields = {"Authorization": sandbox.basic(reference, secret), "fi_reference_id": reference,
                       "ccg_token": ccg_token}

    def take_ccg_token(self, port, provider=PROVIDER):
        body = {"grant_type": "client_credentials", "psp_id": provider}
        with Client(port) as client:
            answer = client.ask(sandbox.post(sandbox.TOKENS, body, **self.fields))
        expect(answer.status == 201, f"{self.reference} asked for a CCG token, got {answer!r}")
        self.fields["ccg_token"] = sandbox.token_of(answer)

    def request(self, kind, code=None, token=None, consent=None):
        """The bytes of a request of the history's kinds."""
        if kind == "issue":
            body = sandbox.code_body(consent, redirect_uri=self.callback)
            return sandbox.post(sandbox.CODES, body, **self.fields)
        if kind == "exchange":
            return sandbox.post(sandbox.TOKENS, {"redirect_uri": self.callback, "auth_code": code}, **self.fields)
        if kind == "consent":
            return sandbox.post(CONSENTS, {"consent_id": consent}, **self.fields)
        path = sandbox.INTROSPECT if kind == "lookup" else sandbox.REVOKE
        return sandbox.post(path, f"token={token}", sandbox.FORM, **self.fields)


def said(kind, status, body):
    """What an answer says: the members of the history's line. Raises ValueError where it cannot be read."""
    if kind in FIND and status == 201:
        name, pattern = FIND[kind]
        found = pattern.search(body)
        if not found:
            raise ValueError(f"a 201 without a {name}: {body!r}")
        return {name: found[1].decode()}
    if kind == "lookup" and status == 200:
        return {"active": b'"active":true' in body}
    return {}


class Line:
    """One connection, opened when it is needed."""

    def __init__(self, port):
        self.port, self.streams = port, None

    async def connect(self):
        """Raises OSError where nobody listens; then nothing has been asked."""
        if not self.streams:
            try:
                connecting = asyncio.open_connection("127.0.0.1", self.port)
                self.streams = await asyncio.wait_for(connecting, CONNECT_SECONDS)
            except asyncio.TimeoutError:
                raise OSError("nobody took the connection") from None

    async def ask(self, data):
        """(status, body). Raises OSError where no answer comes: what was asked may have happened."""
        try:
            return await asyncio.wait_for(self._ask(data), ANSWER_SECONDS)
        except (OSError, EOFError, asyncio.TimeoutError) as error:
            self.close()
            raise OSError(f"no answer: {error!r}") from error
        except asyncio.CancelledError:
            self.close()
            raise

    async def _ask(self, data):
        reader, writer = self.streams
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        body = await reader.readexactly(int(length[1])) if length else b""
        if CLOSE.search(head):
            self.close()
        return int(head[9:12]), body

    def close(self):
        if self.streams:
            self.streams[1].transport.abort()
            self.streams = None
