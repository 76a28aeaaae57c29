#!/usr/bin/env python3
"""Faults that the server once had, each with its whole kind, as they are seen from outside.

    Tests/faults/faults_test.py --server .build/release/obie-tokens [--only resets refusals ...]

Clients that reset, guess, flood, fall silent or read slowly; a system that has no more descriptors or threads, whose
accept fails, whose clocks jump. Every check prints one line of what it saw; ends with 1 if one fails. Some calls of the
system are made to fail by a library that is preloaded, made with gcc. Traffic stays on 127.0.0.1; about two minutes.
"""
import argparse
import inspect
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from accepting import check_accepts  # noqa: E402
from clocks import check_clocks  # noqa: E402
from counters import check_counters  # noqa: E402
from deadlines import check_deadlines, check_readers  # noqa: E402
from harness import Failure  # noqa: E402
from neighbours import check_flood, check_probes, check_room  # noqa: E402
from reading import check_reading  # noqa: E402
from records import check_resets  # noqa: E402
from refusals import check_minute, check_refusals  # noqa: E402
from revoking import check_revoking  # noqa: E402
from starts import check_descriptors, check_lacks  # noqa: E402

CHECKS = {"flood": check_flood, "resets": check_resets, "refusals": check_refusals, "minute": check_minute,
          "descriptors": check_descriptors, "lacks": check_lacks, "counters": check_counters, "probes": check_probes,
          "room": check_room, "deadlines": check_deadlines, "accepts": check_accepts, "readers": check_readers,
          "reading": check_reading, "revoking": check_revoking, "clocks": check_clocks}
ALONE = ("flood",)  # it measures times, so nothing runs beside it
WAITING = ("minute", "readers", "clocks")  # these only wait, so they run beside all others


def run(name, program):
    """True where the check passes; says what it saw."""
    try:
        with tempfile.TemporaryDirectory(prefix="obie-tokens-faults-") as folder:
            check = CHECKS[name]
            line = check(program, folder) if "folder" in inspect.signature(check).parameters else check(program)
        print(f"{name}: {line}", flush=True)
        return True
    except (Failure, OSError) as failure:
        print(f"{name}: FAILED {failure}", file=sys.stderr, flush=True)
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--only", nargs="+", choices=CHECKS, default=list(CHECKS))
    options = parser.parse_args()
    program = os.path.abspath(options.server)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    passed = [run(name, program) for name in options.only if name in ALONE]
    waiting = [subprocess.Popen([sys.executable, __file__, "--server", program, "--only", name])
               for name in options.only if name in WAITING and len(options.only) > 1]
    passed += [run(name, program) for name in options.only if name not in ALONE and (name not in WAITING or not waiting)]
    return 0 if all([*passed, *(process.wait() == 0 for process in waiting)]) else 1


if __name__ == "__main__":
    sys.exit(main())
