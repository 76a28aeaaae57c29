#!/usr/bin/env python3
"""What does a strict audit log cost? Durable exchanges without an audit log, with one, and with --audit strict, in turn.

    Benchmarks/runs/strict.py --server .build/release/obie-tokens [--rounds 5] [--seconds 3]

The server has one event loop and CPU 0, wrk has CPU 1 and 256 connections; store and audit log are on the same disk. Each
turn is a fresh server. Ratios are taken within a round, then their median. Exit status: 0; 1 where strict has less than
0.8 of the rate without it, or something broke; 69 where a tool is missing.
"""
import os
import sys
import tempfile

import scenarios
import tables
import turns
from measure import BUILD, disturbance, figure, log, ratios, spread, table

LEAST = 0.8
KINDS = {"no audit log": {}, "relaxed": {"audit": True}, "strict": {"audit": True, "strict": True}}


def run(options):
    os.makedirs(BUILD, exist_ok=True)
    os.sched_setaffinity(0, {1})
    runs = {label: [] for label in KINDS}
    with tempfile.TemporaryDirectory(prefix="strict-", dir=BUILD) as folder:
        values = turns.Values(folder)
        for number in range(options.rounds):
            for label in list(KINDS) if number % 2 == 0 else reversed(KINDS):
                log(f"{number + 1}/{options.rounds} {label}")
                runs[label].append(turns.turn(
                    scenarios.SANDBOX_ON_DISK, options.server, "durable", options, folder, values, **KINDS[label]))
        sync = tables.fdatasync_microseconds(folder)
    keys = ("requests_per_second", "cpu_us", "p50_us", "p99_us")
    rows = [[label, *(spread(figure([r[key] for r in own]), ",.0f") for key in keys)] for label, own in runs.items()]
    print(table(["", "exchanges/s", "CPU µs/exchange", "p50 µs", "p99 µs"], rows))
    ratio = figure(ratios(runs, "strict", "relaxed", "requests_per_second"))
    print(f"\nstrict has {spread(ratio, '.3f')} of the rate of relaxed; fdatasync of 4 KiB takes {sync:.0f} us on this disk."
          f"{disturbance(runs)}")
    return 0 if ratio["median"] >= LEAST else 1


def main():
    return turns.in_rounds("strict", __doc__, run)


if __name__ == "__main__":
    sys.exit(main())
