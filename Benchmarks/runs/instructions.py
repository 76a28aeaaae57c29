#!/usr/bin/env python3
"""How many instructions does an exchange take? Unlike time, that can be told on a noisy machine.

Runs the release server under callgrind, sends it exchanges one after the other over one connection, and compares what
it counts with the figures in instructions.json. All threads of the process count. The figure that leads has varying
heads: an interaction id and a transaction reference of its own in every request, as banks send. Both figures on SQLite
have varying heads and no audit log. There each exchange is a transaction of its own, which a server under load would
share among many; so the event loop's thread is printed alone, too, and not judged: how often it is woken is chance.
Exit status: 0; 1 where a figure is more than 3 % above, or so far below that the file should learn of it; 69 where a
tool is missing. Another compiler makes other code: then it only prints.
"""
import argparse
import collections
import glob
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import uuid

import servers
from servers import client

FIGURES = os.path.join(servers.RUNS, "instructions.json")
TOLERANCE = 0.03
IMPROVED = 0.10  # below by so much: the old figure would let all of it be lost again
ON_DISK = 0.15  # either way on SQLite: how many exchanges share a batch hangs on what else the machine does
COUNT = 1000     # exchanges that are counted
WARM_UP = 100    # before; caches fill, tables grow
PRODUCTION_MAX = 1.05  # times the sandbox's on SQLite; promised, and printed beside what was counted
# What is counted apart, by a part of its mangled name.
PARTS = {"reading a head": "HeadParserV5parseySiSg", "reading a body": "JSONReaderV10readObject"}
SANDBOX, PRODUCTION = "exchange, sandbox on SQLite", "exchange, production on SQLite"
KEYED, KEYED_MAX = "exchange, with an idempotency key", 1.13  # times the same without one; judged. 1.08 is wanted
CALLGRIND = ["valgrind", "--quiet", "--tool=callgrind", "--separate-threads=yes"]


def ids(count):
    """UUIDs, the same in every run."""
    chance = random.Random(1)
    return [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(count)]


def costs(path):
    """Instructions of the whole file, and with all that it calls for each function."""
    names, whole, of = {}, 0, collections.Counter()
    function = call = None

    def number(text):
        found = re.match(r"\((\d+)\)(?: (.*))?", text)
        if found[2]:
            names[found[1]] = found[2]
        return found[1]

    is_call = False
    with open(path) as file:
        for line in file:
            if line.startswith("fn="):
                function = number(line[3:])
            elif line.startswith("cfn="):
                call = number(line[4:])
            elif line.startswith("calls="):
                is_call = True
            elif re.match(r"[-+*\d]", line):
                cost = int(line.split()[1])
                of[call if is_call else function] += cost if is_call else 0
                whole += 0 if is_call else cost
                is_call = False
    return whole, {names[key]: value for key, value in of.items() if key in names}


def count(program, folder, varies, name="obie-tokens", exchanges=COUNT, store=None, is_keyed=False):
    """Instructions of an exchange in all threads, in the event loop's thread alone, and of its parts; where heads vary,
    or all are the same; each with an idempotency key, or none."""
    folder = tempfile.mkdtemp(dir=folder)
    out, codes = os.path.join(folder, "callgrind"), os.path.join(folder, "codes")
    with servers.Server(name, program, folder, store, os.sched_getaffinity(0),
                        under=[*CALLGRIND, f"--callgrind-out-file={out}"]) as server:
        client.make_codes(server.port, WARM_UP + exchanges, codes, server.bank)
        with open(codes) as file:
            requests = [client.exchange_request(code, asker=server.bank) for code in file.read().split()]
        if varies:
            requests = [client.varied(data, identity) for data, identity in zip(requests, ids(len(requests)))]
        if is_keyed:
            requests = [client.keyed(data, key) for data, key in zip(requests, reversed(ids(len(requests))))]
        pid = str(server.process.pid)
        with client.Connection(server.port) as connection:
            for number, data in enumerate(requests):
                if number == WARM_UP:
                    subprocess.run(["callgrind_control", "--zero", pid], check=True, capture_output=True)
                connection.send(data)
                if connection.answer()[0] != 201:
                    raise RuntimeError("an exchange was refused")
            subprocess.run(["callgrind_control", "--dump", pid], check=True, capture_output=True)
    threads = [costs(path) for path in glob.glob(f"{out}.1-*")]

    def part(of, text):
        return sum(cost for symbol, cost in of.items() if text in symbol) / exchanges

    parts = {name: sum(part(of, text) for _, of in threads) for name, text in PARTS.items()}
    loop, _ = max(threads, key=lambda thread: part(thread[1], PARTS["reading a head"]))
    return sum(whole for whole, _ in threads) / exchanges, loop / exchanges, parts


