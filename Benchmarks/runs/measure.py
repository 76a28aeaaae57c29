"""What the measurements have in common: the tools they need, one load on a server, figures over rounds, tables."""
import json
import os
import re
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import time

import servers

ROOT = os.path.dirname(servers.BENCHMARKS)
BUILD = os.path.join(ROOT, ".build", "bench")
CEILINGS = ["nginx", "bare"]
TABLE_NOISE = 0.05  # a run that lost more of a CPU to others gets a line under the table
LATE_MAX = 0.5  # of the p99: where the client was later in sending, the p99 is the client's


def log(text):
    print(text, file=sys.stderr, flush=True)


def require_tools():
    """Ends with 69 (EX_UNAVAILABLE) where the machine lacks something, and says what to do about it."""
    packages = {"wrk": shutil.which("wrk"), "nginx-light": servers.NGINX, "gcc": shutil.which("cc"),
                "binutils": shutil.which("strip"), "pkg-config": shutil.which("pkg-config"),
                "util-linux": shutil.which("taskset")}
    missing = [package for package, found in packages.items() if not found]
    if packages["pkg-config"] and subprocess.run(["pkg-config", "--exists", "libuv"], check=False).returncode:
        missing.append("libuv1-dev")
    if missing:
        log(f"bench: something is missing; this installs it:\n"
            f"    apt-get install --no-install-recommends -y {' '.join(missing)}")
        sys.exit(69)
    if not {0, 1} <= os.sched_getaffinity(0):
        log("bench: needs CPU 0 for the server and CPU 1 for the client")
        sys.exit(69)


def program_path(name):
    """Where compile_program puts a program."""
    return os.path.join(BUILD, name)


def compile_program(name, folder=servers.CLIENTS_FOLDER, library=None):
    """Compiles one of the C files of the folder; returns the program's path."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", library], check=True, capture_output=True,
                           text=True).stdout if library else ""
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", program_path(name),
                    os.path.join(folder, f"{name}.c"), *shlex.split(flags)], check=True)
    return program_path(name)


def client_cpu_seconds():
    """CPU time of the children waited for so far: around a load it is the client's (loading its codes too), since
    the server is still running."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def load(server, arguments, seconds, databases=()):
    """Runs a client against a server and returns what it and /proc say. Raises on any bad answer. databases: the pids of
    those that the server asks, and of their standbys: they take their CPU for it, wherever they find it."""
    def used_by_databases():
        return sum(sum(servers.tree_cpu_seconds(pid)) for pid in databases)

    (user, system), ran = server.cpu_seconds(), server.ran_seconds()
    of_databases = used_by_databases()
    busy = [servers.cpu_busy_seconds(n) for n in (0, 1)]
    others, own, began = client_cpu_seconds(), time.process_time(), time.monotonic()
    ended = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           timeout=seconds + 30, check=False)
    wall = time.monotonic() - began
    used, own = client_cpu_seconds() - others, time.process_time() - own
    busy = [servers.cpu_busy_seconds(n) - before for n, before in zip((0, 1), busy)]
    user, system = (after - before for after, before in zip(server.cpu_seconds(), (user, system)))
    ran = server.ran_seconds() - ran
    of_databases = used_by_databases() - of_databases
    foreign = [busy[0] - ran, busy[1] - used - own]
    if databases or len(server.cpus) > 1:
        foreign = [(sum(foreign) - of_databases) / 2] * 2
    user_share = user / ((user + system) or 1)

    found = re.search(r"^RESULT (.*)$", ended.stdout, re.M)
    if ended.returncode or not found:
        raise RuntimeError(f"the client ended with {ended.returncode}: {ended.stdout[-800:]}")
    result = json.loads(found[1])
    count, took = result["requests"], result["seconds"]
    faults = [f"{result[key]} {key}" for key in ("status_errors", "socket_errors", "timeouts") if result[key]]
    if faults or not count:
        raise RuntimeError(f"{', '.join(faults) or 'no answer'}; {count} answers: {server.log()}")
    return result | {
        "requests_per_second": count / took,
        "cpu_us": ran / count * 1e6, "user_us": ran * user_share / count * 1e6,
        "system_us": ran * (1 - user_share) / count * 1e6,
        **({"database_us": of_databases / count * 1e6} if databases else {}),
        "server_cpu_share": ran / took, "client_cpu_share": used / took,
        **{f"others_cpu{number}_share": max(0.0, foreign[number]) / wall for number in (0, 1)},
        "answer_bytes": result["bytes"] / count, "resident_bytes": server.resident_bytes()}


def figure(values):
    """Median, least and most."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summary(runs, ratios=()):
    """Each figure of each server's runs. Ratios to the ceilings are taken round by round, then their median."""
    result = {}
    for name, own in runs.items():
        result[name] = {key: figure([r[key] for r in own]) for key in own[0] if key != "ran_out"}
        for key in ratios:
            for ceiling in (c for c in CEILINGS if c in runs):
                result[name][f"{key}_to_{ceiling}"] = figure(
                    [a[key] / max(b[key], 1e-9) for a, b in zip(own, runs[ceiling])])
    return result


def ratios(runs, row, other, key):
    """Of a figure of one row to that of another, round by round."""
    return [a[key] / max(b[key], 1e-9) for a, b in zip(runs[row], runs[other], strict=True)]


def spread(values, text, scale=1.0):
    """A figure as `median (min–max)`."""
    return "{} ({}–{})".format(*(format(values[key] * scale, text) for key in ("median", "min", "max")))


def table(head, rows):
    """In markdown; the first column holds words."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def disturbance(runs):
    """A line for under the table where other processes took part, else nothing."""
    every = [r for rounds in runs.values() for r in rounds]
    noise = [max(r[f"others_cpu{number}_share"] for r in every) for number in (0, 1)]
    if max(noise) <= TABLE_NOISE:
        return ""
    return (f"\n\nDisturbed: other processes took up to {noise[0] * 100:.0f} % of CPU 0 and "
            f"{noise[1] * 100:.0f} % of CPU 1 during a run.")
