#!/usr/bin/env python3
"""How many instructions does a request take, on each way? Unlike time, that can be told on a noisy machine.

    Benchmarks/runs/instructions.py --server .build/release/obie-tokens [--way TEXT …] [--top 40] [--save]

Runs the release server under callgrind, sends it requests one after the other, and compares what it counts with the
figures in instructions.json. All threads of the process count. The figure that leads has varying heads: an interaction id
and a transaction reference of its own in every request, as banks send. With a store on disk each exchange is a transaction
of its own, which a server under load would share among many, and how often threads wake each other is chance: those
figures have a wider tolerance. The look for expired rows is in none: it comes once a second, so it would count how slow
the machine is. Exit status: 0; 1 where a figure is above the one kept by more than its tolerance (3 % where chance has no
part; that of a way in each of three counts), or so far below that the file should learn of it, or something broke; 69 where
a tool is missing. Another compiler makes other code: then it only prints. Where PostgreSQL is not installed, its way is
left out.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import callgrind
import servers
import ways
from callgrind import strip  # large_registry.py strips, too
from ways import COUNT  # and it counts as many

FIGURES = os.path.join(servers.RUNS, "instructions.json")
AGAIN = 2  # times that a way is counted once more
IMPROVED = 0.10  # below by so much: the old figure would let all of it be lost again
PRODUCTION_MAX = 1.05  # times the sandbox's on SQLite; promised, and printed beside what was counted
KEYED_MAX = 1.13  # times the same without a key; judged. 1.08 is wanted
READING = "HeadParserV5parseySiSg"  # a part of a mangled name
EVERY_SECOND = ("11ExpiredRows", "11MemoryStoreC13removeExpired")  # likewise
# What is counted apart: the way, and a part of the function's mangled name.
PARTS = {"reading a head": (ways.VARYING, READING), "reading a body": (ways.IDENTICAL, "JSONReaderV10readObject")}


def count(program, folder, varies, name, exchanges, store):
    """[Instructions of an exchange in all threads], where heads vary or all are the same, with a store that is there."""
    way = ways.Way("exchange", name, ways.Stage.varying if varies else ways.Stage.exchanges, count=exchanges)
    with callgrind.Counted(name, program, tempfile.mkdtemp(dir=folder), store) as server:
        return [total(way, ways.count(way, ways.Stage(server)))]


def total(way, profiles):
    """Instructions of a request in all threads, without what is done once a second, however many requests there are."""
    return sum(profile.total - sum(map(profile.within, EVERY_SECOND)) for profile in profiles) / way.count


def wanted(texts):
    """The ways with one of these in their names, or all."""
    return [way for way in ways.WAYS if not texts or any(text in way.name for text in texts)]


def possible(chosen):
    """Of these ways, those for which all is installed."""
    if ways.has_postgres():
        return chosen
    left = [way for way in chosen if way.server != ways.POSTGRES]
    if left != chosen:
        print("instructions: PostgreSQL is left out, since it is not installed: apt-get install postgresql-15")
    return left


def measure(program, chosen, most):
    """(figures by name, {way's name: instructions of the event loop's thread alone}); prints a table of each way's
    functions where it is asked for most of them."""
    found, loops = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, "obie-tokens")
        strip(program, stripped)
        for way, profiles in ways.counted(stripped, chosen):
            found[way.name] = round(total(way, profiles))
            loops[way.name] = max(profiles, key=lambda profile: profile.within(READING)).total / way.count
            for part, (name, text) in PARTS.items():
                if name == way.name:
                    found[part] = round(sum(profile.within(text) for profile in profiles) / way.count)
            if most:
                print(f"\n{way.name}: {found[way.name]:,}\n{callgrind.top(profiles, way.count, most)}\n", flush=True)
    return found, loops


def figures_kept():
    with open(FIGURES) as file:
        return json.load(file)


def save(found, version):
    """Other figures of the same compiler stay."""
    kept = figures_kept()
    names = [*(way.name for way in ways.WAYS), *PARTS]
    both = {**(kept["instructions"] if kept["swift"] == version else {}), **found}
    with open(FIGURES, "w") as file:
        json.dump({"swift": version, "instructions": {name: both[name] for name in names if name in both}}, file, indent=2)
        file.write("\n")


def is_above(value, kept, tolerance):
    return value > kept * (1 + tolerance)


def verdict(value, kept, tolerance):
    """What is wrong with a figure, or nothing."""
    if kept is None:
        return "no figure is kept of it: keep this one with --save"
    if is_above(value, kept, tolerance):
        return ("TOO MANY: find out why (--way, --top 40). Hot code that has changed is compiled without its profile: make "
                "profile makes a new one. Or justify the new figure with --save")
    if value < kept * (1 - max(tolerance, IMPROVED)):
        return "far fewer: keep the new figure with --save"
    return ""


def above(found, version):
    """The ways whose figures are above what they may be."""
    kept = figures_kept()
    bounds = kept["instructions"] if kept["swift"] == version else {}
    return [way for way in ways.WAYS
            if way.name in found and way.name in bounds
            and is_above(found[way.name], bounds[way.name], way.tolerance)]


def count_again(program, found, loops, version):
    """Chance raises a figure now and then, and a change of the code each time: of a way that is above its bound the
    lowest figure counts. Changes `found` and `loops`."""
    for _ in range(AGAIN):
        if not (high := above(found, version)):
            return
        print("instructions: above the bound, so counted again, and the lowest figure counts: "
              + "; ".join(f"{way.name} ({found[way.name]:,})" for way in high), flush=True)
        figures, threads = measure(program, high, None)
        lower = {name: value for name, value in figures.items() if value < found[name]}
        found.update(lower)
        loops.update({name: value for name, value in threads.items() if name in lower})


def judge(found, version):
    """Prints each figure beside the one that is kept; whether all are right."""
    kept = figures_kept()
    tolerances = {way.name: way.tolerance for way in ways.WAYS}
    is_same, is_right = kept["swift"] == version, True
    for name, value in found.items():
        old = kept["instructions"].get(name)
        wrong = verdict(value, old, tolerances.get(name, ways.TOLERANCE)) if is_same else ""
        is_right = is_right and not wrong
        ratio = f" ({value / old:.3f} of the figure kept)" if old else ""
        print(f"instructions: {name}: {value:,}{ratio}{'  ' + wrong if wrong else ''}", flush=True)
    if not is_same:
        print(f"instructions: the figures kept are of Swift {kept['swift']}; this is {version}, so nothing is judged")
    return is_right


def compare(found, loops):
    """Prints ways beside each other; whether a key costs no more than it may."""
    sandbox, production = ways.ON_SANDBOX, ways.ON_PRODUCTION
    if sandbox in found and production in found:
        print(f"instructions: on SQLite, production takes {found[production] / found[sandbox]:.3f} of the sandbox's (at "
              f"most {PRODUCTION_MAX} is promised); in the event loop's thread alone {loops[production]:,.0f} and "
              f"{loops[sandbox]:,.0f}, {loops[production] / loops[sandbox]:.3f}")
    if ways.KEYED not in found or ways.VARYING not in found:
        return True
    ratio = found[ways.KEYED] / found[ways.VARYING]
    print(f"instructions: with an idempotency key {ratio:.3f} of what an exchange takes without one (at most {KEYED_MAX})")
    return ratio <= KEYED_MAX


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary (a release build)")
    parser.add_argument("--way", action="append", default=[], metavar="TEXT",
                        help="count only ways with this in their names; can be given again")
    parser.add_argument("--top", type=int, metavar="N",
                        help="of each way, print the N functions with the most instructions of their own")
    parser.add_argument("--save", action="store_true", help="write the figures that are counted to instructions.json")
    options = parser.parse_args()
    if tools := callgrind.missing():
        print(f"instructions: needs {', '.join(tools)}: apt-get install valgrind binutils openssl, and Swift from "
              "swift.org", file=sys.stderr)
        return 69
    if not (chosen := wanted(options.way)):
        parser.error(f"no way has that in its name. There are: {'; '.join(way.name for way in ways.WAYS)}")
    try:
        (found, loops), version = measure(options.server, possible(chosen), options.top), callgrind.compiler()
        if not options.save:
            count_again(options.server, found, loops, version)
    except (OSError, RuntimeError, ValueError, subprocess.CalledProcessError) as broken:
        print(f"instructions: {broken} {getattr(broken, 'stderr', '') or ''}", file=sys.stderr)
        return 1
    if options.save:
        save(found, version)
    holds = judge(found, version), compare(found, loops)
    return 0 if all(holds) else 1


if __name__ == "__main__":
    sys.exit(main())
