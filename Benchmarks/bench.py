#!/usr/bin/env python3
"""How fast is obie-tokens, and how far is it from what the machine can do at all?

Three servers, each on CPU 0 with one thread, wrk on CPU 1, in turn, round after round: bare.c on libuv and nginx, which
both answer a constant 201 and are the ceilings, and obie-tokens. Prints a table per scenario and writes JSON. README.md
says how to read them. Exit status: 0; 1 where an answer was not a 201 or something broke; 69 where a tool is missing.
"""
import argparse
import json
import os
import platform
import re
import resource
import secrets
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import client
import servers

ROOT = os.path.dirname(servers.HERE)
BUILD = os.path.join(ROOT, ".build", "bench")
CEILINGS = ["nginx", "bare"]
DEPTHS = {"constant": 1, "exchange": 1, "exchange-pipelined": 16, "durable": 1}  # requests under way on a connection
DURABLE_CONNECTIONS = 256  # more than elsewhere: it is the batch that pays for a sync to disk

CODES_MAX = 2_000_000    # for one run; one that meets the end of them ends early and reports its true time
CODES_WARM_UP = 100_000  # the warm-up, too, ends early
CODES_MARGIN = 1.6       # codes made: so many times what the warm-up's speed would use
TABLE_NOISE = 0.05       # a run that lost more of a CPU to others gets a line under the table


def log(text):
    print(text, file=sys.stderr, flush=True)


def require_tools():
    """Ends with 69 (EX_UNAVAILABLE) where the machine lacks something, and says what to do about it."""
    packages = {"wrk": shutil.which("wrk"), "nginx-light": servers.NGINX, "gcc": shutil.which("cc"),
                "pkg-config": shutil.which("pkg-config"), "util-linux": shutil.which("taskset")}
    missing = [package for package, found in packages.items() if not found]
    if packages["pkg-config"] and subprocess.run(["pkg-config", "--exists", "libuv"], check=False).returncode:
        missing.append("libuv1-dev")
    if missing:
        log(f"bench: something is missing; this installs it:\n"
            f"    apt-get install --no-install-recommends -y {' '.join(missing)}")
        sys.exit(69)
    if not {0, 1} <= os.sched_getaffinity(0):
        log("bench: needs CPU 0 for the server and CPU 1 for wrk")
        sys.exit(69)


def compile_bare():
    """Compiles bare.c; returns the program's path."""
    program = os.path.join(BUILD, "bare")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libuv"], check=True, capture_output=True, text=True)
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", program, os.path.join(servers.HERE, "bare.c"),
                    *shlex.split(flags.stdout)], check=True)
    return program


def servers_of(scenario):
    """In the order of their turns."""
    return ["bare", "nginx", "obie-tokens"] + (["obie-tokens-sqlite"] if scenario == "durable" else [])


def fdatasync_microseconds(folder):
    """Median time to bring 4 KiB to the disk that the durable server writes to."""
    times = []
    with open(os.path.join(folder, "fdatasync"), "wb", buffering=0) as file:
        for _ in range(200):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1e6)
    return statistics.median(times)


def wrk_command(port, scenario, seconds, connections, folder, codes, check):
    """The request goes through a file; what the scripts take is said in their first lines."""
    request = os.path.join(folder, "request")
    depth = DEPTHS[scenario]
    with open(request, "wb") as file:
        file.write(client.constant_request() if scenario == "constant" else client.exchange_request())
    script, extra = ("constant.lua", []) if scenario == "constant" else ("exchange.lua", [codes, str(depth)])
    return ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
            "-s", os.path.join(servers.HERE, script), f"http://127.0.0.1:{port}",
            "--", request, str(connections), *extra, *(["check"] if check else [])]


