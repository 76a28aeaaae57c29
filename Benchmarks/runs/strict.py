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
from measure import BUILD, disturbance, figure, log, spread, table

LEAST = 0.8
KINDS = {"no audit log": {}, "relaxed": {"audit": "audit"}, "strict": {"audit": "audit", "strict": True}}


def one_turn(label, wanted, options, folder, values):
    """Each has a log of its own."""
    path = os.path.join(folder, "audit")
    for name in (path, path + ".head"):
        if os.path.exists(name):
            os.unlink(name)
    if "audit" in wanted:
        wanted = wanted | {"audit": path}
    return scenarios.turn(scenarios.SANDBOX_ON_DISK, options.server, "durable", options, folder, values, **wanted)


def run(options):
    os.makedirs(BUILD, exist_ok=True)
    os.sched_setaffinity(0, {1})
    runs = {label: [] for label in KINDS}
    with tempfile.TemporaryDirectory(prefix="strict-", dir=BUILD) as folder:
        values = scenarios.Values(folder)
        for number in range(options.rounds):
            for label in list(KINDS) if number % 2 == 0 else reversed(KINDS):
                log(f"{number + 1}/{options.rounds} {label}")
                runs[label].append(one_turn(label, KINDS[label], options, folder, values))
        sync = scenarios.fdatasync_microseconds(folder)
    keys = ("requests_per_second", "cpu_us", "p50_us", "p99_us")
    rows = [[label, *(spread(figure([r[key] for r in own]), ",.0f") for key in keys)] for label, own in runs.items()]
    print(table(["", "exchanges/s", "CPU µs/exchange", "p50 µs", "p99 µs"], rows))
    ratio = figure(scenarios.ratios(runs, "strict", "relaxed", "requests_per_second"))
    print(f"\nstrict has {spread(ratio, '.3f')} of the rate of relaxed; fdatasync of 4 KiB takes {sync:.0f} us on this disk."
          f"{disturbance(runs)}")
    return 0 if ratio["median"] >= LEAST else 1


def main():
    return scenarios.in_rounds("strict", __doc__, run)


if __name__ == "__main__":
    sys.exit(main())
