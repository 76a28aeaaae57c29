#!/usr/bin/python3
"""A server by the book, to test the test bed with: the same requests and commands, one plain transaction each.

    Tests/cluster/failover_test.py --server Tests/cluster/stand_in.py

What the tests find with it is a fault of theirs. It keeps what obie-tokens promises, slowly: an exchange whose outcome is
uncertain is repeated with the same token, what waited for 5 s gets 503 and is undone. Needs Debian's python3-psycopg2.
"""
import base64
import http.server
import json
import os
import secrets
import select
import signal
import sys
import threading
import time
import urllib.parse
import uuid

import psycopg2
import psycopg2.extensions

STORE_SECONDS, LIFE, ROUND_SECONDS = 5.0, 60.0, 3.0
SCHEMA = """
CREATE TABLE codes (code text PRIMARY KEY, bank text, consent text, uri text, born double precision, token text);
CREATE TABLE tokens (token text PRIMARY KEY, bank text, consent text, born double precision);
CREATE TABLE consents (bank text, consent text, until double precision, PRIMARY KEY (bank, consent));
CREATE TABLE banks (bank text PRIMARY KEY, secret text);
CREATE TABLE own (id text PRIMARY KEY, n bigint);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"""
SPEND = """WITH spent AS (UPDATE codes c SET token = %(token)s WHERE code = %(code)s AND bank = %(bank)s AND token IS NULL
  AND born > %(now)s - 60 AND NOT EXISTS (SELECT FROM consents r WHERE r.bank = c.bank AND r.consent = c.consent
  AND c.born <= r.until) RETURNING bank, consent, born)
INSERT INTO tokens SELECT %(token)s, bank, consent, born FROM spent"""
NOW = "extract(epoch FROM clock_timestamp())"


class Deadline(threading.local):
    moment = float("inf")


deadline = Deadline()


def wait(connection):
    """For psycopg2: no wait is longer than the deadline of the thread."""
    while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
        reading = [connection] if state == psycopg2.extensions.POLL_READ else []
        writing = [connection] if state == psycopg2.extensions.POLL_WRITE else []
        rest = min(deadline.moment - time.monotonic(), ROUND_SECONDS)
        if rest <= 0 or not any(select.select(reading, writing, [], rest)):
            raise psycopg2.OperationalError("too late")


psycopg2.extensions.set_wait_callback(wait)


class Unavailable(Exception):
    pass


