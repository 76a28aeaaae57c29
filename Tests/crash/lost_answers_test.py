#!/usr/bin/env python3
"""Answers to exchanges get lost after the server has sent them: with an idempotency key that costs nothing.

    Tests/crash/lost_answers_test.py --server .build/release/obie-tokens --store sqlite --codes 10000 --raced 1000

A relay swallows the first 201 of each code and a share of what follows; each exchange is repeated under its key until it
is answered: one token for each code, the same in every answer, all alive. The same while servers are killed. Codes that
eight clients race for under one key: one token each. And whatever is no repetition is refused and revokes, as without a
key. With --store postgres there are two servers on one database. Traffic stays on 127.0.0.1; the seed is printed.
"""
import argparse
import asyncio
import os
import random
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from harness import Client, Failure, expect, sandbox  # noqa: E402
from sites import CALLBACK, OTHER_CALLBACK, SITES  # noqa: E402
from asking import Line, said  # noqa: E402
from swallower import Swallower  # noqa: E402

CLIENTS, RACERS, AGAIN_SECONDS = 16, 8, 0.05
WINDOW = 3  # seconds, where its end is looked for


def exchange(bank, code, key=None, uri=CALLBACK, **fields):
    given = {"x-idempotency-key": key} if key else {}
    return sandbox.post(sandbox.TOKENS, {"redirect_uri": uri, "auth_code": code}, **{**bank.fields, **fields, **given})


async def until_answered(line, data, wanted):
    """Sends it again and again; returns the body of the answer that has the status."""
    while True:
        try:
            await line.connect()
            status, body = await line.ask(data)
            if status == wanted:
                return body
            expect(status in (503, 429), f"got {status} {body!r}")
        except OSError:
            pass
        await asyncio.sleep(AGAIN_SECONDS)


async def exchange_all(site, relay, numbers, found):
    """One client: makes codes, and exchanges each of them through the relay."""
    direct = [Line(port) for port in site.ports]
    lossy = Line(relay.port)
    for number in numbers:
        body = await until_answered(direct[number % len(direct)], site.bank.request("issue", consent=f"consent-{number}"), 201)
        code = said("issue", 201, body)["code"]
        body = await until_answered(lossy, exchange(site.bank, code, str(uuid.uuid4())), 201)
        found[code] = said("exchange", 201, body)["token"]


async def look_at_all(site, tokens):
    """How many of them are alive."""
    alive = 0

    async def look(port, some):
        nonlocal alive
        line = Line(port)
        for token in some:
            body = await until_answered(line, site.bank.request("lookup", token=token), 200)
            alive += said("lookup", 200, body)["active"]

    await asyncio.gather(*(look(site.ports[number % len(site.ports)], tokens[number::CLIENTS]) for number in range(CLIENTS)))
    return alive


def lost(site, options, kills):
    """Every code is exchanged through the relay, while servers are killed or not."""
    found, chance, count = {}, random.Random(options.seed), options.codes // (10 if kills else 1)
    began, killed, is_over = time.monotonic(), 0, threading.Event()

    async def work(relay):
        await asyncio.gather(*(exchange_all(site, relay, range(index, count, CLIENTS), found) for index in range(CLIENTS)))

    with Swallower(site.ports, options.seed) as relay:
        thread = threading.Thread(target=lambda: (asyncio.run(work(relay)), is_over.set()))
        thread.start()
        while kills and thread.is_alive() and not is_over.wait(chance.uniform(0.2, 1.0)):
            site.kill_one(chance)
            killed += 1
        thread.join()
    took = time.monotonic() - began
    expect(len(found) == count, f"{len(found)} of {count} codes were exchanged")
    expect(len(set(found.values())) == count, "two codes have one token")
    others = [code for code, token in found.items() if relay.tokens[code] != {token}]
    expect(not others, f"{len(others)} codes had more than one token")
    alive = asyncio.run(look_at_all(site, list(found.values())))
    expect(alive == count, f"{count - alive} of {count} tokens are dead")
    expect(relay.swallowed >= count, "the relay has swallowed too little")
    return (f"{count:,} exchanges, {relay.swallowed:,} answers swallowed{f', {killed} kills' if kills else ''}, in "
            f"{took:.0f} s: {alive:,} tokens, one for each code, all alive")


