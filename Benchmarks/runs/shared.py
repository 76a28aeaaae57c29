#!/usr/bin/env python3
"""What does a shared store cost? Durable exchanges on SQLite, and on a PostgreSQL on the same machine, in turn.

    Benchmarks/runs/shared.py --server .build/release/obie-tokens [--rounds 5] [--seconds 3] [--standby]

The server has one event loop and CPU 0, wrk has CPU 1 and 256 connections; PostgreSQL, with fsync on and no standby, takes
what is left of both, and is fresh for each turn, as the server is. Ratios are taken within a round, then their median.
With --standby there is a second PostgreSQL in a further turn, which each commit waits for. bench.py has the same without
that, among other things. Exit status: 0; 1 where PostgreSQL has less than 0.8 of SQLite's rate, takes longer than 25 ms in
the 99th percentile, or takes the server more than 1.3 times the CPU that the memory store does, or something broke; 69
where a tool is missing.
"""
import os
import sys
import tempfile

import scenarios
import servers
import shared_store
import turns
from measure import BUILD, disturbance, figure, log, spread, table

STANDBY = "standby"
KINDS = (scenarios.SANDBOX_ON_DISK, "obie-tokens", servers.SHARED)
NAMES = {scenarios.SANDBOX_ON_DISK: "SQLite", "obie-tokens": "memory", servers.SHARED: "PostgreSQL",
         STANDBY: "PostgreSQL, synchronous standby"}


def one_turn(kind, options, folder, values):
    if kind in (servers.SHARED, STANDBY):
        return shared_store.turn(options.server, options, folder, values, has_standby=kind == STANDBY)
    return turns.turn(kind, options.server, "durable", options, folder, values)


def run(options):
    os.makedirs(BUILD, exist_ok=True)
    os.sched_setaffinity(0, {1})
    kinds = [*KINDS, STANDBY] if options.standby else KINDS
    runs = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory(prefix="shared-", dir=BUILD) as folder:
        values = turns.Values(folder)
        for number in range(options.rounds):
            for kind in kinds if number % 2 == 0 else reversed(kinds):
                log(f"{number + 1}/{options.rounds} {NAMES[kind]}")
                runs[kind].append(one_turn(kind, options, folder, values))
    keys = ("requests_per_second", "cpu_us", "p50_us", "p99_us")
    rows = [[NAMES[kind], *(spread(figure([r[key] for r in own]), ",.1f") for key in keys)] for kind, own in runs.items()]
    print(table(["", "exchanges/s", "server's CPU µs/exchange", "p50 µs", "p99 µs"], rows))
    found = shared_store.beside(runs)
    print(f"\n{shared_store.sentence(found)}{disturbance(runs)}")
    rate, cpu, p99 = (found[key]["median"] for key in ("rate_to_sqlite", "cpu_to_memory", "p99_us"))
    return 0 if rate >= shared_store.RATE_LEAST and p99 <= shared_store.P99_US_MOST and cpu <= shared_store.CPU_MOST else 1


def main():
    return turns.in_rounds("shared", __doc__, run, options={
        "--standby": {"action": "store_true", "help": "measure PostgreSQL with a synchronous standby, too"}})


if __name__ == "__main__":
    sys.exit(main())
