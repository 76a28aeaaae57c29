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
import re
import resource
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.request

import crash_test
from crash_test import Client, Promises

CODES = 500


def probe(port, path):
    """The status of a probe."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def wait_for(what, condition):
    """Raises where the condition does not come true in ten seconds."""
    end = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen in 10 s")
        time.sleep(0.05)


def fill_up(process, folder):
    """No file may become larger than the largest is now."""
    largest = max(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))


def under_fault(client, promises):
    """Codes and exchanges until both are refused, then a while longer: nothing but 503 from then on."""
    refused, end = 0, time.monotonic() + 2
    candidates = iter(list(promises.fresh))
    while time.monotonic() < end:
        code = next(candidates, None)
        if code is None:
            break
        status, token = client.exchange(code)
        if status == 201 and not refused:
            promises.fresh.discard(code)
            promises.spent[code] = token
        elif status == 503:
            refused += 1
        else:
            raise AssertionError(f"while the disk was full an exchange got {status}")
    if not refused:
        raise AssertionError("the disk was full and nobody noticed")
    return refused


def run(options, folder):
    """The whole story, once."""
    promises = Promises()
    process, port = crash_test.start(options, folder)
    log = os.path.join(folder, "log")
    with open(log, encoding="utf-8") as text:
        admin = int(re.search(r"probes on http://127.0.0.1:(\d+)", text.read())[1])
    try:
        client = Client(port)
        for number in range(CODES):
            promises.fresh.add(client.issue(number))
        for code in list(promises.fresh)[:100]:
            status, promises.spent[code] = client.exchange(code)
            promises.fresh.discard(code)
        fill_up(process, folder)
        refused = under_fault(client, promises)
        if (ready := probe(admin, "/readyz")) != 503 or (live := probe(admin, "/livez")) != 200:
            raise AssertionError(f"while the disk was full /readyz was {ready} and /livez {live}")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_for("/readyz coming back", lambda: probe(admin, "/readyz") == 200)
        spent, fresh, _, _ = crash_test.check(port, promises)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    with open(log, encoding="utf-8") as text:
        lines = [line for line in text if "takes changes again" in line or "does not take changes" in line]
    if len(lines) != 2:
        raise AssertionError(f"the log has not one line for the fault and one for the recovery: {lines}")
    print(f"fault test: {refused} requests refused with 503 while the disk was full; then {spent} tokens alive and {fresh} "
          f"codes good\n    {lines[0].strip()}\n    {lines[1].strip()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    options = parser.parse_args()
    options.server, options.power_cut = os.path.abspath(options.server), False
    with tempfile.TemporaryDirectory(prefix="obie-tokens-fault-") as folder:
        try:
            run(options, folder)
        except AssertionError as broken:
            print(f"fault test: FAILED {broken}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
