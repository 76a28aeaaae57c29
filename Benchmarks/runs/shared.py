#!/usr/bin/env python3
"""What does a shared store cost? Durable exchanges on SQLite, and on a PostgreSQL on the same machine, in turn.

    Benchmarks/runs/shared.py --server .build/release/obie-tokens [--rounds 5] [--seconds 3]

The server has one event loop and CPU 0, wrk has CPU 1 and 256 connections; PostgreSQL, with fsync on and no standby, takes
what is left of both, and is fresh for each turn, as the server is. Ratios are taken within a round, then their median.
Exit status: 0; 1 where PostgreSQL has less than 0.8 of SQLite's rate or takes longer than 25 ms in the 99th percentile, or
something broke; 69 where a tool is missing.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import scenarios
import servers
from measure import BUILD, ROOT, disturbance, figure, log, require_tools, spread, table

sys.path.insert(0, os.path.join(ROOT, "Tests/cluster"))
from database import Database  # noqa: E402

LEAST, P99_MAX_US = 0.8, 25_000
KINDS = (scenarios.SANDBOX_ON_DISK, "obie-tokens", servers.SHARED)
NAMES = {scenarios.SANDBOX_ON_DISK: "SQLite", "obie-tokens": "memory", servers.SHARED: "PostgreSQL"}


def one_turn(kind, options, folder, values, cpus):
    if kind != servers.SHARED:
        return scenarios.turn(kind, options.server, "durable", options, folder, values)
    pinned = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)  # inherited by PostgreSQL
    with Database() as database:
        os.sched_setaffinity(0, pinned)
        keys = os.path.join(folder, "keys")
        if not os.path.exists(keys):
            subprocess.run([options.server, "keys", "create", keys], check=True, capture_output=True)
        subprocess.run([options.server, "store", "migrate", "--store", database.owner_url, "--serving-role",
                        database.serving_url.split("@")[0].removeprefix("postgres://")], check=True, capture_output=True)
        return scenarios.turn(kind, options.server, "durable", options, folder, values, store=database.serving_url)


def run(options):
    os.makedirs(BUILD, exist_ok=True)
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {1})
    runs = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="shared-", dir=BUILD) as folder:
        values = scenarios.Values(folder)
        for number in range(options.rounds):
            for kind in KINDS if number % 2 == 0 else reversed(KINDS):
                log(f"{number + 1}/{options.rounds} {NAMES[kind]}")
                runs[kind].append(one_turn(kind, options, folder, values, cpus))
    keys = ("requests_per_second", "cpu_us", "p50_us", "p99_us")
    rows = [[NAMES[kind], *(spread(figure([r[key] for r in own]), ",.1f") for key in keys)] for kind, own in runs.items()]
    print(table(["", "exchanges/s", "server's CPU µs/exchange", "p50 µs", "p99 µs"], rows))
    rate = figure(scenarios.ratios(runs, servers.SHARED, scenarios.SANDBOX_ON_DISK, "requests_per_second"))
    cpu = figure(scenarios.ratios(runs, servers.SHARED, "obie-tokens", "cpu_us"))
    p99 = figure([r["p99_us"] for r in runs[servers.SHARED]])["median"]
    print(f"\nPostgreSQL has {spread(rate, '.3f')} of the rate of SQLite, and {spread(cpu, '.3f')} of the server's CPU on the "
          f"memory store.{disturbance(runs)}")
    return 0 if rate["median"] >= LEAST and p99 <= P99_MAX_US else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary (a release build)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    options = parser.parse_args()
    options.server = os.path.abspath(options.server)
    options.connections = scenarios.DURABLE_CONNECTIONS
    require_tools()
    try:
        return run(options)
    except (OSError, RuntimeError, ValueError, subprocess.CalledProcessError) as broken:
        print(f"shared: {broken} {getattr(broken, 'stderr', '') or ''}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
