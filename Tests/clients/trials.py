"""What each client is put through. A trial raises Failure where server or client did other than what is expected."""
import secrets
from dataclasses import dataclass

from asking import CHALLENGED, Answer, Bank, Request
from harness import Client, expect, sandbox
from lost_answers import Relay

WAITS = 30
# More than an address may fail at once.
NAMELESS = 150


def exchange(client, server):
    """The whole exchange, a look-up, and the same code again."""
    bank = Bank(server.port)
    granted = client.ask(bank.credentials())
    expect(granted.status == 201, f"no CCG token: {granted}")
    made = client.ask(bank.make_code(granted.token))
    expect(made.status == 201, f"no code: {made}")
    token = client.ask(bank.exchange(made.code, granted.token))
    expect(token.status == 201, f"no token: {token}")
    found = client.ask(bank.introspect(token.token))
    expect(found.status == 200 and found.json["active"], f"the token is not alive: {found}")
    again = client.ask(bank.exchange(made.code, granted.token))
    expect(again.status == 403 and again.json["errors"][0]["code"] == "auth_code_invalid", f"a code twice: {again}")


def challenge(client, throttled):
    """A client that waits for the challenge proves itself again and again, and is never told that it fails too often."""
    for count in range(WAITS):
        answer = client.ask(Bank(throttled.port, CHALLENGED).credentials())
        expect(answer.status == 201, f"request {count + 1} that waited for the challenge: {answer}")


def nameless(throttled):
    """A request without Authorization gets the challenge, however many there were before."""
    body = b'{"grant_type":"client_credentials"}'
    request = (f"POST {sandbox.TOKENS} HTTP/1.1\r\nHost: x\r\nContent-Type: {sandbox.JSON}\r\nContent-Length: {len(body)}"
               f"\r\n\r\n").encode() + body
    with Client(throttled.port) as client:
        for count in range(NAMELESS):
            answer = client.ask(request)
            expect(answer.status == 401, f"request {count + 1} without Authorization: {answer}")
            expect(answer.headers["www-authenticate"].startswith("Basic "), f"no challenge: {answer}")


def wrong_secret(client, server, how):
    """What the client says to it: the status, or what it raised."""
    request = Bank(server.port, how).credentials()
    answer = client.ask(Request(**{**vars(request), "secret": "wrong"}))
    expect(answer.status in (0, 401), f"a wrong secret: {answer}")
    if answer.text:
        expect(answer.json["errors"][0]["code"] == "authentication_error", f"a wrong secret: {answer}")
    return answer.error or "401"


@dataclass
class Loss:
    """What came of an exchange whose first answer was lost: how often the client sent it, and what it said in the end."""
    sent: int
    answer: Answer


def lose_answer(client, server, how, kept, key=None):
    """One answer to an exchange is lost: the connection is closed, or reset, instead.

    kept: the connection has served another request before; clients take more risks with those.
    """
    with Relay(server.port) as relay:
        through, code = Bank(relay.port), new_code(client, Bank(server.port))
        request = through.exchange(code, key=key)
        relay.lose(1, how)
        answer = client.ask_all([through.credentials()] * kept + [request])[-1]
        expect(relay.exchanges, f"the exchange did not arrive: {answer}")
        expect((relay.exchanges[0][1] > 1) == kept, "its connection was not new" if not kept else "its connection was not kept")
        loss = Loss(len(relay.exchanges), answer)
        expect(loss.sent <= 2, f"it was sent {loss.sent} times")
        if key and not answer.status:
            loss.answer = client.ask(request)
        return loss


def keep_consent(client, server, how, kept):
    """With a key the consent is not lost: the client or its caller repeats, and gets a token that is alive."""
    loss = lose_answer(client, server, how, kept, secrets.token_hex(16))
    expect(loss.answer.status == 201, f"an answer was lost; the repetition with the same x-idempotency-key got {loss.answer}")
    found = client.ask(Bank(server.port).introspect(loss.answer.token))
    expect(found.json["active"], f"the token of the repetition is not alive: {found}")
    return loss


def lose_consent(client, server, how, kept):
    """Without a key, a client that sends it again by itself has spoilt the consent, and learns that with a 403."""
    loss = lose_answer(client, server, how, kept)
    expect((loss.sent > 1) == (loss.answer.status == 403), f"sent {loss.sent} times without a key: {loss.answer}")
    expect(loss.sent > 1 or loss.answer.error, f"an answer came though it was lost: {loss.answer}")
    return loss


def new_code(client, bank):
    made = client.ask(bank.make_code())
    expect(made.status == 201, f"no code: {made}")
    return made.code
