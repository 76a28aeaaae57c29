#!/usr/bin/env python3
"""Does a store with ten million live tokens start and serve like an empty one?

    Benchmarks/runs/large_store.py --server .build/release/obie-tokens [--tokens 10000000]

Fills a store through SQLite itself – rows as the server writes them, with random digests, over a hundred days – since
asking for ten million tokens would take minutes. Then measures, beside a fresh store in the same run: the time from start
to ready, the exchanges per second, the resident memory; and the bytes per token on disk. Needs 2 GB of disk.
"""
import argparse
import os
import sqlite3
import sys
import tempfile
import time

import scenarios
import servers
import turns
from measure import load, require_tools
from servers import client

START_SECONDS_MAX, RATE_RATIO_MIN, RESIDENT_MIB_MAX, BYTES_PER_TOKEN_MAX = 1.0, 0.9, 150, 200
DAYS, CODES, SECONDS = 100, 400_000, 4


def fill(path, count):
    """Adds tokens in the order of time. Returns the bytes that the file has grown by."""
    before = os.path.getsize(path)
    database = sqlite3.connect(path)
    began = int(time.time() * 1000) - DAYS * 86_400_000
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    chunk = 500_000
    for start in range(0, count, chunk):
        database.execute("""
            WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1 + ?2)
            INSERT INTO tokens (issued_at, digest, institution, provider, scope, consent, account, expires_at)
                SELECT ?3 + i * ?4 / ?5, randomblob(32), 1, 1, 0, printf('consent-%08d', i),
                printf('account-%08d', i), ?3 + i * ?4 / ?5 + 31104000000 FROM n ORDER BY 1
            """, (start, min(chunk, count - start), began, DAYS * 86_400_000, count))
        database.commit()
        print(f"    {min(start + chunk, count):,} of {count:,} tokens", file=sys.stderr, flush=True)
    database.execute("PRAGMA journal_mode = WAL")
    database.close()
    return os.path.getsize(path) - before


def start(program, folder, path):
    """A server on this very file; returns it with the seconds from start to its first answer."""
    server = servers.Server("obie-tokens-sqlite", program, folder, path)
    began = time.monotonic()
    server.__enter__()
    return server, time.monotonic() - began


def measure(program, folder, path):
    """Seconds to the first answer, exchanges per second, RSS."""
    server, ready = start(program, folder, path)
    try:
        codes = os.path.join(folder, "codes")
        client.make_codes(server.port, CODES, codes)
        result = load(server, turns.load_command(
            server, "durable", SECONDS, scenarios.DURABLE_CONNECTIONS, folder, codes), SECONDS)
    finally:
        server.__exit__()
    return ready, result["requests_per_second"], result["resident_bytes"] / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH")
    parser.add_argument("--tokens", type=int, default=10_000_000)
    options = parser.parse_args()
    require_tools()
    program = os.path.abspath(options.server)
    os.sched_setaffinity(0, {1})
    with tempfile.TemporaryDirectory() as folder:
        empty, large = os.path.join(folder, "empty.db"), os.path.join(folder, "large.db")
        start(program, folder, large)[0].__exit__()  # makes the tables
        size = fill(large, options.tokens) / options.tokens
        small = measure(program, folder, empty)
        big = measure(program, folder, large)
    ratio = big[1] / small[1]
    print(f"{options.tokens:,} tokens: ready in {big[0]:.3f} s (empty {small[0]:.3f}), {big[1]:,.0f} exchanges/s "
          f"({ratio:.2f} of empty), RSS {big[2]:.0f} MiB (empty {small[2]:.0f}), {size:.0f} bytes a token on disk")
    holds = (big[0] < START_SECONDS_MAX and ratio >= RATE_RATIO_MIN and big[2] < RESIDENT_MIB_MAX
             and size <= BYTES_PER_TOKEN_MAX)
    return 0 if holds else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError, ValueError) as problem:
        print(f"large store: FAILED {problem}", file=sys.stderr)
        sys.exit(1)
