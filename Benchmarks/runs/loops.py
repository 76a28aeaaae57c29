#!/usr/bin/env python3
"""Do two event loops get into each other's way?

    Benchmarks/runs/loops.py --server .build/release/obie-tokens [--rounds 3] [--seconds 4]

Exchanges with the memory store: on two loops of one server, and on two servers with one loop each, which share nothing, in
turn. Servers and clients share both CPUs, so requests per second say little here and CPU time per exchange says all: a
lock that two loops wait for, or memory that they pull from each other, would make the one server dearer than the two.
Each loop keeps to a CPU of its own, and on each CPU two clients ask, half of whose connections are those of the loop there:
answers over loopback cost more from one CPU to the other, and without that two servers would have each client to itself.
Where perf is installed, also the share of the profile that stands in locks and in waiting for them.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import servers
import turns
from measure import require_tools
from servers import client

CODES = 300_000  # of each client
CLIENTS, CONNECTIONS = 4, 16
LOCKS = re.compile(r"futex|lll_lock|pthread_mutex|sem_wait|sem_post|MutexV|_MutexHandle|lockSlow", re.I)


def profile(pid, seconds, path):
    """Starts perf on a process; returns what to wait for."""
    return subprocess.Popen(["perf", "record", "-q", "-o", path, "-p", str(pid), "--", "sleep", str(seconds)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def lock_share(path):
    """Per cent of the samples."""
    report = subprocess.run(["perf", "report", "-i", path, "--no-children", "-F", "overhead,symbol", "--stdio"],
                            capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^\s*([\d.]+)%\s+\[.\]\s+(.*)$", report, re.M)
    return sum(float(share) for share, symbol in found if LOCKS.search(symbol))


def keep_to_cpus(running):
    """Each event loop of these servers to a CPU of its own."""
    threads = [int(thread) for server in running for thread in sorted(os.listdir(f"/proc/{server.process.pid}/task"), key=int)
               if pathlib.Path(f"/proc/{server.process.pid}/task/{thread}/comm").read_text().startswith("loop ")]
    for cpu, thread in enumerate(threads):
        os.sched_setaffinity(thread, {cpu})


def measure(program, folder, count, seconds):
    """CPU microseconds an exchange with so many servers, which have two loops together; as many clients either way."""
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(servers.Server("obie-tokens", program, folder, loops=2 // count, cpus={0, 1}))
                   for _ in range(count)]
        keep_to_cpus(running)
        commands = []
        for number in range(CLIENTS):
            server, codes = running[number % count], os.path.join(folder, f"codes-{number}")
            client.make_codes(server.port, CODES, codes)
            command = turns.load_command(server, "exchange", seconds, CONNECTIONS, folder, codes)
            commands.append(["taskset", "-c", str(number // 2), *command[command.index("wrk"):]])
        path = os.path.join(folder, "perf")
        watch = profile(running[0].process.pid, seconds, path) if shutil.which("perf") else None
        before = [server.cpu_seconds() for server in running]
        clients = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
        results = [json.loads(re.search(r"^RESULT (.*)$", c.communicate(timeout=seconds + 30)[0], re.M)[1])
                   for c in clients]
        used = [(u1 - u0, s1 - s0) for (u0, s0), (u1, s1) in zip(before, (s.cpu_seconds() for s in running))]
        requests = sum(r["requests"] for r in results)
        if any(r["status_errors"] or r["socket_errors"] or r["timeouts"] for r in results):
            raise RuntimeError("an exchange was refused")
        found = {"requests_per_second": sum(r["requests"] / r["seconds"] for r in results),
                 "cpu_us": sum(map(sum, used)) / requests * 1e6, "user_us": sum(u for u, _ in used) / requests * 1e6}
        if watch:
            watch.wait()
            found["locks"] = lock_share(path)
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary (a release build)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    options = parser.parse_args()
    require_tools()
    runs = {2: [], 1: []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for count, found in runs.items():
                print(f"loops: round {number + 1} of {options.rounds}, {count} at a time", file=sys.stderr, flush=True)
                found.append(measure(options.server, folder, count, options.seconds))
    for count, found in runs.items():
        median = {key: statistics.median(r[key] for r in found) for key in found[0]}
        name = "one server with two loops" if count == 1 else "two servers with a loop each"
        locks = f", {median['locks']:.2f} % of the profile in locks" if "locks" in median else ""
        print(f"loops: {name}: {median['requests_per_second']:,.0f} exchanges/s, {median['cpu_us']:.2f} us CPU "
              f"({median['user_us']:.2f} user){locks}")
    ratios = [one["cpu_us"] / two["cpu_us"] for one, two in zip(runs[1], runs[2])]
    print(f"loops: in one server they take {statistics.median(ratios):.2f} of the CPU time of two that share nothing "
          f"({min(ratios):.2f} to {max(ratios):.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
