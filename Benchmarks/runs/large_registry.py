#!/usr/bin/env python3
"""Does a server with 100,000 providers and 1,000 institutions start and serve like one with a single one of each?

    Benchmarks/runs/large_registry.py --server .build/release/obie-tokens [--providers 100000] [--institutions 1000]

Fills a registry through SQLite itself – rows as the commands write them – since one command each would take hours. Then
measures, beside a registry without them: the time from start to the first answer, in seconds, and the instructions of
an exchange (callgrind; every head another one, so that client, institution and provider are looked up each time).
"""
import argparse
import os
import sqlite3
import statistics
import sys
import tempfile
import time

import instructions
import servers

START_SECONDS_MAX, INSTRUCTIONS_RATIO_MAX, STARTS = 1.0, 1.03, 5


def fill(path, providers, institutions):
    """Adds to a sandbox's registry; each institution has a client of its own, each provider two redirect URIs."""
    database = sqlite3.connect(path + ".registry")
    first = database.execute("SELECT value FROM meta WHERE name = 'next'").fetchone()[0]
    for number in range(first, first + institutions):
        name = f"LARGE-FCA-{number:06d}"
        database.execute("INSERT INTO institutions VALUES (?, ?, 0, NULL)", (number, name))
        database.execute("INSERT INTO clients VALUES (?, randomblob(32), NULL, NULL)", (name,))
        database.execute("INSERT INTO client_institutions VALUES (?, ?)", (name, number))
    first += institutions
    for number in range(first, first + 3 * providers, 3):
        database.execute("INSERT INTO providers VALUES (?, ?, 0, NULL)", (number, f"LARGE-PSP-{number:06d}"))
        for uri in (1, 2):
            database.execute("INSERT INTO redirect_uris VALUES (?, ?, ?)",
                             (number + uri, number, f"https://psp-{number}.example/callback/{uri}"))
    database.execute("UPDATE meta SET value = ? WHERE name = 'next'", (first + 3 * providers,))
    database.commit()
    database.close()


def start_seconds(program, folder, path):
    """The median of several starts."""
    took = []
    for _ in range(STARTS):
        began = time.monotonic()
        with servers.Server("obie-tokens-sqlite", program, folder, path):
            took.append(time.monotonic() - began)
    return statistics.median(took)


def instructions_of_an_exchange(stripped, folder, path):
    """What a thousand more exchanges take: callgrind leaves some of what came before the count in it, and the load of a
    large registry would be a part of that."""
    few, many = (number * instructions.count(stripped, folder, True, "obie-tokens-sqlite", number, path)[0]
                 for number in (instructions.COUNT, 2 * instructions.COUNT))
    return (many - few) / instructions.COUNT


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary (a release build)")
    parser.add_argument("--providers", type=int, default=100_000)
    parser.add_argument("--institutions", type=int, default=1_000)
    options = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, "obie-tokens")
        instructions.strip(options.server, stripped)
        for name in ("small", "large"):
            path = os.path.join(folder, f"{name}.db")
            start_seconds(options.server, folder, path)  # makes the files
            if name == "large":
                fill(path, options.providers, options.institutions)
            seconds = start_seconds(options.server, folder, path)
            count = instructions_of_an_exchange(stripped, folder, path)
            found[name] = seconds, count
            print(f"large registry: {name}: first answer after {seconds:.3f} s, {count:,.0f} instructions an exchange",
                  flush=True)
    ratio = found["large"][1] / found["small"][1]
    is_good = found["large"][0] <= START_SECONDS_MAX and ratio <= INSTRUCTIONS_RATIO_MAX
    print(f"large registry: {options.providers:,} providers, {options.institutions:,} institutions: start within "
          f"{found['large'][0]:.3f} s (at most {START_SECONDS_MAX}), {ratio:.3f} of the instructions (at most "
          f"{INSTRUCTIONS_RATIO_MAX}): {'good' if is_good else 'FAILED'}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
