#!/usr/bin/env python3
"""Does obie-tokens stay what it is under load? Two minutes of wrk, then the counts.

Each part has a fresh server with one event loop on CPU 0, and wrk on CPU 1:

- answers that store nothing (client credentials, refused codes, bodies that are no JSON, unknown paths): no unexpected
  status, no dropped connection, and after a warm-up the resident memory stays where it is;
- exchanges, a new code each: the same, and the memory grows by what is stored for each code and no more.

Exit status: 0; 1 where that does not hold; 69 where a tool is missing.
"""
import argparse
import os
import sys
import tempfile
import time

import measure
import servers
import turns
from servers import client

WARM_UP_SECONDS = 5
ROUND_SECONDS = 5
ROUND_CODES = 700_000
GROWTH_MIB_MAX = 2
BYTES_PER_CODE_MAX = 700  # a used code, its token, and the slack of tables that double as they grow
MIB = 1 << 20


def mixed_requests(folder):
    """Files with requests that store nothing, and together have every status that mixed.lua takes."""
    refused = client.exchange_request("0" * client.CODE_LENGTH)
    bad_json = client.constant_request().replace(b'"grant_type"', b'"grant_type')
    bad_json = bad_json.replace(b"Content-Length: 35", b"Content-Length: 34")
    unknown_path = refused.replace(b"/v1/obie/tokens", b"/v1/obie/nothing")
    paths = []
    for index, request in enumerate([client.constant_request(), refused, bad_json, unknown_path]):
        paths.append(os.path.join(folder, f"mixed-{index}"))
        with open(paths[-1], "wb") as file:
            file.write(request)
    return paths


def report(name, result, growth, unit, allowed):
    """Prints a line and says whether the growth is allowed; bad answers have ended the run before."""
    holds = growth <= allowed
    print(f"{name}: {result:,} requests, no unexpected status, no dropped connection; memory grew by {growth:,.1f} "
          f"{unit} (at most {allowed}): {'holds' if holds else 'DOES NOT HOLD'}", flush=True)
    return holds


def store_nothing(server, seconds, folder):
    """The first part."""
    def run(length):
        command = ["taskset", "-c", "1", "wrk", "-t1", "-c64", f"-d{length}s",
                   "-s", os.path.join(servers.CLIENTS_FOLDER, "mixed.lua"), f"http://127.0.0.1:{server.port}",
                   "--", *mixed_requests(folder)]
        return measure.load(server, command, length)

    run(WARM_UP_SECONDS)
    before = server.resident_bytes()
    result = run(seconds)
    growth = (result["resident_bytes"] - before) / MIB
    return report(f"{seconds} s of answers that store nothing", result["requests"], growth, "MiB", GROWTH_MIB_MAX)


def exchange(server, seconds, folder):
    """The second part. Not all codes of a round need to be used up; what stays is counted too."""
    before, codes, exchanged, under_load = server.resident_bytes(), 0, 0, 0.0
    path = os.path.join(folder, "codes")
    while under_load < seconds:
        client.make_codes(server.port, ROUND_CODES, path)
        codes += ROUND_CODES
        command = turns.load_command(server, "exchange", ROUND_SECONDS, 64, folder, path,
                                         check=("201", '"access_token"'))
        result = measure.load(server, command, ROUND_SECONDS)
        exchanged += result["requests"]
        under_load += result["seconds"]
    growth = (server.resident_bytes() - before) / codes
    return report(f"{under_load:.0f} s of exchanges", exchanged, growth, "bytes a code", BYTES_PER_CODE_MAX)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary (a release build)")
    parser.add_argument("--seconds", type=int, default=60, help="under load, of each part")
    options = parser.parse_args()
    measure.require_tools()
    os.sched_setaffinity(0, {1})
    began, holds = time.monotonic(), True
    with tempfile.TemporaryDirectory() as folder:
        for part in (store_nothing, exchange):
            with servers.Server("obie-tokens", os.path.abspath(options.server), folder) as server:
                holds = part(server, options.seconds, folder) and holds
    print(f"took {time.monotonic() - began:.0f} s", file=sys.stderr)
    return 0 if holds else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError, ValueError) as problem:
        print(f"soak: FAILED {problem}", file=sys.stderr)
        sys.exit(1)
