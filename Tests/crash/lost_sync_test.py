#!/usr/bin/env python3
"""Lets one sync of obie-tokens fail, and looks for what it had promised.

    Tests/crash/lost_sync_test.py --server .build/release/obie-tokens [--rounds 6] [--seed N]

After a sync that failed, Linux takes what was to be written for clean: programs go on seeing it, no later sync writes it,
and a power cut takes it. Each round: load on many connections; the next sync of the store or of its log fails once with
EIO. The server must answer 503 and end by itself with status 74 and one sentence. Started again it must go on from what
is on the disk: under load once more, until the power is cut. Then every promise of both runs is checked: a token whose
201 arrived is alive, a code that was exchanged is spent, and what got 503 can be tried again. Ends with 1 at the first
promise broken. Traffic stays on 127.0.0.1; the seed is printed.
"""
import argparse
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import crash_test  # noqa: E402
import disk  # noqa: E402
from crash_test import CONNECTIONS, Promises, exchange  # noqa: E402
from harness import Client, Failure, Server, expect, sandbox  # noqa: E402

END_SECONDS = 20


def load(port, promises, seed):
    """One client at full speed until the server is gone. A 503 leaves a code that may be spent."""
    number = seed
    try:
        client = Client(port)
        while True:
            number += 1
            answer = client.ask(sandbox.make_code(f"consent-{number}"))
            if answer.status != 201:
                expect(answer.status == 503, f"asked for a code, got {answer!r}")
                continue
            code = sandbox.code_of(answer)
            if number % 2:
                with promises.lock:
                    promises.fresh.add(code)
                continue
            with promises.lock:
                promises.open.add(code)
            status, token = exchange(client, code)
            expect(status in (201, 503), f"exchanged a fresh code, got {status}")
            if status == 201:
                with promises.lock:
                    promises.open.discard(code)
                    promises.spent[code] = token
    except OSError:
        pass
    except Failure as broken:
        promises.broken.append(broken)


class Load:
    """Clients that go on until the server is gone."""

    def __init__(self, server, promises, seed):
        self.threads = [threading.Thread(target=load, args=(server.port, promises, seed + i * 100_000))
                        for i in range(CONNECTIONS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        for thread in self.threads:
            thread.join()


def server(options, folder):
    """The server on the file in this folder, to be used by `with`."""
    return Server(options.server, "--loops", "2", "--code-lifetime", "3600", store="sqlite:store.db", cwd=folder,
                  env=disk.environment(folder), preload=os.path.join(folder, "lost_sync.so"))


def one_round(number, options, folder, chance):
    file = "store.db" if number % 3 == 0 else "store.db-wal"
    promises = Promises()
    with server(options, folder) as victim:
        try:
            with Load(victim, promises, number * 10_000_000):
                time.sleep(chance.uniform(0.05, 0.6))
                disk.fail_next_sync(folder, file)
                try:
                    status = victim.wait(END_SECONDS)
                finally:
                    victim.kill()
        finally:
            disk.end_process(folder)
        expect(status == 74, f"after a sync of {file} that failed the server ended with {status}: {victim.log}")
        lines = [line.strip() for line in victim.log if "sync" in line]
        expect(len(lines) == 1, f"the log has {len(lines)} lines of it: {lines}")
    before = len(promises.spent), len(promises.open)
    with server(options, folder) as survivor:
        with Load(survivor, promises, number * 10_000_000 + 5_000_000):
            time.sleep(chance.uniform(0.05, 0.6))
            survivor.kill()
    lost = disk.cut_power(folder)
    with server(options, folder) as last:
        spent, fresh, unanswered, won = crash_test.check(last.port, promises)
        last.kill()
        disk.cut_power(folder)
    print(f"round {number}: a sync of {file} failed after {before[0]} exchanges, status 74; {spent - before[0]} more after the "
          f"start; the power cut took {lost:,} bytes; {spent} tokens alive, {fresh} unused codes good, {unanswered} unknown "
          f"({won} had not happened)\n    {lines[0]}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"lost sync test: {options.rounds} rounds, seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="obie-tokens-sync-") as folder:
        disk.build(folder, ROOT / "Tests/crash/lost_sync.c")
        try:
            for number in range(1, options.rounds + 1):
                one_round(number, options, folder, chance)
        except (Failure, OSError) as broken:
            print(f"lost sync test: FAILED {broken}; again with --seed {options.seed}", file=sys.stderr)
            return 1
    print("lost sync test: every promise kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
