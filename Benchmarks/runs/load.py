#!/usr/bin/env python3
"""How many exchanges a second does it do here, and how long does one take? A load test of ten seconds.

    Benchmarks/runs/load.py --server .build/release/obie-tokens           # starts a sandbox of its own, and stops it
    Benchmarks/runs/load.py --url http://127.0.0.1:8080                   # a sandbox that is running
    Benchmarks/runs/load.py --server … --rate 20000                       # on a timetable: how long does one take then?

Makes codes first, since each works once; then exchanges them on 64 connections, each request with ids of its own, and
prints a line a second. Without --rate each connection asks again as soon as it is answered: that gives the highest rate,
and latencies that are mostly queueing. With --rate requests are due at fixed times, and latency counts from then. Every
status is looked at. Ends at SIGINT, SIGTERM and SIGHUP, and then too stops what it has started. Exit status: 0; 1 where an
answer was not 201, the rate could not be kept or something broke; 2 for wrong arguments, as argparse has it; 69 without a C
compiler; 128 and its number after a signal.
"""
import argparse
import contextlib
import json
import os
import shutil
import signal
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
KEPT = 1.05          # a rate is kept where its requests take at most so many times the seconds that were asked for
IDLE_MIN = 0.2       # of the time: a server that rests for more was not what limited the rate
STORES = {"memory": scenarios.MEMORY, "sqlite": scenarios.SANDBOX_ON_DISK}


class Running:
    """A sandbox that somebody else has started, at http://HOST:PORT."""
    bank, process = client.SANDBOX, None

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        try:
            self.port, client.HOST = parts.port or 80, socket.gethostbyname(parts.hostname)
        except socket.gaierror as error:
            raise ValueError(f"{parts.hostname} is no IPv4 address, and no name of one ({error.strerror}). Give a name that "
                             "resolves, or an address such as 127.0.0.1; IPv6 is not spoken here") from error

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
        try:
            said = read(process.stdout)
            process.wait()
        finally:
            process.kill()  # does nothing where it has ended; it has not where a signal came
    if process.returncode or not said["RESULT"]:
        raise RuntimeError(f"the client ended with {process.returncode}: {said['other'].strip()}. Is the server still there?")
    judge(said["RESULT"], options, seconds, count, said["other"].strip())
    return said["RESULT"]


def read(lines):
    """What the client says at its end: RESULT, and what is neither that nor a line for now, which is shown."""
    said = {"RESULT": None, "other": ""}
    for line in lines:
        kind, _, text = line.partition(" ")
        if kind == "NOW":
            show(json.loads(text))
        elif kind == "RESULT":
            said[kind] = json.loads(text)
        else:
            said["other"] += line
    return said


def judge(result, options, seconds, count, first_fault):
    """Raises where something broke, or the rate was not kept."""
    done, sent, rate = result["requests"], result["sent"], options.rate
    faults = [f"{result[key]:,} {what}" for key, what in (
        ("status_errors", f"answers other than 201 ({first_fault}; the server's page /errors says what that is)"),
        ("socket_errors", "broken connections: see what the server's log says of them")) if result[key]]
    if faults:
        raise RuntimeError(f"{'; '.join(faults)}; {done:,} answers in all")
    wanted = min(rate * seconds, count)
    if rate and (done < wanted or result["seconds"] > wanted / rate * KEPT) and done:
        raise RuntimeError(
            f"could not keep the rate of {rate:,} a second: of {wanted:,} requests {sent:,} were sent and {done:,} answered, in "
            f"{result['seconds']:.1f} s instead of {wanted / rate:.1f}, {done / result['seconds']:,.0f} a second. Give a lower "
            "--rate; without one it finds the highest")
    if sent > done or not done:
        raise RuntimeError(f"{sent - done:,} of {sent:,} requests have no answer after 2 s: see what the server's log says, or "
                           "give fewer --connections")


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
        say_server(server.ran_seconds() - before, result, options)
    if result["ran_out"] or (not options.rate and result["requests"] >= count):
        print("It ended early: all codes were used up. Run it again, or give fewer --seconds.")
    if options.rate:
        say_lateness(result)
    else:
        print("Each connection asked again as soon as it was answered, so these times are mostly waiting in a queue;\n"
              "--rate says how long an exchange takes at a rate of your choice.")


