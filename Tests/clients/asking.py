"""What every client is asked, and what it says: a request, and an answer or an error."""
import json
from dataclasses import dataclass, field

from harness import sandbox

# How the client proves itself: with the first request, or only where the server asks for it.
FIRST, CHALLENGED = "first", "challenged"


@dataclass
class Request:
    """A POST. The client adds Authorization by its own means, from client and secret."""
    url: str
    body: str
    headers: dict
    how: str = FIRST
    client: str = sandbox.CLIENT
    secret: str = sandbox.PASSWORD


@dataclass
class Answer:
    """Status and text; or, where the client gave none, what it raised."""
    status: int = 0
    text: str = ""
    error: str = ""

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def token(self):
        return self.json["data"]["access_token"]

    @property
    def code(self):
        return self.json["data"]["redirect_uri"]["parameters"]["code"]

    def __str__(self):
        return self.error or f"{self.status} {self.text}"


@dataclass
class Bank:
    """The sandbox's requests, at one address."""
    port: int
    how: str = FIRST
    headers: dict = field(default_factory=lambda: {"fi_reference_id": sandbox.INSTITUTION, "version": "1.0"})

    def _post(self, path, body, headers):
        return Request(f"http://127.0.0.1:{self.port}{path}", body, headers, self.how)

    def _json(self, path, members, **headers):
        return self._post(path, json.dumps(members), {**self.headers, "Content-Type": sandbox.JSON, **headers})

    def credentials(self):
        return self._json(sandbox.TOKENS, {"grant_type": "client_credentials"})

    def make_code(self, ccg=sandbox.CCG_TOKEN):
        return self._json(sandbox.CODES, json.loads(sandbox.code_body()), ccg_token=ccg)

    def exchange(self, code, ccg=sandbox.CCG_TOKEN, key=None):
        headers = {"ccg_token": ccg, **({"x-idempotency-key": key} if key else {})}
        return self._json(sandbox.TOKENS, {"auth_code": code, "redirect_uri": sandbox.REDIRECT_URI}, **headers)

    def introspect(self, token):
        return self._post(sandbox.INTROSPECT, f"token={token}", {"Content-Type": sandbox.FORM})
