#!/usr/bin/env python3
"""Of any number of attempts on a code exactly one gets a token, whichever server is asked.

    Tests/cluster/race_test.py --server .build/release/obie-tokens [--codes 2000] [--seed N] [--keep FILE]

Two servers on one PostgreSQL; every code is raced by 8 clients over both, which wait for one another before each code.
Then the history is checked: one 201 each, and as the other seven were replays, no token is alive on either server.
"""
import argparse
import asyncio
import os
import random
import sys
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import programs  # noqa: E402
from asking import Line, said  # noqa: E402
from check_history import check  # noqa: E402
from checks import Failure, expect  # noqa: E402
from database import Database  # noqa: E402
from fleet import Fleet  # noqa: E402
from history import LOST, Recorder  # noqa: E402

SERVERS, CLIENTS, LIFE = ("a", "b"), 8, 60.0
ISSUED_AT_ONCE = 200
ALL_SECONDS = 300


class Race:
    """`wins` counts the 201 of each code."""

    def __init__(self, fleet, recorder, chance, codes):
        self.bank, self.recorder, self.chance, self.codes = fleet.banks[0], recorder, chance, codes
        self.lines = {name: [Line(port) for _ in range(CLIENTS)] for name, port in fleet.addresses.items()}
        self.wins = []

    async def attempt(self, server, number, kind, **what):
        line, start, found = self.lines[server][number], time.monotonic(), {}
        try:
            await line.connect()
            outcome, body = await line.ask(self.bank.request(kind, **what))
            found = said(kind, outcome, body)
        except OSError:
            outcome = LOST
        self.recorder.write(kind=kind, start=start, end=time.monotonic(), server=server, bank=self.bank.reference,
                            outcome=outcome, **{**what, **found})
        return outcome, found

    async def run(self):
        for first in range(0, self.codes, ISSUED_AT_ONCE):
            codes = [await self.issue(number) for number in range(first, min(first + ISSUED_AT_ONCE, self.codes))]
            for code in codes:
                await self.race(code)

    async def issue(self, number):
        outcome, found = await self.attempt(SERVERS[number % 2], 0, "issue", consent=f"consent-{number}")
        expect(outcome == 201, f"asked for a code, got {outcome}")
        return found["code"]

    async def race(self, code):
        """All at once; one of them begins a little earlier or later."""
        order = [(SERVERS[number % 2], number) for number in range(CLIENTS)]
        self.chance.shuffle(order)
        done = await asyncio.gather(*(self.attempt(server, number, "exchange", code=code) for server, number in order))
        tokens = [found["token"] for outcome, found in done if outcome == 201]
        self.wins.append(len(tokens))
        for token in tokens:
            for server in SERVERS:
                await self.attempt(server, 0, "lookup", token=token)


def run(options, folder):
    path = options.keep or os.path.join(folder, "race.jsonl")
    with Database() as database:
        stores = {name: database.serving_url for name in SERVERS}
        with Fleet(options.server, stores, database.owner_url, folder) as fleet:
            recorder = Recorder(path, SERVERS, LIFE, options.seed)
            race = Race(fleet, recorder, random.Random(options.seed), options.codes)
            began = time.monotonic()
            try:
                asyncio.run(asyncio.wait_for(race.run(), ALL_SECONDS))
            finally:
                recorder.close()
            took = time.monotonic() - began
    judge = check(path, no_failures=True)
    expect(not judge.faults, "the history breaks a promise")
    wrong = [wins for wins in race.wins if wins != 1]
    expect(not wrong, f"{len(wrong)} codes had not exactly one 201: {wrong[:10]}")
    return f"{options.codes:,} codes, each raced by {CLIENTS} clients over 2 servers in {took:.0f} s: exactly one 201 each"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--codes", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--keep", metavar="FILE", help="where the history is written to, to be kept")
    options = parser.parse_args()
    print(f"race test: {options.codes} codes, seed {options.seed}", flush=True)
    folder = programs.make_folder()
    try:
        print(f"race test: {run(options, folder)}")
        return 0
    except (Failure, OSError, asyncio.TimeoutError) as failure:
        print(f"race test: FAILED {failure!r}; again with --seed {options.seed}", file=sys.stderr)
        return 1
    finally:
        programs.remove(folder)


if __name__ == "__main__":
    sys.exit(main())