def compiler():
    return re.search(r"Swift version (\S+)", subprocess.run(["swift", "--version"], check=True, capture_output=True,
                                                            text=True).stdout)[1]


def strip(program, stripped):
    """A copy for callgrind: valgrind 3.19 gives up on the debug information of Swift's C++ runtime."""
    subprocess.run(["strip", "--strip-debug", "-o", stripped, program], check=True)


def measure(program):
    """All figures, in instructions an exchange; and those on SQLite again, of the event loop's thread alone."""
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, "obie-tokens")
        strip(program, stripped)
        varying, _, varying_parts = count(stripped, folder, True)
        identical, _, parts = count(stripped, folder, False)
        keyed, _, _ = count(stripped, folder, True, is_keyed=True)
        sandbox, sandbox_loop, _ = count(stripped, folder, True, "obie-tokens-sqlite")
        production, production_loop, _ = count(stripped, folder, True, servers.PRODUCTION)
    found = {
        "exchange, varying heads": varying, "exchange, identical heads": identical, KEYED: keyed,
        "reading a head": varying_parts["reading a head"], "reading a body": parts["reading a body"],
        SANDBOX: sandbox, PRODUCTION: production}
    loops = {SANDBOX: sandbox_loop, PRODUCTION: production_loop}
    return {name: round(value) for name, value in found.items()}, loops


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary (a release build)")
    parser.add_argument("--save", action="store_true", help="write the figures to instructions.json")
    options = parser.parse_args()
    if not all(map(shutil.which, ("valgrind", "callgrind_control", "strip", "swift"))):
        print("instructions: needs valgrind, binutils and swift: apt-get install valgrind binutils", file=sys.stderr)
        return 69
    (found, loops), version = measure(options.server), compiler()
    if options.save:
        with open(FIGURES, "w") as file:
            json.dump({"swift": version, "instructions": found}, file, indent=2)
            file.write("\n")
    with open(FIGURES) as file:
        kept = json.load(file)
    status = 0
    for name, value in found.items():
        ratio = value / kept["instructions"][name]
        verdict = ""
        tolerance, improved = (ON_DISK, ON_DISK) if name in (SANDBOX, PRODUCTION) else (TOLERANCE, IMPROVED)
        if kept["swift"] == version and ratio > 1 + tolerance:
            verdict, status = "  TOO MANY: find out why, or justify the new figure with --save", 1
        elif kept["swift"] == version and ratio < 1 - improved:
            verdict, status = "  far fewer: keep the new figure with --save", 1
        print(f"instructions: {name}: {value:,} ({ratio:.3f} of the figure kept){verdict}", flush=True)
    print(f"instructions: on SQLite, production takes {found[PRODUCTION] / found[SANDBOX]:.3f} of the sandbox's (at "
          f"most {PRODUCTION_MAX} is promised); in the event loop's thread alone {loops[PRODUCTION]:,.0f} and "
          f"{loops[SANDBOX]:,.0f}, {loops[PRODUCTION] / loops[SANDBOX]:.3f}")
    ratio = found[KEYED] / found["exchange, varying heads"]
    status = 1 if ratio > KEYED_MAX else status
    print(f"instructions: with an idempotency key {ratio:.3f} of what an exchange takes without one (at most {KEYED_MAX})")
    if kept["swift"] != version:
        print(f"instructions: the figures kept are of Swift {kept['swift']}; this is {version}, so nothing is judged")
    return status


if __name__ == "__main__":
    sys.exit(main())