def say_server(used, result, options):
    """What it used of its CPU, and whether it was the limit."""
    busy = used / result["seconds"]
    print(f"The server used {used / result['requests'] * 1e6:.1f} µs of CPU for an exchange. docs/speed.md says what follows "
          "from that.")
    if not options.rate and busy < 1 - IDLE_MIN:
        print(f"It ran for {busy * 100:.0f} % of the time only. So the limit was the client, the machine or the disk, and not the\n"
              "server's CPU: on a quieter machine, or with more --connections, it does more.")


def say_lateness(result):
    late, p99 = result["late_p99_us"], result["p99_us"]
    print(f"The client itself sent late, by {late / 1000:.2f} ms in the 99th percentile; that is part of the times above.")
    if late > measure.LATE_MAX * p99:
        print("It is more than half of theirs, so p99 is the client's and not the server's: other programs took its CPU, or all\n"
              "connections were waiting. Run it again on a quieter machine, with more --connections or a lower --rate.")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", metavar="PATH", help="the obie-tokens binary, of which a sandbox is started")
    parser.add_argument("--url", help="a sandbox that is running: http://HOST:PORT. Load only what is yours")
    parser.add_argument("--store", choices=STORES, help="of the sandbox that is started; memory, if not given")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=int, default=0, help="exchanges a second; 0: as many as it can")
    options = parser.parse_args()
    if not options.server and not options.url:
        parser.error("give --server or --url")
    if options.url and (options.server or options.store):
        parser.error("--url is a sandbox that is running; --server and --store say what to start. Leave out one or the other")
    if options.url:
        check_url(parser, options.url)
    if options.server and not (os.path.isfile(options.server) and os.access(options.server, os.X_OK)):
        parser.error(f"{options.server} is not there, or is not a program; make release builds it")
    if min(options.seconds, options.connections) < 1 or options.rate < 0 or options.connections > 1024:
        parser.error("--seconds and --connections start at 1, --rate at 0; --connections ends at 1024")
    if options.url and options.seconds > CODE_SECONDS - 2 * SPARE_SECONDS:
        parser.error(f"codes of a sandbox live {CODE_SECONDS} s: with --url, --seconds ends at "
                     f"{CODE_SECONDS - 2 * SPARE_SECONDS}")
    return options


def check_url(parser, url):
    try:
        parts = urllib.parse.urlsplit(url)
        is_one = bool(parts.scheme == "http" and parts.hostname and parts.port != 0)
    except ValueError:  # a port that is none
        is_one = False
    if not is_one:
        parser.error(f"{url} is not http://HOST:PORT; TLS is measured by make tls-bench")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        parser.error(f"{url} has more than http://HOST:PORT; leave out the rest: the paths of the requests are known")


def stop(number, _):
    """As an exception it leaves every `with`, which stops what is running. Another signal would get in the way of that."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def prepare():
    """Makes the folder and the client."""
    if not shutil.which("cc"):
        print("load: there is no C compiler; this installs it: apt-get install gcc", file=sys.stderr)
        sys.exit(69)
    os.makedirs(measure.BUILD, exist_ok=True)
    if not os.access(measure.BUILD, os.W_OK):
        raise PermissionError(f"may not write in {measure.BUILD}")
    measure.compile_program("pace")


def advice(error, url):
    """What to do about it, where more is to be said than the error says."""
    if isinstance(error, PermissionError):
        return ". It keeps its files in the folder .build of this tree: run it as somebody who may write there"
    if url and isinstance(error, ConnectionRefusedError):
        return ". Is a sandbox running there? make run starts one"
    if url and isinstance(error, TimeoutError):
        return ". Nothing came from there in 10 s. Is it a sandbox, and not busy? make run starts one"
    if url and isinstance(error, OSError):
        return ". Is it a sandbox without TLS, on this address? make run starts one"
    return ""


def main():
    options = arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        prepare()
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="load-", dir=measure.BUILD))
            if options.url:
                server = Running(options.url)
            else:
                first, *others = sorted(os.sched_getaffinity(0))
                os.sched_setaffinity(0, others or {first})  # keeps off the server's CPU where there are two
                server = servers.Server(STORES[options.store or "memory"], os.path.abspath(options.server), folder,
                                        cpus={first})
            run(stack.enter_context(server), options, folder)
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        at = f" ({options.url})" if options.url else ""
        print(f"load: FAILED {error}{at}{advice(error, options.url)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
