"""What has happened is written down: audit log, access log and metrics, whether or not the client still listens."""
import json
import os
import socket
import sqlite3
import struct
import subprocess
import time

import sandbox
from harness import Client, Server, came_true, expect
from outcomes import each

RESETS = 40
SETTLE_SECONDS, STILL_SECONDS = 6, 2
CODE_LIFETIME = 600
BANK, PROVIDER, CALLBACK = "PSDGB-FCA-333333", "PSDGB-FCA-444444", "https://psp.example/callback"


class Sandbox:
    """The requests of a client of the sandbox."""

    fields = {}
    redirect_uri = sandbox.REDIRECT_URI

    def grant(self):
        return sandbox.post(sandbox.TOKENS, {"grant_type": "client_credentials", "psp_id": PROVIDER}, **self.fields)

    def make_code(self):
        return sandbox.post(sandbox.CODES, sandbox.code_body(redirect_uri=self.redirect_uri), **self.fields)

    def exchange(self, code):
        return sandbox.post(sandbox.TOKENS, {"redirect_uri": self.redirect_uri, "auth_code": code}, **self.fields)

    def revoke(self, token):
        return sandbox.post(sandbox.REVOKE, f"token={token}", sandbox.FORM, **self.fields)

    def introspect(self, token):
        return sandbox.post(sandbox.INTROSPECT, f"token={token}", sandbox.FORM, **self.fields)


class Production(Sandbox):
    """The requests of a bank that is registered beside the store in `folder`."""

    redirect_uri = CALLBACK

    def __init__(self, program, folder):
        def command(*arguments):
            return subprocess.run([program, *arguments], cwd=folder, check=True, capture_output=True).stdout
        secret = json.loads(command("fi", "add", BANK, "--json"))["client_secret"]
        command("psp", "add", PROVIDER, "--redirect-uri", CALLBACK)
        self.fields = {"Authorization": sandbox.basic(BANK, secret), "fi_reference_id": BANK}

    def take_ccg_token(self, client):
        self.fields["ccg_token"] = sandbox.token_of(client.ask(self.grant()))


def send_and_reset(server, request, number):
    """The client is gone at once, or up to 2 ms after it has sent."""
    with Client(server.port) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.send(request)
        time.sleep(number % 5 * 0.0005)


class Books:
    """What the server has written down of one kind of event since this was made."""

    def __init__(self, server, event, metric, route, store_count=None):
        self.server, self.event, self.metric, self.route = server, event, metric, route
        self.store_count = store_count
        self.before = [0] * 4
        self.before = self.settled()

    def _now(self):
        return [sum(line["event"] == self.event for line in self.server.audit()),
                int(self.server.metrics()[self.metric]),
                sum(f'"{self.route}"' in line for line in self.server.log),
                self.store_count() if self.store_count else 0]

    def grown(self):
        """Audit lines, metric, access log, rows of the store."""
        return [now - before for now, before in zip(self._now(), self.before)]

    def settled(self):
        """The same, once it has not changed for two seconds: the audit log may take a moment."""
        grown, end = self.grown(), time.monotonic() + SETTLE_SECONDS
        still_until = time.monotonic() + STILL_SECONDS
        while time.monotonic() < min(still_until, end):
            time.sleep(0.05)
            if (now := self.grown()) != grown:
                grown, still_until = now, time.monotonic() + STILL_SECONDS
        return grown

    def awaited(self, count, since=(0, 0, 0)):
        """The same without what other requests have added since, once it is so many, or the time is over."""
        def grown():
            return [now - more for now, more in zip(self.grown(), (*since, 0))]
        came_true(lambda: min(grown()[:3]) >= count, SETTLE_SECONDS)
        return grown()

    def compare(self, grown, count, what):
        audit, metric, access, _ = grown
        expect(count == audit == metric == access,
               f"{count} {what}: {audit} {self.event} lines, {self.metric} {metric}, {access} lines of the access log")
        # Whoever has reset is known all the same.
        nameless = [line for line in self.server.audit() if line["event"] == self.event and not line.get("peer")]
        nameless += [line for line in self.server.log if f'"{self.route}"' in line and '"peer":"' not in line]
        expect(not nameless, f"{len(nameless)} lines without an address, such as {nameless[:1]}")
        return f"{count} {what}"


