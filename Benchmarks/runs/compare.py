#!/usr/bin/env python3
"""Has an exchange become cheaper? Two builds in one run, in turn; and production beside the sandbox.

    Benchmarks/runs/compare.py --old OLD/obie-tokens --new NEW/obie-tokens [--rounds 5] [--seconds 3]

The server has one event loop and CPU 0, wrk has CPU 1 and 64 connections. Each turn is a fresh server. The builds
change places from round to round, so that neither always comes first. First with varying heads (an interaction id and a
transaction reference of its own in every request), then the same from a client that wants less CPU than the server, then
with identical heads, all on the memory store; then the sandbox and production of the new build, both on SQLite, with
varying heads and no audit log. Server CPU per request decides. Where wrk is out of CPU before the server is, the faster
build waits for it more often, and each wait is a turn of the loop: that hides what it has saved. The client of its own
keeps both builds busy. Ratios are taken within a round, then their median. The same build as old and
as new shows how far apart two figures must be to mean anything. Exit status: 0; 1 where an answer was not the right one
or something broke; 69 where a tool is missing.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import scenarios
import servers
import turns
from measure import BUILD, compile_program, disturbance, figure, log, require_tools, ratios, spread, table

HEADS = ["exchange-varying", "exchange-busy", "exchange"]


def in_turn(name, contestants, options, folder, values):
    """The runs of each contestant – (server, program) by name – in all rounds."""
    runs = {label: [] for label in contestants}
    for number in range(options.rounds):
        order = list(contestants) if number % 2 == 0 else list(reversed(contestants))
        for label in order:
            log(f"{scenarios.LOADS[name].title} {number + 1}/{options.rounds} {label}")
            server, program = contestants[label]
            runs[label].append(turns.turn(server, program, name, options, folder, values))
    return runs


def report(title, runs):
    """A table of both, and the ratio of the second to the first."""
    keys = ("cpu_us", "user_us", "requests_per_second")
    rows = [[label, *(spread(figure([r[key] for r in own]), form) for key, form in zip(keys, (".2f", ".2f", ",.0f")))]
            for label, own in runs.items()]
    first, second = runs
    ratio = {key: figure(ratios(runs, second, first, key)) for key in keys}
    print(f"\n### {title}\n\n{table(['', 'CPU µs/request', 'of it user', 'requests/s'], rows)}\n\n"
          f"{second} / {first}: {spread(ratio['cpu_us'], '.3f')} of the CPU per request, "
          f"{spread(ratio['requests_per_second'], '.3f')} of the rate.{disturbance(runs)}", flush=True)


def compare(options):
    old, new = os.path.abspath(options.old), os.path.abspath(options.new)
    os.makedirs(BUILD, exist_ok=True)
    compile_program("pace")
    os.sched_setaffinity(0, {1})  # this program, too, keeps off the server's CPU
    with tempfile.TemporaryDirectory(prefix="compare-", dir=BUILD) as folder:
        values = turns.Values(folder)
        for name in HEADS:
            builds = {"old": ("obie-tokens", old), "new": ("obie-tokens", new)}
            report(scenarios.LOADS[name].title, in_turn(name, builds, options, folder, values))
        modes = {"sandbox": (scenarios.SANDBOX_ON_DISK, new), "production": (servers.PRODUCTION, new)}
        report("sandbox and production of the new build, on SQLite",
               in_turn("exchange-production", modes, options, folder, values))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", required=True, metavar="PATH", help="an obie-tokens binary (a release build)")
    parser.add_argument("--new", required=True, metavar="PATH", help="the one to compare with it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    if min(options.rounds, options.seconds, options.connections) < 1:
        parser.error("numbers start at 1")
    require_tools()
    try:
        compare(options)
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        log(f"compare: FAILED {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