class Store:
    """Everything that asks the database; each thread has its own connection."""

    def __init__(self, url):
        self.url, self.local, self.undo, self.name = url, threading.local(), [], secrets.token_hex(8)
        threading.Thread(target=self.put_in_order, daemon=True).start()

    def connection(self):
        if getattr(self.local, "connection", None) is None:
            self.local.connection = psycopg2.connect(self.url, connect_timeout=2, target_session_attrs="read-write",
                                                     sslmode="disable", options="-c synchronous_commit=on")
            self.local.connection.autocommit = True
        return self.local.connection

    def transaction(self, *statements):
        """The rows of each statement. Repeats until the deadline where the outcome is uncertain."""
        while True:
            try:
                connection = self.connection()
                with connection.cursor() as cursor:
                    # A write of its own: only that waits for the standby.
                    cursor.execute("BEGIN; INSERT INTO own VALUES (%s, 0) ON CONFLICT (id) DO UPDATE SET n = own.n + 1",
                                   (f"{self.name}-{threading.get_ident()}",))
                    found = []
                    for text, values in statements:
                        cursor.execute(text, values)
                        found.append(cursor.fetchall() if cursor.description else cursor.rowcount)
                    cursor.execute("COMMIT")
                if any("WARNING" in notice for notice in connection.notices):
                    raise psycopg2.OperationalError("the wait for the standby was cancelled")
                return found
            except psycopg2.Error:
                if getattr(self.local, "connection", None):
                    self.local.connection.close()
                    self.local.connection = None
                if time.monotonic() > deadline.moment:
                    raise Unavailable from None
                time.sleep(0.1)

    def read(self, text, values=()):
        return self.transaction((text, values))[0]

    def redeem(self, code, bank):
        """A token, or None."""
        token = str(uuid.UUID(bytes=secrets.token_bytes(16)))
        values = {"token": token, "code": code, "bank": bank, "now": time.time()}
        try:
            _, rows = self.transaction((SPEND, values), ("SELECT token FROM codes WHERE code = %(code)s AND bank = %(bank)s",
                                                         values))
            held = rows[0][0] if rows else None
            if held == token:
                return token
            if held:
                self.transaction(("DELETE FROM tokens WHERE token = %s", (held,)))
            return None
        except Unavailable:
            self.undo.append((code, token))
            raise

    def put_in_order(self):
        """What got 503 and happened all the same is undone."""
        deadline.moment = float("inf")
        while True:
            while self.undo:
                code, token = self.undo[0]
                self.transaction(("UPDATE codes SET token = NULL WHERE code = %s AND token = %s", (code, token)),
                                 ("DELETE FROM tokens WHERE token = %s", (token,)))
                self.undo.pop(0)
            time.sleep(0.02)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm, store, secrets_of = "HTTP/1.1", True, None, {}

    def do_GET(self):
        self.answer(200, {})

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        bank, _, secret = base64.b64decode(self.headers["Authorization"].split()[1]).decode().partition(":")
        deadline.moment = time.monotonic() + STORE_SECONDS
        try:
            if self.secret(bank) != secret:
                return self.answer(401, {})
            form = "json" not in self.headers["Content-Type"]
            body = {k: v[0] for k, v in urllib.parse.parse_qs(text).items()} if form else json.loads(text)
            self.answer(*self.act(self.path.rpartition("/v1/obie/")[2], bank, body))
        except Unavailable:
            self.answer(503, {"errors": []})

    def secret(self, bank):
        if bank not in self.secrets_of:
            rows = self.store.read("SELECT secret FROM banks WHERE bank = %s", (bank,))
            self.secrets_of[bank] = rows[0][0] if rows else None
        return self.secrets_of[bank]

    def act(self, path, bank, body):
        """(status, body)."""
        store = self.store
        if path == "authorization_codes":
            code = secrets.token_hex(16)
            store.transaction((f"INSERT INTO codes SELECT %s, %s, %s, %s, {NOW} ON CONFLICT DO NOTHING",
                               (code, bank, body["consent_id"], body["redirect_uri"])))
            return 201, {"data": {"redirect_uri": {"parameters": {"code": code}}}}
        if path == "tokens":
            token = str(uuid.uuid4()) if "psp_id" in body else store.redeem(body["auth_code"], bank)
            return (201, {"data": {"access_token": token}}) if token else (403, {"errors": []})
        if path == "consents/revoke":
            store.transaction((f"INSERT INTO consents VALUES (%s, %s, {NOW}) ON CONFLICT (bank, consent) DO UPDATE"
                               " SET until = excluded.until", (bank, body["consent_id"])))
            return 200, {}
        if path.endswith("introspect"):
            rows = store.read("SELECT 1 FROM tokens t WHERE token = %s AND bank = %s AND NOT EXISTS (SELECT FROM consents r"
                              " WHERE r.bank = t.bank AND r.consent = t.consent AND t.born <= r.until)", (body["token"], bank))
            return 200, {"active": bool(rows)}
        store.transaction(("DELETE FROM tokens WHERE token = %s AND bank = %s", (body["token"], bank)))
        return 200, {}

    def answer(self, status, body):
        data = json.dumps(body, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def option(name, default=None):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def main():
    words, url = sys.argv[1:], option("--store")
    deadline.moment = time.monotonic() + 20
    if words[:2] == ["keys", "create"]:
        with open(words[2], "x", encoding="ascii") as file:
            file.write("none\n")
    elif words[:2] == ["store", "migrate"]:
        with psycopg2.connect(url, target_session_attrs="read-write") as connection:
            connection.cursor().execute(SCHEMA.format(role=option("--serving-role")))
    elif words[:2] == ["fi", "add"]:
        Store(url).transaction(("INSERT INTO banks VALUES (%s, %s)", (words[2], secret := secrets.token_hex(16))))
        print(json.dumps({"client_secret": secret}))
    elif words[0] == "serve":
        Handler.store, (host, port) = Store(url), option("--listen", "127.0.0.1:0").split(":")
        http.server.ThreadingHTTPServer.request_queue_size = 128
        server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
        server.daemon_threads = True
        print(f"listening on http://{host}:{server.server_port}, probes on http://{host}:{server.server_port}",
              file=sys.stderr, flush=True)
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        server.serve_forever()


if __name__ == "__main__":
    main()
