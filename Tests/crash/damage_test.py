#!/usr/bin/env python3
"""Damages pages of a store, and looks at what can still be answered.

    Tests/crash/damage_test.py --server .build/release/obie-tokens [--seed N]

Overwrites random leaves of a copy of a store that the server has filled. A server on the copy answers 503 for what stood on
those pages, and for nothing else: all other tokens are active, all other codes can be exchanged. It stays ready unless
the newest places are damaged, which every exchange needs. The log says so in a few lines, the metric counts, and
`obie-tokens check` names pages. Ends with 1 where that is not so. Traffic stays on 127.0.0.1; the seed is printed.
"""
import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from harness import Client, Failure, Server, came_true, expect, get, sandbox  # noqa: E402

PAGE, LEAF = 4096, 0x0A
CODES, SPENT = 1500, 1000
# As long as real ones are: the row of a code must not grow when it is spent, or its page is split with those beside it.
PADDING = "f81d4fae-7dec-11d0-a765"
STORE = "store.db"
EDGE = 3
COMPANIONS = ("", ".keys", ".registry")


def server(options, folder):
    return Server(options.server, "--loops", "2", "--code-lifetime", "3600", store=f"sqlite:{STORE}", cwd=folder)


def fill(options, folder):
    """Codes by number, tokens by number: the first are spent."""
    codes, tokens = {}, {}
    with server(options, folder) as filled, Client(filled.port) as client:
        for number in range(CODES):
            codes[number] = sandbox.code_of(client.ask(sandbox.make_code(f"consent-{number:06}-{PADDING}")))
        for number in range(SPENT):
            tokens[number] = sandbox.token_of(client.ask(sandbox.exchange(codes.pop(number))))
    return codes, tokens


def leaves(content):
    """The numbers on each page, of the tokens and of the codes: pages that have any, in the order of their numbers."""
    found = {}
    for start in range(0, len(content), PAGE):
        if content[start] == LEAF:
            numbers = {int(number) for number in re.findall(rb"consent-(\d{6})", content[start:start + PAGE])}
            if numbers:
                found[start] = numbers
    return dict(sorted(found.items(), key=lambda page: min(page[1])))


def damaged_copy(source, folder, pages, chance):
    for suffix in COMPANIONS:
        shutil.copy(os.path.join(source, STORE + suffix), os.path.join(folder, STORE + suffix))
    with open(os.path.join(folder, STORE), "r+b") as file:
        for start in pages:
            file.seek(start)
            # A page that begins with 0 is none of SQLite's.
            file.write(b"\0" + chance.randbytes(PAGE - 1))


def one_round(name, options, source, codes, tokens, pages, chance, is_ready):
    lost = set().union(*pages.values())
    # One row behind a page may stand above it in the tree, and is sought through it. Those of one millisecond are shuffled.
    behind = {number + step for number in lost for step in range(-5, 6)} - lost
    with tempfile.TemporaryDirectory(prefix="obie-tokens-damage-") as folder:
        damaged_copy(source, folder, pages, chance)
        check = subprocess.run([options.server, "check", "--store", f"sqlite:{STORE}"], cwd=folder, capture_output=True, text=True)
        expect(check.returncode == 1 and "age" in check.stdout, f"{name}: check ended with {check.returncode}: {check.stdout}")
        with server(options, folder) as damaged, Client(damaged.port) as client:
            refused = 0
            for number, token in tokens.items():
                answer = client.ask(sandbox.introspect(token))
                if number in behind and answer.status == 503:
                    refused += 1
                elif number in lost:
                    expect(answer.status == 503, f"{name}: a token on a damaged page: {answer!r}")
                    refused += 1
                else:
                    expect(answer.status == 200 and json.loads(answer.body)["active"], f"{name}: a token elsewhere: {answer!r}")
            came_true(lambda: (get(damaged.admin_port, "/readyz")[0] == 200) == is_ready, 3)
            ready = get(damaged.admin_port, "/readyz")[0]
            expect((ready == 200) == is_ready, f"{name}: /readyz {ready}")
            for number, code in codes.items() if is_ready else ():
                status = client.ask(sandbox.exchange(code)).status
                expect(status == (503 if number in lost else 201) or number in behind,
                       f"{name}: a code on {'a damaged' if number in lost else 'another'} page got {status}")
                refused += status == 503
            counted = sum(value for metric, value in damaged.metrics().items() if metric.startswith("obie_tokens_store_damage_total"))
            expect(counted >= refused, f"{name}: {refused} were refused, the metric says {counted}")
    lines = [line.strip() for line in damaged.log if "damaged" in line]
    expect(1 <= len(lines) <= 5, f"{name}: the log has {len(lines)} lines: {lines}")
    print(f"damage test, {name}: {len(pages)} pages, {refused} answers 503, everything else answered, /readyz {ready}\n"
          f"    {lines[0]}", flush=True)


def run(options):
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="obie-tokens-damage-") as source:
        codes, tokens = fill(options, source)
        with open(os.path.join(source, STORE), "rb") as file:
            pages = leaves(file.read())
        oldest = min(pages, key=lambda start: min(pages[start]))
        # Of the tokens and of the codes. Where a leaf at the edge is full, SQLite shares its rows with the two before it.
        spent = [start for start in pages if min(pages[start]) < SPENT]
        others = [start for start in pages if start not in spent[-EDGE:] + list(pages)[-EDGE:]]
        rounds = [("the oldest", [oldest], True), ("the newest", [spent[-1]], False)]
        rounds += [(f"random {number}", chance.sample(others, len(others) // 2), True) for number in (1, 2, 3)]
        for name, chosen, is_ready in rounds:
            one_round(name, options, source, codes, tokens, {start: pages[start] for start in chosen}, chance, is_ready)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    options.server = os.path.abspath(options.server)
    print(f"damage test: seed {options.seed}", flush=True)
    try:
        run(options)
    except (Failure, OSError) as broken:
        print(f"damage test: FAILED {broken}; again with --seed {options.seed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
