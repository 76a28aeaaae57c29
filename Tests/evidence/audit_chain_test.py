#!/usr/bin/env python3
"""Is every change to an audit log found? Makes one, tampers with copies of it, and has each verified.

    Tests/evidence/audit_chain_test.py --server .build/release/obie-tokens [--seed N]

`obie-tokens audit verify` must be content with the log as it is, and with no copy in which a line was changed, removed,
moved, doubled or made up, at a random place. The end of a log is another matter: lines that were cut off there are
found by `audit verify --head`, so it is left out. Ends with 1 where that is not so.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from harness import Client, Failure, Server, expect, sandbox  # noqa: E402

CODES, TRIES = 50, 20


def changed(lines, chance):
    """One digit of one line is another."""
    number = chance.randrange(1, len(lines) - 1)
    places = [place for place, byte in enumerate(lines[number]) if chr(byte).isdigit()]
    place = chance.choice(places)
    line = bytearray(lines[number])
    line[place] = ord(str((int(chr(line[place])) + 1) % 10))
    return [*lines[:number], bytes(line), *lines[number + 1:]]


def removed(lines, chance):
    number = chance.randrange(1, len(lines) - 1)
    return lines[:number] + lines[number + 1:]


def moved(lines, chance):
    number = chance.randrange(1, len(lines) - 2)
    return [*lines[:number], lines[number + 1], lines[number], *lines[number + 2:]]


def doubled(lines, chance):
    number = chance.randrange(1, len(lines) - 1)
    return lines[:number] + [lines[number]] + lines[number:]


def made_up(lines, chance):
    number = chance.randrange(1, len(lines) - 1)
    return lines[:number] + [lines[number].replace(b"consent-", b"consent+")] + lines[number:]


def verify(program, folder, lines):
    """The exit status, and what is said."""
    path = os.path.join(folder, "copy")
    with open(path, "wb") as file:
        file.writelines(lines)
    ended = subprocess.run([program, "audit", "verify", path], cwd=folder, capture_output=True, text=True, check=False)
    return ended.returncode, (ended.stdout + ended.stderr).strip()


def run(program, chance, folder):
    with Server(program, "--audit-log", "audit", cwd=folder) as server, Client(server.port) as client:
        for number in range(CODES):
            code = sandbox.code_of(client.ask(sandbox.make_code(f"consent-{number}")))
            expect(client.ask(sandbox.exchange(code)).status == 201, "an exchange failed")
    with open(os.path.join(folder, "audit"), "rb") as file:
        lines = file.readlines()
    expect(len(lines) > CODES, f"the log has {len(lines)} lines only")
    status, said = verify(program, folder, lines)
    expect(status == 0, f"the log as it is: {said}")
    print(f"audit chain: {len(lines)} lines: {said.splitlines()[-1]}", flush=True)
    for tamper in (changed, removed, moved, doubled, made_up):
        for _ in range(TRIES):
            status, said = verify(program, folder, tamper(lines, chance))
            expect(status != 0, f"a line was {tamper.__name__}, and nobody noticed")
        print(f"audit chain: {TRIES} times a line was {tamper.__name__}: found, with status {status}: {said.splitlines()[-1][:120]}",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"audit chain: seed {options.seed}", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="obie-tokens-audit-") as folder:
            run(os.path.abspath(options.server), random.Random(options.seed), folder)
    except (Failure, OSError) as failure:
        print(f"audit chain: FAILED {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
