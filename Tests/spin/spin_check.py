#!/usr/bin/env python3
"""Checks the models of the exchange and of the lease exhaustively, and that planted mistakes are found.

    Tests/spin/spin_check.py [--only SCENARIO…] [--json FILE]

Every scenario is run to its end: no state is left out, no promise is broken, nobody waits for ever, and every statement is
reached. Then each mistake is planted alone, with its promise looked at alone, and must be found. Promises, mistakes and
scenarios are those of the models (promises.pml, lease.pml); the promises have the names of Tests/cluster/promises.py, which
judges recorded histories, and docs/model.md has all of them. Ends with 1 where that is not so. Needs spin and gcc.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = next(folder for folder in HERE.parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))
sys.path.insert(0, str(ROOT / "Tests/cluster"))

from promises import FAULTS  # noqa: E402

# docs/model.md says why.
ONLY_IN_HISTORIES, ONLY_IN_MODELS = {"answer", "failed", "same", "old", "untried", "unseen"}, {"key", "lease"}
SECONDS_MAX, MEMORY_MEGABYTES, DEPTH = 600, 3000, 1_000_000

# Scenario, and how many fail-overs, crashes of a server, and lost connections besides those: all that fit in a minute.
# The longest comes first, so that no processor waits for it in the end.
RUNS = [("key", 1, 0, 1), ("key", 0, 1, 1), ("race", 1, 0, 1), ("race", 0, 1, 1), ("revoke", 1, 1, 1),
        ("consent", 1, 0, 0), ("consent", 0, 1, 0), ("consent", 0, 0, 1), ("codes", 1, 1, 0), ("codes", 1, 0, 1), ("lease", 1, 0, 0)]
# Where each mistake is looked for.
PLANTED = {"TWO_STEPS": ("race", 0, 0, 0), "ASYNCHRONOUS": ("race", 1, 0, 0), "UNDO_ANY": ("key", 0, 0, 1),
           "NO_FENCE": ("race", 0, 0, 1), "READ_AGAIN": ("race", 1, 0, 1), "NO_UNDO": ("race", 0, 0, 1),
           "KEEP_REPLAYED": ("race", 0, 0, 0), "ANY_BANK": ("codes", 0, 0, 0), "FORGET_CONSENT": ("consent", 0, 0, 0),
           "KEY_IS_REPLAY": ("key", 0, 0, 0), "READ_ONLY": ("race", 1, 0, 0), "LONG_LEASE": ("lease", 1, 0, 0),
           "FROM_ANSWER": ("lease", 1, 0, 0), "OLD_PRIMARY": ("lease", 1, 0, 0)}


class Names:
    """What the models say of themselves."""

    def __init__(self):
        text = "".join((HERE / name).read_text(encoding="ascii") for name in ("promises.pml", "lease.pml"))
        self.promises = {name: int(number) for number, name in re.findall(r"#define \w+ (\d+) +/\* promise (\w+):", text)}
        self.mistakes = {name: (int(number), promise) for name, number, promise
                         in re.findall(r"#define (\w+) (\d+) +/\* breaks (\w+):", text)}
        self.scenarios = {name: int(number) for number, name in re.findall(r"SCENARIO == (\d+) /\* scenario (\w+):", text)}


class Outcome:
    """What the search says."""

    def __init__(self, said, seconds):
        self.said, self.seconds = said, seconds
        self.states = int(re.search(r"(\d+) states, stored", said)[1]) if "states, stored" in said else 0
        self.errors = int(re.search(r"errors: (\d+)", said)[1]) if "errors: " in said else -1
        self.violation = (re.findall(r"^pan:\d+: (.*?)(?: \(at depth \d+\))?$", said, re.MULTILINE) or [""])[0]
        self.unreached = {(Path(file).name, int(line), what) for file, line, what
                          in re.findall(r'^\t(\S+\.pml):(\d+), state \d+, "(.*)"$', said, re.MULTILINE)
                          if what != "-end-"}

    @property
    def is_whole(self):
        cut = ("max search depth too small", "out of memory", "Search not completed", "resource", "aborted")
        return self.errors == 0 and "Full statespace search" in self.said and not any(words in self.said for words in cut)


def search(run, mistake=0, check=None):
    """Compiles and runs the search of one scenario."""
    scenario, failovers, crashes, losses = run
    model = "lease.pml" if scenario == "lease" else "exchange.pml"
    flags = [f"-DSCENARIO={NAMES.scenarios.get(scenario, 0)}", f"-DFAILOVERS={failovers}", f"-DCRASHES={crashes}",
             f"-DLOSSES={losses}", f"-DBUG={mistake}", *([f"-DCHECK={check}"] if check else [])]
    with tempfile.TemporaryDirectory(prefix="obie-tokens-spin-") as folder:
        # -o3: without it, statements that spin puts together count as not reached.
        for command in (["spin", "-o3", *flags, "-a", str(HERE / model)],
                        ["gcc", "-O2", "-w", "-DSAFETY", f"-DMEMLIM={MEMORY_MEGABYTES}", "-o", "pan", "pan.c"]):
            made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if made.returncode:
                return Outcome(made.stdout + made.stderr, 0)
        began = time.monotonic()
        try:
            ended = subprocess.run(["./pan", f"-m{DEPTH}"], cwd=folder, capture_output=True, text=True, check=False,
                                   timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            return Outcome(f"not ended after {SECONDS_MAX} s", SECONDS_MAX)
        return Outcome(ended.stdout + ended.stderr, time.monotonic() - began)


NAMES = Names()


class Report:
    """What was found, for people and for a file."""

    def __init__(self):
        self.failed, self.states, self.planted = [], collections.Counter(), {}
        self.unreached = {}

    def fail(self, line):
        self.failed.append(line)
        print(f"spin: FAILED {line}", flush=True)

    def names(self):
        """The models, the checker of histories, and the page speak of the same promises."""
        modelled, judged = set(NAMES.promises) - ONLY_IN_MODELS, set(FAULTS) - ONLY_IN_HISTORIES
        if modelled != judged or not ONLY_IN_MODELS <= set(NAMES.promises) or not ONLY_IN_HISTORIES <= set(FAULTS):
            self.fail(f"models and histories have different names: {modelled ^ judged}")
        page = (ROOT / "docs/model.md").read_text(encoding="utf-8")
        for name in sorted({*NAMES.promises, *FAULTS}):
            if f"`{name}`" not in page:
                self.fail(f"docs/model.md does not name {name}")
        if set(PLANTED) != set(NAMES.mistakes):
            self.fail(f"mistakes without a place, or places without one: {set(PLANTED) ^ set(NAMES.mistakes)}")

    def whole(self, run, outcome):
        scenario, *faults = run
        what = "{}: {} fail-overs, {} crashes, {} lost connections".format(scenario, *faults)
        if not outcome.is_whole:
            return self.fail(f"{what}: {outcome.violation or outcome.said.strip()[-400:]}")
        self.states[scenario] += outcome.states
        model = "lease.pml" if scenario == "lease" else "exchange.pml"
        self.unreached[model] = self.unreached.get(model, outcome.unreached) & outcome.unreached
        print(f"spin: {what}: {outcome.states:,} states, every promise kept, {outcome.seconds:.1f} s", flush=True)

    def found(self, mistake, promise, outcome):
        self.planted[mistake] = promise
        if outcome.errors != 1 or "assertion violated" not in outcome.violation:
            return self.fail(f"{mistake} breaks {promise}, and was not found: {outcome.violation or outcome.said[-300:]}")
        print(f"spin: planted {mistake}: found, {promise} is broken ({outcome.states:,} states)", flush=True)

    def close(self, is_whole):
        for model, lines in self.unreached.items() if is_whole else []:
            for file, line, what in sorted(lines):
                self.fail(f"{model}: never reached: {file}:{line} {what}")
        for promise in NAMES.promises:
            scenarios = [name for name in self.states if (name == "lease") == (promise == "lease")]
            states = sum(self.states[name] for name in scenarios)
            print(f"spin: {promise}: {states:,} states, in {', '.join(scenarios)}", flush=True)
        for promise in set(NAMES.promises) - set(self.planted.values()) if is_whole else []:
            self.fail(f"no planted mistake breaks {promise}")
        print(f"spin: {sum(self.states.values()):,} states, {len(self.planted)} planted mistakes, "
              f"{len(self.failed)} failures", flush=True)

    def values(self):
        return {"states": dict(self.states), "promises": sorted(NAMES.promises), "planted": self.planted,
                "failures": self.failed}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[*NAMES.scenarios, "lease"], metavar="SCENARIO")
    parser.add_argument("--json", metavar="FILE", help="writes the figures there")
    options = parser.parse_args()
    runs = [run for run in RUNS if not options.only or run[0] in options.only]
    planted = {name: run for name, run in PLANTED.items() if not options.only or run[0] in options.only}
    report = Report()
    report.names()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        wholes = [(run, pool.submit(search, run)) for run in runs]
        searches = [(name, pool.submit(search, run, NAMES.mistakes[name][0], NAMES.promises[NAMES.mistakes[name][1]]))
                    for name, run in planted.items()]
        for name, result in searches:
            report.found(name, NAMES.mistakes[name][1], result.result())
        for run, result in wholes:
            report.whole(run, result.result())
    report.close(not options.only)
    if options.json:
        Path(options.json).write_text(json.dumps(report.values(), indent=1) + "\n", encoding="ascii")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
