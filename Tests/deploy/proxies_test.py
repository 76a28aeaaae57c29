#!/usr/bin/env python3
"""The proxies of Deploy, run in front of the real server: what they promise in their files and in docs/integrating.md.

    Tests/deploy/proxies_test.py --server .build/release/obie-tokens

nginx, HAProxy and Apache are Debian's. Each exchanges a code over TLS, passes on the client's address and nothing that the client
says of it, gives up idle connections before the server does, and sends no exchange again whose answer got lost, unless it
has an idempotency key and the file says so. Ends with 1 where one does not.
"""
import argparse
import http.client
import json
import os
import re
import secrets
import subprocess
import sys
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from harness import Client, Failure, Server, expect, sandbox, wait_until  # noqa: E402
from lost_answers import Relay  # noqa: E402
from proxies import Apache, HAProxy, Nginx, NginxStream  # noqa: E402

# The client comes from here, and says that it comes from elsewhere.
CLIENT, SPOOFED = "127.0.0.7", "203.0.113.9"
REQUESTS = 20
# In place of 60 and 75 seconds.
PROXY_IDLE, SERVER_IDLE = 1, 6
# Without a limit of its own a check that takes longer than `inter` has failed: one stall, and the server is down.
PATIENT = {"timeout connect 2s": "timeout connect 2s\n    timeout check 2s"}
CHECKS = {"inter 2s fall 1 rise 1": "inter 100ms fall 1 rise 1", **PATIENT}
FIELDS = {name: value for name, value in sandbox.FIELDS.items() if name != "Host"}


class Visitor:
    """A client of a proxy: it keeps its connection over TLS."""

    def __init__(self, proxy):
        self.connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, timeout=15, context=proxy.tls(),
                                                      source_address=(CLIENT, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def post(self, path, members, **fields):
        """(status, text). Raises OSError or HTTPException where the connection ends without an answer."""
        body = members if isinstance(members, bytes) else json.dumps(members)
        self.connection.request("POST", path, body, {**FIELDS, "Content-Type": sandbox.JSON, **fields})
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()

    def make_code(self):
        status, text = self.post(sandbox.CODES, sandbox.code_body())
        expect(status == 201, f"no code: {status} {text}")
        return sandbox.CODE.search(text.encode())[1].decode()

    def exchange(self, code, key=None):
        """The status; 0 where the connection ended without an answer."""
        fields = {"x-idempotency-key": key} if key else {}
        try:
            return self.post(sandbox.TOKENS, {"auth_code": code, "redirect_uri": sandbox.REDIRECT_URI}, **fields)[0]
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return 0


def server(options, *flags):
    return Server(options.server, "--access-log", "--log-format", "json", "--idle-timeout", SERVER_IDLE,
                  "--trusted-proxies", "127.0.0.1/32", *flags)


def check_exchanges(proxy, running):
    """Codes are exchanged, one after the other, on few connections to the server."""
    before = running.metrics()["obie_tokens_connections_accepted_total"]
    with Visitor(proxy) as visitor:
        for _ in range(REQUESTS):
            code = visitor.make_code()
            found = [visitor.exchange(code), visitor.exchange(code)]
            expect(found == [201, 403], f"{proxy.name}: an exchange and the same again: {found}")
    opened = running.metrics()["obie_tokens_connections_accepted_total"] - before
    expect(opened <= 3, f"{proxy.name} opened {opened} connections for {3 * REQUESTS} requests: none is kept")


def check_readme(proxy):
    """What the README pastes works through the proxy."""
    done = subprocess.run([str(ROOT / "Scripts/pasted.sh"), "curls", "README.md"], capture_output=True, text=True, check=True)
    commands = done.stdout.replace("http://127.0.0.1:8080", f"https://127.0.0.1:{proxy.port}")
    environment = {"PATH": os.environ["PATH"], "CURL_CA_BUNDLE": f"{proxy.folder}/tls.crt"}
    said = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], env=environment, capture_output=True, text=True,
                          check=False)
    tokens = re.findall(r'"access_token":"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"', said.stdout)
    expect(len(tokens) == 1 and '"code":"auth_code_invalid"' in said.stdout, f"{proxy.name}: the README's curls: {said}")


def check_address(proxy, running):
    """The server takes the client's address, and none that the client made up."""
    with Visitor(proxy) as visitor:
        identifier = secrets.token_hex(16)
        made_up = {"X-Forwarded-For": SPOOFED, "Forwarded": f"for={SPOOFED}"}
        visitor.post(sandbox.TOKENS, {}, **made_up, **{"X-Request-Id": identifier})
    line = json.loads(running.wait_for(f"^.*{identifier}.*$").group())
    expect(line["peer"] == CLIENT, f"{proxy.name}: the client's address is {line['peer']}, not {CLIENT}")


