#!/usr/bin/env python3
"""Clients that others made, at the real server: what they do is what docs/integrating.md says.

    Tests/clients/clients_check.py --server .build/release/obie-tokens [--only curl] [--without go]

Each exchanges a code, sends a wrong secret, waits for the challenge, and loses an answer, with and without a key. The clients
are Python's (requirements.txt), curl, wget, and those of Java, Node and Go. Then come the OAuth libraries. Everything is
tried, whatever failed before; ends with 1 where something did.
"""
import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import in_programs  # noqa: E402
import in_python  # noqa: E402
import libraries  # noqa: E402
import page  # noqa: E402
import trials  # noqa: E402
from asking import CHALLENGED, FIRST  # noqa: E402
from harness import Failure, Server, expect  # noqa: E402

# What is said to a wrong secret. Where nothing stands here the client hands out the 401.
WRONG = {("java.net.http", CHALLENGED): "java.io.IOException: too many authentication attempts. Limit: 3"}
# These open a connection for each request.
NEVER_KEPT = {"urllib", "wget", "wget with --tries=1"}


class Results:
    """What failed, and how much did not."""

    def __init__(self):
        self.passed, self.failures, self.name = 0, [], ""

    def attempt(self, what, function, *arguments):
        """Returns what the function does; None where it failed."""
        try:
            outcome = function(*arguments)
        except Exception as error:  # a library's own errors too: the rest is still tried
            self.failures.append(f"{self.name}: {what}: {error if isinstance(error, Failure) else repr(error)}")
            return None
        self.passed += 1
        return outcome


def check_wrong_secret(client, server, how):
    said = trials.wrong_secret(client, server, how)
    expected = WRONG.get((client.name, how), "401")
    expect(said == expected, f"it says {said}, and not {expected}")


def word(client, server, kept):
    """What the page should say of that client and such a connection."""
    alone = {trials.lose_consent(client, server, how, kept).sent > 1 for how in ("close", "reset")}
    keyed = {trials.keep_consent(client, server, how, kept).sent > 1 for how in ("close", "reset")}
    expect(len(alone) == len(keyed) == 1, "it does one thing where the connection is closed, and another where it is reset")
    return page.AGAIN if True in alone else page.AGAIN_WITH_KEY if True in keyed else page.RAISES


def check_lost_answers(client, server, kept, told):
    found = word(client, server, kept)
    where = "kept" if kept else "new"
    expect(found == told[kept], f"on a {where} connection it '{found}', but {page.PAGE} says '{told[kept]}'")


def try_client(client, servers, told, results):
    plain, throttled = servers
    results.attempt("exchange", trials.exchange, client, plain)
    results.attempt("a wrong secret", check_wrong_secret, client, plain, FIRST)
    if getattr(client, "challenge", False):
        results.attempt("a wrong secret after the challenge", check_wrong_secret, client, plain, CHALLENGED)
        results.attempt("the challenge after others", trials.nameless, throttled)
        results.attempt("the challenge", trials.challenge, client, throttled)
    for kept in [False] if client.name in NEVER_KEPT else [False, True]:
        results.attempt("a lost answer", check_lost_answers, client, plain, kept, told.get(client.name, ("nothing", "nothing")))


def clients(folder, without):
    found = [*in_python.ALL, in_programs.Curl, in_programs.CurlRetry, in_programs.Wget, in_programs.WgetOnce]
    makers = {"java": lambda: in_programs.java(folder), "node": in_programs.node, "go": lambda: in_programs.go(folder)}
    for name, make in makers.items():
        found += [] if name in without else make()
    return found


def run(options):
    results, told = Results(), page.lost_answers()
    with tempfile.TemporaryDirectory() as folder, Server(options.server) as plain, \
            Server(options.server, throttle=True) as throttled:
        for make in clients(folder, options.without):
            if options.only and make.name not in options.only:
                continue
            began, failed = time.monotonic(), len(results.failures)
            with make() as client:
                results.name = f"{client.name} {client.version}".strip()
                try_client(client, (plain, throttled), told, results)
            state = "ok" if len(results.failures) == failed else "FAILED"
            print(f"clients check: {results.name}: {state} ({time.monotonic() - began:.1f} s)", flush=True)
        if not options.only:
            libraries.try_all(plain, throttled, results, "node" not in options.without)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this client; may be given again")
    parser.add_argument("--without", action="append", default=[], choices=["java", "node", "go"])
    results = run(parser.parse_args())
    for failure in results.failures:
        print(f"clients check: {failure}", file=sys.stderr)
    print(f"clients check: {results.passed} trials as expected, {len(results.failures)} not")
    sys.exit(1 if results.failures else 0)


if __name__ == "__main__":
    main()