class Walk:
    """Every kind of request whose client is gone before its answer, on one server."""

    def __init__(self, server, requests, client):
        self.server, self.requests, self.client = server, requests, client
        self.database = os.path.join(server.cwd, "obie-tokens.db")

    def count(self, table):
        """Rows in the store; None where it is in memory."""
        if not os.path.exists(self.database):
            return None
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as store:
            return lambda: store.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    def codes(self):
        return [sandbox.code_of(self.client.ask(self.requests.make_code())) for _ in range(RESETS)]

    def reset_all(self, requests):
        for number, request in enumerate(requests):
            send_and_reset(self.server, request, number)

    def issue(self, request, event, metric, route, table, what):
        """Nobody hears of what is issued here: the rows of the store are its only trace."""
        books = Books(self.server, event, metric, route, self.count(table))
        self.reset_all([request] * RESETS)
        grown = books.settled()
        count = grown[3] if books.store_count else grown[1]
        expect(count, f"not one of {RESETS} requests got through")
        return books.compare(grown, count, what)

    def code_issuance(self):
        return self.issue(self.requests.make_code(), "code_issued", "obie_tokens_codes_issued_total", sandbox.CODES, "codes",
                          "codes made")

    def grants(self):
        return self.issue(self.requests.grant(), "ccg_token_issued", 'obie_tokens_tokens_issued_total{kind="ccg"}',
                          sandbox.TOKENS, "ccg_tokens", "CCG tokens")

    def exchanges(self):
        """Each code is presented again afterwards: where it was spent, the log says that it had been used."""
        codes = self.codes()
        books = Books(self.server, "token_issued", "obie_tokens_codes_redeemed_total", sandbox.TOKENS)
        replays = Books(self.server, "code_replayed", "obie_tokens_codes_replayed_total", sandbox.TOKENS)
        self.reset_all([self.requests.exchange(code) for code in codes])
        books.settled()
        spent = [self.client.ask(self.requests.exchange(code)).status for code in codes].count(403)
        told = books.awaited(spent, (RESETS - spent, RESETS - spent, RESETS))
        came_true(lambda: replays.grown()[0] == spent, SETTLE_SECONDS)
        expect(replays.grown()[0] == spent, f"{spent} codes were refused, {replays.grown()[0]} of them as used")
        return books.compare(told, spent, "tokens minted")

    def replays(self):
        """A stolen code comes again, and its thief does not wait."""
        codes = self.codes()
        tokens = [sandbox.token_of(self.client.ask(self.requests.exchange(code))) for code in codes]
        books = Books(self.server, "code_replayed", "obie_tokens_codes_replayed_total", sandbox.TOKENS)
        self.reset_all([self.requests.exchange(code) for code in codes])
        books.settled()
        count = self.dead(tokens)
        return books.compare(books.awaited(count), count, "tokens revoked by a replay")

    def revocations(self):
        tokens = [sandbox.token_of(self.client.ask(self.requests.exchange(code))) for code in self.codes()]
        books = Books(self.server, "token_revoked", "obie_tokens_tokens_revoked_total", sandbox.REVOKE)
        self.reset_all([self.requests.revoke(token) for token in tokens])
        books.settled()
        count = self.dead(tokens)
        return books.compare(books.awaited(count), count, "tokens revoked")

    def dead(self, tokens):
        answers = [self.client.ask(self.requests.introspect(token)).body for token in tokens]
        count = sum(b'"active":false' in answer for answer in answers)
        expect(count, f"not one of {len(tokens)} requests got through")
        return count


def walk(program, name, mode, store):
    server = Server(program, "--mode", mode, "--loops", "2", "--access-log", "--audit-log", "audit", "--code-lifetime",
                    CODE_LIFETIME, store=store)
    requests = Production(program, server.cwd) if mode == "production" else Sandbox()
    with server, Client(server.port) as client:
        if mode == "production":
            requests.take_ccg_token(client)
        steps = Walk(server, requests, client)
        return f"{name} " + each(steps.exchanges, steps.replays, steps.revocations, steps.code_issuance, steps.grants)


def check_resets(program):
    """A client that resets its connection right after sending."""
    return "all is in the audit log, the access log and the metrics: " + each(
        lambda: walk(program, "SQLite", "production", "sqlite:obie-tokens.db"),
        lambda: walk(program, "memory", "sandbox", "memory"))