def check_idle(make, running):
    """It gives up an idle connection before the server does."""
    with Relay(running.port) as relay, make(relay.port, running.admin_port, PROXY_IDLE, checks(make)) as proxy:
        with Visitor(proxy) as visitor:
            visitor.make_code()
            if proxy.closes_idle:
                wait_until(lambda: relay.ended_by, f"{proxy.name} keeps an idle connection", 2 * SERVER_IDLE)
                expect(relay.ended_by == ["client"], f"{proxy.name}: the server ended an idle connection first")
            else:
                time.sleep(2 * PROXY_IDLE)
                visitor.make_code()
                expect(relay.connections == 2, f"{proxy.name} uses a connection again that was idle for longer than it may")
    with make(running.port, running.admin_port, PROXY_IDLE, checks(make)) as proxy:
        for pause in (0.8, 0.95, 1.0, 1.05, 1.2):
            time.sleep(pause * PROXY_IDLE)
            with Visitor(proxy) as visitor:
                expect(visitor.exchange(visitor.make_code()) == 201, f"{proxy.name}: an exchange after {pause * PROXY_IDLE} s")


def check_lost(make, running, repeats):
    """A lost answer: who sends the exchange again, and whether the consent is kept."""
    with Relay(running.port) as relay, make(relay.port, running.admin_port, None, checks(make)) as proxy, \
            Visitor(proxy) as visitor:
        for how in "close", "reset":
            for key in None, secrets.token_hex(16):
                code = visitor.make_code()
                relay.lose(1, how)
                status, sent, again = visitor.exchange(code, key), len(relay.exchanges), bool(key) and repeats
                expect(sent == 1 + again, f"{proxy.name} sent an exchange {sent} times, {'with' if key else 'without'} a key")
                expect(status in ((201,) if again else (0, 502)), f"{proxy.name}: a lost answer gives {status}")
                if key:
                    status = visitor.exchange(code, key)
                    expect(status == 201, f"{proxy.name}: a client that repeats with its key gets {status}")


def checks(make):
    return CHECKS if make is HAProxy else {}


def check_names_with_underscores(running):
    """Without the setting they are dropped; with hyphens they come through."""
    with Nginx(running.port, changes={"underscores_in_headers on;": ""}) as proxy, Visitor(proxy) as visitor:
        status, text = visitor.post(sandbox.CODES, sandbox.code_body())
        expect(status == 400 and "parameter_missing" in text, f"nginx passes names with underscores on by itself: {text}")
        status, text = visitor.post(sandbox.CODES, sandbox.code_body(), **{
            "fi-reference-id": sandbox.INSTITUTION, "ccg-token": sandbox.CCG_TOKEN})
        expect(status == 201, f"names with hyphens, as for AWS ALB: {status} {text}")


def check_bare_httpchk(running):
    """HAProxy's `option httpchk` alone, which asks OPTIONS /, holds the server for up."""
    bare = {"    http-check send meth GET uri /readyz\n": "", **PATIENT,
            f"check port {running.admin_port} inter 2s": "check inter 100ms"}
    with HAProxy(running.port, running.admin_port, changes=bare) as proxy, Visitor(proxy) as visitor:
        time.sleep(0.5)
        status, text = visitor.post(sandbox.TOKENS, {"grant_type": "client_credentials"})
        expect(status == 201, f"HAProxy with a bare httpchk: {status} {text} {proxy.log()}")


def check_proxy_protocol(options):
    """The PROXY protocol of both versions, and who does not speak it."""
    with server(options, "--proxy-protocol") as running:
        for word in "send-proxy", "send-proxy-v2":
            changes = {"check port": f"{word} check port", **CHECKS, "    http-request set-header X-Forwarded-For %[src]\n": ""}
            with HAProxy(running.port, running.admin_port, changes=changes) as proxy:
                check_address(proxy, running)
        with NginxStream(running.port) as proxy:
            check_address(proxy, running)
            check_readme(proxy)
        with Client(running.port) as client:
            try:
                answer = client.ask(sandbox.client_credentials())
            except OSError:
                return
            raise Failure(f"a connection without the PROXY protocol got {answer}")


def run(options, attempt):
    with server(options) as running:
        for make in Nginx, HAProxy, Apache:
            with make(running.port, running.admin_port, None, checks(make)) as proxy:
                attempt(f"{make.name}: exchanges over TLS on kept connections", check_exchanges, proxy, running)
                attempt(f"{make.name}: what the README pastes", check_readme, proxy)
                attempt(f"{make.name}: the client's address, and none made up", check_address, proxy, running)
            attempt(f"{make.name}: idle connections are given up before the server does", check_idle, make, running)
            attempt(f"{make.name}: a lost answer" + (", repeated with a key only" if make is HAProxy else " is never repeated"),
                    check_lost, make, running, make is HAProxy)
        attempt("nginx drops names with underscores without its setting, and passes hyphens on",
                check_names_with_underscores, running)
        attempt("HAProxy's bare httpchk holds the server for up", check_bare_httpchk, running)
    attempt("the PROXY protocol from HAProxy (1 and 2) and nginx, and no connection without it", check_proxy_protocol, options)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    failures = []

    def attempt(what, function, *arguments):
        try:
            function(*arguments)
            print(f"proxies test: {what}", flush=True)
        except (Failure, OSError, http.client.HTTPException) as error:
            failures.append(what)
            print(f"proxies test: FAILED: {what}: {error!r}", file=sys.stderr, flush=True)

    try:
        run(parser.parse_args(), attempt)
    except Failure as failure:
        sys.exit(f"proxies test: {failure}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
