#!/usr/bin/env python3
"""How many instructions does a request take, on each way? Unlike time, that can be told on a noisy machine.

    Benchmarks/runs/instructions.py --server .build/release/obie-tokens [--way TEXT …] [--top 40] [--save]

Runs the release server under callgrind, sends it requests one after the other, and compares what it counts with the
figures in instructions.json. All threads of the process count. The figure that leads has varying heads: an interaction id
and a transaction reference of its own in every request, as banks send. With a store on disk each exchange is a transaction
of its own, which a server under load would share among many, and how often threads wake each other is chance: those
figures have a wider tolerance. --way counts only ways with this in their names; --top also prints the functions with the
most instructions of their own. Exit status: 0; 1 where a figure is more than 3 % above, or so far below that the file
should learn of it; 69 where a tool is missing. Another compiler makes other code: then it only prints.
"""
import argparse
import json
import os
import sys
import tempfile

import callgrind
import servers
import ways
from callgrind import strip  # noqa: F401 (large_registry.py)
from ways import COUNT, KEYED, VARYING

FIGURES = os.path.join(servers.RUNS, "instructions.json")
TOLERANCE = 0.03
IMPROVED = 0.10  # below by so much: the old figure would let all of it be lost again
ON_DISK = 0.15   # either way with a store on disk: how many exchanges share a batch hangs on what else the machine does
PRODUCTION_MAX = 1.05  # times the sandbox's on SQLite; promised, and printed beside what was counted
KEYED_MAX = 1.13  # times the same without a key; judged. 1.08 is wanted
# What is counted apart: (way, a part of its mangled name).
PARTS = {"reading a head": (VARYING, "HeadParserV5parseySiSg"),
         "reading a body": (ways.IDENTICAL, "JSONReaderV10readObject")}


def count(program, folder, varies, name, exchanges, store):
    """Instructions of an exchange in all threads; where heads vary, or all are the same."""
    folder = tempfile.mkdtemp(dir=folder)
    way = ways.Way("exchange", name, ways.Stage.varying if varies else ways.Stage.exchanges, count=exchanges)
    with callgrind.Counted(name, program, folder, store) as server:
        return [sum(profile.total for profile in ways.count(way, ways.Stage(server))) / exchanges]


def wanted(texts):
    """The ways with one of these in their names; all where there is none."""
    found = [way for way in ways.WAYS if not texts or any(text in way.name for text in texts)]
    if not found:
        raise SystemExit(f"instructions: no way has that in its name; there are: {'; '.join(way.name for way in ways.WAYS)}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary (a release build)")
    parser.add_argument("--way", action="append", default=[], metavar="TEXT", help="only ways with this in their names")
    parser.add_argument("--top", type=int, metavar="N", help="print the N functions with the most instructions")
    parser.add_argument("--save", action="store_true", help="write the figures to instructions.json")
    options = parser.parse_args()
    if tools := callgrind.missing():
        print(f"instructions: needs {', '.join(tools)}: apt-get install valgrind binutils", file=sys.stderr)
        return 69
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, "obie-tokens")
        strip(options.server, stripped)
        for way, profiles in ways.counted(stripped, wanted(options.way)):
            total = sum(profile.total for profile in profiles) / way.count
            print(f"instructions: {way.name}: {total:,.0f}", flush=True)
            if options.top:
                print(callgrind.top(profiles, way.count, options.top), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
