#!/usr/bin/env python3
"""How many exchanges a second does it do here, and how long does one take? A load test of ten seconds.

    Benchmarks/runs/load.py --server .build/release/obie-tokens           # starts a sandbox of its own, and stops it
    Benchmarks/runs/load.py --url http://127.0.0.1:8080                   # a sandbox that is running
    Benchmarks/runs/load.py --server … --rate 20000                       # on a timetable: how long does one take then?

Makes codes first, since each works once; then exchanges them on 64 connections, each request with ids of its own, and
prints a line a second. Without --rate each connection asks again as soon as it is answered: that gives the highest rate,
and latencies that are mostly queueing. With --rate requests are due at fixed times, and latency counts from then. Every
status is looked at. Exit status: 0; 1 where an answer was not 201 or something broke; 64 for wrong arguments.
"""
import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

import measure
import scenarios
import servers
import turns
from servers import client

PROBE_CODES = 20_000
CODE_SECONDS = 60    # a running sandbox keeps codes so long, where nobody has set it otherwise
SPARE_SECONDS = 10   # of that
MARGIN = 1.5         # codes made: so many times what the probe's speed would use
STORES = {"memory": scenarios.MEMORY, "sqlite": scenarios.SANDBOX_ON_DISK}


class Running:
    """A sandbox that somebody else has started, at http://HOST:PORT."""
    bank, process = client.SANDBOX, None

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{url} is not http://HOST:PORT; TLS is measured by make tls-bench")
        self.port, client.HOST = parts.port or 80, socket.gethostbyname(parts.hostname)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def make_codes(server, count, path):
    """Returns how many are made in a second."""
    began = time.monotonic()
    client.make_codes(server.port, count, path)
    return count / (time.monotonic() - began)


def exchange(server, options, seconds, count, folder, shows=False):
    """Runs the client; returns its result. shows: prints a line a second."""
    paths = {name: os.path.join(folder, name) for name in ("request", "codes")}
    with open(paths["request"], "wb") as file:
        file.write(client.varied(client.exchange_request()))
    ids = turns.Values(folder, most=count).ids
    command = [measure.program_path("pace"), f"{client.HOST}:{server.port}", paths["request"], paths["codes"], "201",
               str(options.connections), str(seconds), str(options.rate or 0), ids, *(["tell"] if shows else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        said = ""
        for line in process.stdout:
            kind, _, text = line.partition(" ")
            if kind == "NOW":
                show(json.loads(text))
            elif kind == "RESULT":
                result = json.loads(text)
            else:
                said += line
    if process.returncode:
        raise RuntimeError(f"the client ended with {process.returncode}: {said}")
    faults = [f"{result[key]:,} {what}" for key, what in (("status_errors", "answers other than 201"),
              ("socket_errors", "broken connections"), ("timeouts", "requests without an answer")) if result[key]]
    if faults or not result["requests"]:
        raise RuntimeError(f"{', '.join(faults) or 'no answer'}, of {result['requests']:,} answers")
    return result


def show(found):
    rate = found["requests"] / found["seconds"]
    print(f"{rate:>12,.0f}" + "".join(f"{found[key] / 1000:>10.2f}" for key in ("p50_us", "p90_us", "p99_us")), flush=True)


def run(server, options, folder):
    try:
        client.check_exchange(server.port)
    except ValueError as error:
        raise RuntimeError(f"this is no sandbox with its usual credentials: {error}") from error
    codes = os.path.join(folder, "codes")
    making = make_codes(server, PROBE_CODES, codes)
    rate, margin = options.rate, 1.0
    if not rate:
        probe = exchange(server, options, 1, PROBE_CODES, folder)
        rate, margin = probe["requests"] / probe["seconds"], MARGIN
    count = min(turns.VALUES_MAX, int(rate * options.seconds * margin) + options.connections)
    if options.url:
        count = min(count, int(making * (CODE_SECONDS - SPARE_SECONDS - options.seconds)))
    print(f"making {count:,} codes, each of which works once", flush=True)
    make_codes(server, count, codes)
    print(f"\n{'exchanges/s':>12}{'p50 ms':>10}{'p90 ms':>10}{'p99 ms':>10}", flush=True)
    before = server.ran_seconds() if server.process else 0
    result = exchange(server, options, options.seconds, count, folder, shows=True)
    print("\nall of it:")
    show(result)
    print(f"\n{result['requests']:,} exchanges in {result['seconds']:.1f} s, every answer 201.")
    if server.process:
        used = (server.ran_seconds() - before) / result["requests"] * 1e6
        print(f"The server, on one CPU, used {used:.1f} µs of it for an exchange. docs/speed.md says what follows from that.")
    if result["ran_out"] or result["seconds"] < options.seconds * 0.9:
        print("It ended early: all codes were used up.")
    if not options.rate:
        print("Each connection asked again as soon as it was answered, so these times are mostly waiting in a queue;\n"
              "--rate says how long an exchange takes at a rate of your choice.")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", metavar="PATH", help="the obie-tokens binary, of which a sandbox is started")
    parser.add_argument("--url", help="a sandbox that is running: http://HOST:PORT. Load only what is yours")
    parser.add_argument("--store", choices=STORES, default="memory", help="of the sandbox that is started")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=int, default=0, help="exchanges a second; 0: as many as it can")
    options = parser.parse_args()
    if not options.server and not options.url:
        parser.error("give --server or --url")
    if options.server and not options.url and not os.access(options.server, os.X_OK):
        parser.error(f"{options.server} is not there, or is not a program; make release builds it")
    if min(options.seconds, options.connections) < 1 or options.rate < 0 or options.connections > 1024:
        parser.error("--seconds and --connections start at 1, --rate at 0; --connections ends at 1024")
    if options.url and options.seconds > CODE_SECONDS - 2 * SPARE_SECONDS:
        parser.error(f"codes of a sandbox live {CODE_SECONDS} s: with --url, --seconds ends at "
                     f"{CODE_SECONDS - 2 * SPARE_SECONDS}")
    return options


def main():
    options = arguments()
    os.makedirs(measure.BUILD, exist_ok=True)
    try:
        measure.compile_program("pace")
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="load-", dir=measure.BUILD))
            if options.url:
                server = Running(options.url)
            else:
                first, *others = sorted(os.sched_getaffinity(0))
                os.sched_setaffinity(0, others or {first})  # keeps off the server's CPU where there are two
                server = servers.Server(STORES[options.store], os.path.abspath(options.server), folder, cpus={first})
            run(stack.enter_context(server), options, folder)
    except KeyboardInterrupt:
        return 130
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        at = f" ({options.url})" if options.url else ""
        more = "; is a sandbox running there? make run starts one" if isinstance(error, ConnectionRefusedError) else ""
        print(f"load: FAILED {error}{at}{more}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