def wrk_cpu_seconds():
    """CPU time of the children waited for so far: around a wrk run it is wrk's (loading its codes too), since
    the server is still running."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def load(server, arguments, seconds):
    """Runs wrk against a server and returns what it and /proc say. Raises on any bad answer."""
    user, system = server.cpu_seconds()
    busy = [servers.cpu_busy_seconds(n) for n in (0, 1)]
    wrk, own, began = wrk_cpu_seconds(), time.process_time(), time.monotonic()
    ended = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           timeout=seconds + 30, check=False)
    wall = time.monotonic() - began
    wrk, own = wrk_cpu_seconds() - wrk, time.process_time() - own
    busy = [servers.cpu_busy_seconds(n) - before for n, before in zip((0, 1), busy)]
    user, system = (after - before for after, before in zip(server.cpu_seconds(), (user, system)))

    found = re.search(r"^RESULT (.*)$", ended.stdout, re.M)
    if ended.returncode or not found:
        raise RuntimeError(f"wrk ended with {ended.returncode}: {ended.stdout[-800:]}")
    result = json.loads(found[1])
    count, took = result["requests"], result["seconds"]
    faults = [f"{result[key]} {key}" for key in ("status_errors", "socket_errors", "timeouts") if result[key]]
    if faults or not count:
        raise RuntimeError(f"{', '.join(faults) or 'no answer'}; {count} answers: {server.log()}")
    return result | {
        "requests_per_second": count / took,
        "cpu_us": (user + system) / count * 1e6, "user_us": user / count * 1e6, "system_us": system / count * 1e6,
        "server_cpu_share": (user + system) / took, "wrk_cpu_share": wrk / took,
        "others_cpu0_share": max(0.0, busy[0] - user - system) / wall,
        "others_cpu1_share": max(0.0, busy[1] - wrk - own) / wall,
        "answer_bytes": result["bytes"] / count, "resident_bytes": server.resident_bytes()}


def turn(name, program, scenario, options, folder, any_codes):
    """One fresh start of one server: check, codes, warm-up (which looks at every status), codes, measurement."""
    def run(seconds, codes, check):
        connections = DURABLE_CONNECTIONS if scenario == "durable" else options.connections
        command = wrk_command(server.port, scenario, seconds, connections, folder, codes, check)
        return load(server, command, seconds)

    made, codes = 0, any_codes
    with servers.Server(name, program, folder) as server:
        needs_codes = name not in CEILINGS and scenario != "constant"
        if name not in CEILINGS:
            client.check_exchange(server.port)
        if needs_codes:
            codes = os.path.join(folder, "codes")
            made = CODES_WARM_UP
            client.make_codes(server.port, made, codes)
        warm = run(1, codes, check=True)
        if needs_codes:
            count = int(warm["requests_per_second"] * options.seconds * CODES_MARGIN) + 2 * options.connections * 16
            made += min(CODES_MAX, count)
            client.make_codes(server.port, min(CODES_MAX, count), codes)
        time.sleep(0.3)  # let both CPUs come to rest
        result = run(options.seconds, codes, check=False) | {"codes_made": made}
    if found := re.search(r"(\d+) a batch, (\d+) us a commit", server.log()):  # said when it stops
        result |= {"batch": int(found[1]), "commit_us": int(found[2])}
    return result


def summary(runs, ceilings):
    """Median, least and most of each figure; ratios are taken round by round, then their median."""
    figures = {key: {"median": statistics.median(values), "min": min(values), "max": max(values)}
               for key in runs[0] if key != "ran_out" and (values := [r[key] for r in runs])}
    for name, others in ceilings.items():
        for key in ("requests_per_second", "cpu_us"):
            ratios = [a[key] / max(b[key], 1e-9) for a, b in zip(runs, others)]
            figures[f"{key}_to_{name}"] = {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}
    return figures


def spread(figure, text, scale=1.0):
    """A figure as `median (min–max)`."""
    return "{} ({}–{})".format(*(format(figure[key] * scale, text) for key in ("median", "min", "max")))


def table(figures, runs):
    """The scenario in markdown."""
    lines = ["| server | requests/s | × nginx | × bare | CPU µs/request | user + system | CPU × nginx | CPU × bare "
             "| p50 ms | p99 ms | server / wrk CPU | RSS MiB |", "|---|" + "---:|" * 11]
    for name, f in figures.items():
        def median(key, f=f):
            return f[key]["median"]
        cells = [name, spread(f["requests_per_second"], ",.0f"),
                 *(f"{median(f'requests_per_second_to_{ceiling}'):.2f}" for ceiling in CEILINGS),
                 spread(f["cpu_us"], ".2f"), f"{median('user_us'):.2f} + {median('system_us'):.2f}",
                 *(f"{median(f'cpu_us_to_{ceiling}'):.2f}" for ceiling in CEILINGS),
                 spread(f["p50_us"], ".2f", 1e-3), spread(f["p99_us"], ".2f", 1e-3),
                 f"{median('server_cpu_share') * 100:.0f} / {median('wrk_cpu_share') * 100:.0f} %",
                 f"{median('resident_bytes') / 2**20:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    every = [r for rounds in runs.values() for r in rounds]
    noise = [max(r[f"others_cpu{number}_share"] for r in every) for number in (0, 1)]
    if max(noise) > TABLE_NOISE:
        lines += ["", f"Disturbed: other processes took up to {noise[0] * 100:.0f} % of CPU 0 and "
                      f"{noise[1] * 100:.0f} % of CPU 1 during a run."]
    return "\n".join(lines)


def durability(runs, folder):
    """What a sync before every 201 costs."""
    disk = runs["obie-tokens-sqlite"]
    ratios = [a["requests_per_second"] / b["requests_per_second"] for a, b in zip(disk, runs["obie-tokens"])]
    return (f"On disk {statistics.median(ratios):.2f} of in memory ({min(ratios):.2f}–{max(ratios):.2f}); "
            f"{statistics.median(r['batch'] for r in disk):.0f} changes a batch, "
            f"{statistics.median(r['commit_us'] for r in disk):.0f} us a commit; fdatasync of 4 KiB takes "
            f"{fdatasync_microseconds(folder):.0f} us on this disk.")


def measure(scenario, options, programs, folder, any_codes):
    """All rounds of one scenario, the servers in turn within each; returns their runs by server."""
    runs = {name: [] for name in servers_of(scenario)}
    for number in range(1, options.rounds + 1):
        for name in runs:
            label = f"{scenario} {number}/{options.rounds} {name}"
            log(label)
            try:
                r = turn(name, programs[name], scenario, options, folder, any_codes)
            except (OSError, ValueError, RuntimeError, subprocess.SubprocessError) as error:
                raise RuntimeError(f"{label}: {error}") from error
            runs[name].append(r)
            log(f"    {r['requests_per_second']:,.0f}/s  {r['cpu_us']:.2f} us CPU  p50 {r['p50_us'] / 1000:.2f} ms  "
                f"p99 {r['p99_us'] / 1000:.2f} ms  others {r['others_cpu0_share'] * 100:.0f} / "
                f"{r['others_cpu1_share'] * 100:.0f} %{'  (codes used up)' if r['ran_out'] else ''}")
    return runs


def machine():
    """CPU model, cores, kernel, date: a figure means nothing without them."""
    with open("/proc/cpuinfo") as file:
        model = re.search(r"^model name\s*: (.*)$", file.read(), re.M)
    return (f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, {platform.system()} "
            f"{platform.release()}, {time.strftime('%Y-%m-%d %H:%M')}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary (a release build)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--scenario", choices=["all", *DEPTHS], default="all")
    parser.add_argument("--json", metavar="FILE", default=os.path.join(ROOT, ".build", "bench.json"))
    options = parser.parse_args()
    if min(options.rounds, options.seconds, options.connections) < 1:
        parser.error("--rounds, --seconds and --connections start at 1")
    if not os.access(options.server, os.X_OK):
        parser.error(f"{options.server} is not there, or is not a program")
    return options


def bench(options):
    for folder in (BUILD, os.path.dirname(os.path.abspath(options.json))):
        os.makedirs(folder, exist_ok=True)
    program = os.path.abspath(options.server)
    programs = {"bare": compile_bare(), "nginx": servers.NGINX, "obie-tokens": program, "obie-tokens-sqlite": program}
    os.sched_setaffinity(0, {1})  # this program, too, keeps off the server's CPU
    scenarios = list(DEPTHS) if options.scenario == "all" else [options.scenario]
    out = {"machine": machine(), "options": vars(options), "scenarios": {}}
    print(f"{out['machine']}; server on CPU 0, wrk on CPU 1, {options.connections} connections, "
          f"{options.rounds} rounds of {options.seconds} s", flush=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=BUILD) as folder:
        any_codes = os.path.join(folder, "any-codes")  # for the ceilings, which do not look
        digits = secrets.token_hex(CODES_MAX * client.CODE_LENGTH // 2)
        with open(any_codes, "w") as file:
            file.writelines(digits[i:i + client.CODE_LENGTH] + "\n" for i in range(0, len(digits), client.CODE_LENGTH))
        for scenario in scenarios:
            runs = measure(scenario, options, programs, folder, any_codes)
            figures = {name: summary(runs[name], {c: runs[c] for c in CEILINGS}) for name in runs}
            out["scenarios"][scenario] = {"summary": figures, "rounds": runs}
            print(f"\n### {scenario}\n\n{table(figures, runs)}", flush=True)
            if scenario == "durable":
                print(f"\n{durability(runs, folder)}", flush=True)
    with open(options.json, "w") as file:
        json.dump(out, file, indent=1)


def main():
    options = arguments()
    require_tools()
    for number in (signal.SIGTERM, signal.SIGHUP):  # as with Ctrl-C: leave every `with`, which stops what is running
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    try:
        bench(options)
    except KeyboardInterrupt:
        return 130
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        log(f"bench: FAILED {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
