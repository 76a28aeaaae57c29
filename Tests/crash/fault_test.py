#!/usr/bin/env python3
"""Takes the disk away from obie-tokens under load, and looks at what clients are told.

    Tests/crash/fault_test.py --server .build/release/obie-tokens

The process is forbidden to let files grow (RLIMIT_FSIZE), as on a full disk: while that holds every exchange and every
new code is a 503 with Retry-After, /readyz is 503 and /livez is 200; when it is lifted the server recovers by itself,
and all promises are kept: the codes refused with 503 are still good, the tokens given before are alive. stderr has one
line for the fault and one for the recovery. Ends with 1 where that is not so.
"""
import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import crash_test  # noqa: E402
from crash_test import Promises, exchange, issue  # noqa: E402
from harness import Client, Failure, expect, get, wait_until  # noqa: E402

CODES = 500


def fill_up(server):
    """No file may become larger than the largest is now."""
    largest = max(os.path.getsize(os.path.join(server.cwd, name)) for name in os.listdir(server.cwd))
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))


def under_fault(client, promises):
    """Codes and exchanges until both are refused, then a while longer: nothing but 503 from then on."""
    refused, end = 0, time.monotonic() + 2
    candidates = iter(list(promises.fresh))
    while time.monotonic() < end:
        code = next(candidates, None)
        if code is None:
            break
        status, token = exchange(client, code)
        if status == 201 and not refused:
            promises.fresh.discard(code)
            promises.spent[code] = token
        else:
            expect(status == 503, f"while the disk was full an exchange got {status}")
            refused += 1
    expect(refused, "the disk was full and nobody noticed")
    return refused


def run(options, folder):
    """The whole story, once."""
    promises = Promises()
    with crash_test.server(options, folder) as server:
        with Client(server.port) as client:
            for number in range(CODES):
                promises.fresh.add(issue(client, number, promises))
            for code in list(promises.fresh)[:100]:
                status, promises.spent[code] = exchange(client, code)
                promises.fresh.discard(code)
            fill_up(server)
            refused = under_fault(client, promises)
        ready, live = (get(server.admin_port, path)[0] for path in ("/readyz", "/livez"))
        expect((ready, live) == (503, 200), f"while the disk was full /readyz was {ready} and /livez {live}")
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: get(server.admin_port, "/readyz")[0] == 200, "/readyz coming back did not happen in 10 s", 10)
        spent, fresh, _, _ = crash_test.check(server.port, promises)
    lines = [line for line in server.log if "takes changes again" in line or "does not take changes" in line]
    expect(len(lines) == 2, f"the log has not one line for the fault and one for the recovery: {lines}")
    print(f"fault test: {refused} requests refused with 503 while the disk was full; then {spent} tokens alive and {fresh} "
          f"codes good\n    {lines[0].strip()}\n    {lines[1].strip()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    options = parser.parse_args()
    options.power_cut, options.audit_strict = False, False
    with tempfile.TemporaryDirectory(prefix="obie-tokens-fault-") as folder:
        try:
            run(options, folder)
        except (Failure, OSError) as broken:
            print(f"fault test: FAILED {broken}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
