#!/usr/bin/env python3
# Fuzzes the parser, the JSON reader, the credentials, what proxies say, a connection's state, the
# whole connection and TLS with the program that `make fuzz` builds, two at a time, and says what came of it.
#
#     Tests/fuzz/run.py [--seconds N | --megabytes N] [--seed N] [--keep] [TARGET...]
#
# Inputs start from Tests/corpora/fuzz; what is new and interesting goes to .build-fuzz/corpus, and
# from there into the next run. A finding goes to .build-fuzz/findings, and the command that repeats
# it is printed; fix it, then put the file into Tests/corpora/fuzz/TARGET: every run begins there.
# --keep puts those of them that are small and reach something new into Tests/corpora/fuzz.
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
HERE = ROOT / "Tests/fuzz"
CORPUS = ROOT / "Tests/corpora/fuzz"
SCRATCH = ROOT / ".build-fuzz"
PROGRAM = SCRATCH / "release/fuzz"
TARGETS = ["parser", "connection", "json", "basic", "proxies", "state", "tls"]
AT_ONCE = 2
INPUT_BYTES_MAX = 4096
KEPT_BYTES_MAX = 64
# The sanitizer itself takes some 500 MiB: freed memory is held back to find who still uses it.
MEMORY_MIB_MAX = 1024
# With --megabytes: a new seed, and new processes, this often.
ROUND_SECONDS = 120
# Swift's own report of a crash waits for a debugger's rights that a container may not grant.
ENVIRONMENT = dict(
    os.environ, SWIFT_BACKTRACE="enable=no", ASAN_OPTIONS="malloc_context_size=10")


class Outcome:
    def __init__(self, inputs=0, megabytes=0.0, memory=0, seconds=0.0, findings=()):
        self.inputs, self.megabytes, self.memory = inputs, megabytes, memory
        self.seconds, self.findings = seconds, list(findings)

    def add(self, other):
        self.inputs += other.inputs
        self.megabytes += other.megabytes
        self.memory = max(self.memory, other.memory)
        self.seconds += other.seconds
        self.findings += other.findings


def folders(target):
    found, corpus = SCRATCH / "findings" / target, SCRATCH / "corpus" / target
    for folder in (found, corpus):
        folder.mkdir(parents=True, exist_ok=True)
    return found, corpus


def fuzz(target, seconds, seed, *options):
    """One run of one target. libFuzzer ends it at the first finding."""
    found, corpus = folders(target)
    log = SCRATCH / f"{target}.log"
    command = [
        PROGRAM, f"--target={target}", corpus, CORPUS / target,
        f"-dict={HERE}/dictionaries/{target}.dict", f"-artifact_prefix={found}/",
        f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES_MAX}", f"-seed={seed}",
        f"-rss_limit_mb={MEMORY_MIB_MAX}", "-timeout=10", "-detect_leaks=1",
        "-print_final_stats=1", "-reload=0", *options,
    ]
    started = time.monotonic()
    with open(log, "wb") as output:
        code = subprocess.run(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=ENVIRONMENT,
            timeout=seconds + 120,
        ).returncode
    text = log.read_text(errors="replace")

    def number(pattern):
        match = re.search(pattern, text)
        return int(match[1]) if match else 0

    findings = re.findall(r"Test unit written to (\S+)", text)
    if code != 0 and not findings:
        findings = [f"exit status {code}"]
    for finding in findings:
        broken = re.search(r"broken: .*|ERROR: .*", text)
        print(f"{target}: FOUND {broken[0] if broken else ''}; all of it in {log}; again with")
        program = PROGRAM.relative_to(ROOT)
        print(f"    SWIFT_BACKTRACE=enable=no {program} --target={target} {finding}")
        sys.stdout.flush()
    return Outcome(
        number(r"stat::number_of_executed_units: (\d+)"),
        number(rf"fuzz: {target}: \d+ inputs, (\d+) bytes") / 1e6,
        number(r"stat::peak_rss_mb: +(\d+)"), time.monotonic() - started, findings)


def run(target, arguments, seed):
    # Where bytes are what counts, long inputs from the start.
    options = ["-len_control=0"] if arguments.megabytes else []
    outcome = fuzz(target, arguments.seconds, seed, *options)
    while arguments.megabytes and outcome.megabytes < arguments.megabytes:
        if outcome.findings:
            break
        seed += 1
        outcome.add(fuzz(target, arguments.seconds, seed, *options))
        print(f"{target}: {outcome.megabytes:,.0f} MB so far, seed {seed}", flush=True)
    print(
        f"{target}: {outcome.inputs:,} inputs, {outcome.megabytes:,.1f} MB in "
        f"{outcome.seconds:.0f} s, peak memory {outcome.memory} MiB, "
        f"{len(outcome.findings)} findings, last seed {seed}", flush=True)
    return outcome


def keep(target):
    """Adds to the repository's corpus the small inputs that reach what nothing there does."""
    _, corpus = folders(target)
    with tempfile.TemporaryDirectory() as small:
        for file in corpus.iterdir():
            if file.stat().st_size <= KEPT_BYTES_MAX:
                shutil.copy(file, small)
        subprocess.run(
            [PROGRAM, f"--target={target}", "-set_cover_merge=1", f"-max_len={INPUT_BYTES_MAX}",
             CORPUS / target, small],
            check=True, env=ENVIRONMENT, stdin=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--megabytes", type=float)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("OBIE_SEED", 0)))
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    targets = arguments.targets or TARGETS
    if set(targets) - set(TARGETS):
        sys.exit(f"fuzz: the targets are {', '.join(TARGETS)}")
    if arguments.keep:
        for target in targets:
            keep(target)
        return
    arguments.seconds = arguments.seconds or ROUND_SECONDS
    # libFuzzer takes 32 bits, and 0 for a seed of its own.
    seed = arguments.seed or random.randrange(1, 1 << 31)
    print(
        f"fuzzing {', '.join(targets)}, {AT_ONCE} at a time, {arguments.seconds} s each"
        + (f" and again up to {arguments.megabytes:.0f} MB" if arguments.megabytes else "")
        + f", OBIE_SEED={seed}", flush=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(lambda target: run(target, arguments, seed), targets))
    if any(outcome.findings for outcome in outcomes):
        sys.exit("fuzz: there are findings, in .build-fuzz/findings")
    megabytes = sum(outcome.megabytes for outcome in outcomes)
    print(f"fuzz: {megabytes:,.1f} MB without a trap, a leak or a broken promise")


if __name__ == "__main__":
    main()
