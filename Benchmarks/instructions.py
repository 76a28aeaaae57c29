#!/usr/bin/env python3
"""How many instructions does an exchange take? Unlike time, that can be told on a noisy machine.

Runs the release server under callgrind, sends it exchanges one after the other over one connection, and compares what
it counts with the figures in instructions.json. Exit status: 0; 1 where a figure is more than 3 % above, or so far below
that the file should learn of it; 69 where a tool is missing. Another compiler makes other code: then it only prints.
"""
import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import client
import servers

FIGURES = os.path.join(servers.HERE, "instructions.json")
TOLERANCE = 0.03
IMPROVED = 0.10  # below by so much: the old figure would let all of it be lost again
COUNT = 1000     # exchanges that are counted
WARM_UP = 100    # before; caches fill, tables grow
# What is counted apart, by a part of its mangled name.
PARTS = {"reading a head": "HeadParserV5parseySiSg", "reading a body": "JSONReaderV10readObject"}


def other_head(data, number):
    """The same request with a head that no other has."""
    return data.replace(b"\r\n\r\n", b"\r\nx-request-id: %032d\r\n\r\n" % number, 1)


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


def count(program, folder, varies, store="memory", exchanges=COUNT):
    """Instructions of an exchange, and of its parts, where all heads are the same or none is."""
    out = os.path.join(folder, "callgrind")
    server = subprocess.Popen(
        ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}", program, "serve", "--store", store,
         "--loops", "1", "--code-lifetime", "3600", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
        stderr=subprocess.PIPE, text=True)
    try:
        for line in server.stderr:
            if found := re.search(r"listening on http://127.0.0.1:(\d+)", line):
                break
        else:
            raise RuntimeError("the server did not start under callgrind")
        port, codes = int(found[1]), os.path.join(folder, "codes")
        client.make_codes(port, WARM_UP + exchanges, codes)
        with open(codes) as file:
            requests = [client.exchange_request(code) for code in file.read().split()]
        if varies:
            requests = [other_head(data, number) for number, data in enumerate(requests)]
        with client.Connection(port) as connection:
            for number, data in enumerate(requests):
                if number == WARM_UP:
                    subprocess.run(["callgrind_control", "--zero", str(server.pid)], check=True, capture_output=True)
                connection.send(data)
                if connection.answer()[0] != 201:
                    raise RuntimeError("an exchange was refused")
            subprocess.run(["callgrind_control", "--dump", str(server.pid)], check=True, capture_output=True)
    finally:
        server.terminate()
        server.wait(30)
    whole, of = costs(out + ".1")
    parts = {name: sum(cost for symbol, cost in of.items() if part in symbol) / exchanges
             for name, part in PARTS.items()}
    return whole / exchanges, parts


def compiler():
    return re.search(r"Swift version (\S+)", subprocess.run(["swift", "--version"], check=True, capture_output=True,
                                                            text=True).stdout)[1]


def strip(program, stripped):
    """A copy for callgrind: valgrind 3.19 gives up on the debug information of Swift's C++ runtime."""
    subprocess.run(["strip", "--strip-debug", "-o", stripped, program], check=True)


def measure(program):
    """All figures, in instructions an exchange."""
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, "obie-tokens")
        strip(program, stripped)
        same, parts = count(stripped, folder, varies=False)
        other, other_parts = count(stripped, folder, varies=True)
    return {"exchange, the same head again": round(same), "exchange, another head each time": round(other),
            "reading a head": round(other_parts["reading a head"]), "reading a body": round(parts["reading a body"])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary (a release build)")
    parser.add_argument("--save", action="store_true", help="write the figures to instructions.json")
    options = parser.parse_args()
    if not all(map(shutil.which, ("valgrind", "callgrind_control", "strip", "swift"))):
        print("instructions: needs valgrind, binutils and swift: apt-get install valgrind binutils", file=sys.stderr)
        return 69
    found, version = measure(options.server), compiler()
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
        if kept["swift"] == version and ratio > 1 + TOLERANCE:
            verdict, status = "  TOO MANY: find out why, or justify the new figure with --save", 1
        elif kept["swift"] == version and ratio < 1 - IMPROVED:
            verdict, status = "  far fewer: keep the new figure with --save", 1
        print(f"instructions: {name}: {value:,} ({ratio:.3f} of the figure kept){verdict}", flush=True)
    if kept["swift"] != version:
        print(f"instructions: the figures kept are of Swift {kept['swift']}; this is {version}, so nothing is judged")
    return status


if __name__ == "__main__":
    sys.exit(main())
