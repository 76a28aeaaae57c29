#!/usr/bin/env python3
"""One model of it all: random steps on the real server and commands, and every answer compared with a simple model.

    Tests/model/model_test.py --server .build/release/obie-tokens --steps 100000 [--seed N]
    Tests/model/model_test.py --store postgres
    Tests/model/model_test.py --weight all=0 --weight issue=3 --weight exchange=3 --weight introspect=6 --weight rotate=0.02

Codes are made, exchanged, looked up, revoked; institutions and providers are disabled, removed and added; consents are
withdrawn while their codes are exchanged; keys rotate; the server is stopped, killed, set differently; the wall clock
jumps; backups are made and restored; files are lost. Time passes by a shim, so a day takes no time. Ends with 1 at the
first answer that the model does not give; the seed and the number of the step are printed, and with the same seed the
same steps come again. Traffic stays on 127.0.0.1.

With --store postgres there are two servers on a PostgreSQL of the test's own, and each request goes to either. Steps
about files are left out. Instead one of the servers is killed, connections are ended, the database is restarted and
killed, also amid exchanges.
"""
import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from bank import Bank  # noqa: E402
from harness import Failure, expect  # noqa: E402
from rules import Model, Party  # noqa: E402
from shared import SharedBank, programs  # noqa: E402
from shared_steps import SharedSteps  # noqa: E402
from shared_steps import WEIGHTS as SHARED_WEIGHTS  # noqa: E402
from steps import WEIGHTS, Steps  # noqa: E402
from timepiece import Timepiece  # noqa: E402

PROGRESS_SECONDS = 10
FIS, PSPS = 3, 4


def open_bank(options, folder):
    """(bank, the kind of its steps)."""
    program, timepiece = os.path.abspath(options.server), Timepiece(folder)
    if options.store == "postgres":
        WEIGHTS.update(SHARED_WEIGHTS)
        return SharedBank(program, folder, timepiece, options.seed), SharedSteps
    return Bank(program, folder, timepiece), Steps


def prepare(bank):
    """Some institutions and providers, and what serves them. Returns the model of it."""
    model = Model()
    for number in range(FIS):
        party = Party(f"PSDGB-FCA-10000{number}")
        bank.add_fi(party)
        model.fis[party.reference] = party
    for number in range(PSPS):
        party = Party(f"PSDGB-FCA-20000{number}")
        bank.add_psp(party)
        model.psps[party.reference] = party
    bank.make_certificates(model.fis, model.psps)
    bank.start()
    return model


def run(options, folder):
    bank, kind = open_bank(options, folder)
    number, name, told = 0, "start", time.monotonic()
    try:
        for chosen, weight in options.weight:
            expect(chosen == "all" or chosen in WEIGHTS, f"there is no step {chosen}")
            WEIGHTS.update(dict.fromkeys(WEIGHTS, weight) if chosen == "all" else {chosen: weight})
        model = prepare(bank)
        steps = kind(bank, model, random.Random(options.seed))
        for number in range(1, options.steps + 1):
            name = steps.one()
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                print(f"  step {number}: {len(model.tokens)} tokens in mind", flush=True)
        bank.stop()
    except (Failure, OSError) as error:
        print(f"model: FAILED at step {number}, after {name}, seed {options.seed}: {error!r}\n"
              f"{bank.log_text()}")
        return 1
    finally:
        bank.end()
    if options.store == "postgres":
        print(f"model: {bank.refusals} times 503, after which the same was asked again")
    print("model: " + ", ".join(f"{count} {name}" for name, count in sorted(steps.counts.items())))
    return 0


def make_folder(options):
    """That of PostgreSQL's account, where there is a PostgreSQL."""
    return programs.make_folder() if options.store == "postgres" else tempfile.mkdtemp(prefix="obie-tokens-model-")


def weight(text):
    """STEP=WEIGHT."""
    name, _, number = text.partition("=")
    return name, float(number)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=str(ROOT / ".build/release/obie-tokens"))
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--weight", action="append", default=[], type=weight, metavar="STEP=WEIGHT",
                        help="how often a step comes beside the others; 0 leaves it out, all=0 leaves out all but those "
                        "that follow: " + ", ".join(f"{name}={weight}" for name, weight in WEIGHTS.items()))
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    options = parser.parse_args()
    print(f"model: {options.steps} steps, seed {options.seed}", flush=True)
    began = time.monotonic()
    folder = make_folder(options)
    try:
        status = run(options, folder)
    finally:
        programs.remove(folder)
    print(f"model: {time.monotonic() - began:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