def raced(site, options):
    """Eight clients have one code and one key, and ask at once."""
    async def race():
        lines = [Line(site.ports[number % len(site.ports)]) for number in range(RACERS)]
        found = []
        for number in range(options.raced):
            body = await until_answered(lines[0], site.bank.request("issue", consent=f"raced-{number}"), 201)
            data = exchange(site.bank, said("issue", 201, body)["code"], str(uuid.uuid4()))
            for line in lines:
                await line.connect()
            done = await asyncio.gather(*(line.ask(data) for line in lines))
            expect(all(status == 201 for status, _ in done), f"of eight under one key: {[status for status, _ in done]}")
            tokens = {said("exchange", 201, body)["token"] for _, body in done}
            expect(len(tokens) == 1, f"eight under one key got {len(tokens)} tokens")
            found.append(tokens.pop())
        return found, await look_at_all(site, found)

    tokens, alive = asyncio.run(race())
    expect(len(set(tokens)) == alive == options.raced, f"{alive} of {options.raced} tokens are alive")
    return f"{options.raced:,} codes raced by {RACERS} under one key: {alive:,} tokens, all alive"


def refused(site, _):
    """What is no repetition: 403, and the token is revoked; but another institution revokes nothing."""
    def ask(data, number=0):
        with Client(site.ports[number % len(site.ports)]) as client:
            return client.ask(data)

    def is_alive(token):
        return b'"active":true' in ask(site.bank.request("lookup", token=token)).body

    def revoke(token):
        expect(ask(site.bank.request("revoke", token=token)).status == 200, "a token could not be revoked")

    def withdraw(_):
        expect(ask(site.bank.request("consent", consent="refused")).status == 200, "a consent could not be withdrawn")

    bank, key = site.bank, str(uuid.uuid4())
    cases = {
        "without a key": lambda code: exchange(bank, code),
        "with another key": lambda code: exchange(bank, code, str(uuid.uuid4())),
        "from another FI": lambda code: exchange(site.other_bank, code, key),
        "for another PSP": lambda code: exchange(bank, code, key, ccg_token=site.other_ccg_token),
        "with another URI": lambda code: exchange(bank, code, key, OTHER_CALLBACK),
        "after the window": lambda code: exchange(bank, code, key),
        "after revocation": lambda code: exchange(bank, code, key),
        "after the consent": lambda code: exchange(bank, code, key),
    }
    before = {"after the window": lambda _: time.sleep(WINDOW + 0.2), "after revocation": revoke, "after the consent": withdraw}
    for number, (name, make) in enumerate(cases.items()):
        code = sandbox.code_of(ask(bank.request("issue", consent="refused"), number))
        first = ask(exchange(bank, code, key), number)
        expect(first.status == 201, f"{name}: got {first!r}")
        again = ask(exchange(bank, code, key), number + 1)
        expect(again.status == 201 and again.body == first.body, f"{name}: a repetition got {again!r}")
        before.get(name, lambda _: None)(sandbox.token_of(first))
        answer = ask(make(code), number)
        expect(answer.status == 403 and b"auth_code_invalid" in answer.body, f"{name}: got {answer!r}")
        expect(is_alive(sandbox.token_of(first)) == (name == "from another FI"), f"{name}: the token is as it should not be")
    return f"403 and revoked: {', '.join(cases)} (of another FI: 403 alone)"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--store", choices=SITES, default="sqlite")
    parser.add_argument("--codes", type=int, default=1000, help="a tenth of them while servers are killed")
    parser.add_argument("--raced", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"lost answers: on {options.store}, seed {options.seed}", flush=True)
    try:
        for flags, checks in (((), (lambda *some: lost(*some, False), lambda *some: lost(*some, True), raced)),
                              (("--code-lifetime", str(WINDOW)), (refused,))):
            with tempfile.TemporaryDirectory(prefix="obie-tokens-lost-") as folder:
                os.chmod(folder, 0o755)  # PostgreSQL may run as somebody else
                with SITES[options.store](options.server, folder, flags) as site:
                    for check in checks:
                        print(f"lost answers: {check(site, options)}", flush=True)
        return 0
    except (Failure, OSError) as failure:
        print(f"lost answers: FAILED {failure}; again with --seed {options.seed}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
