#!/usr/bin/env python3
"""How fast is obie-tokens, and how far is it from what the machine can do at all?

The servers run on CPU 0 with one thread, their client on CPU 1, in turn, round after round: bare.c on libuv and nginx,
which both answer a constant 201 and are the ceilings, and obie-tokens; with --beside, another program that does the
exchange, too. Prints a table per scenario, at the end what is promised, and writes JSON and, beside it, the table of
docs/speed.md. README.md says how to read them. Exit status: 0, whether promises hold or not; 1 where an answer was not
the right one or something broke; 69 where a tool is missing.
"""
import argparse
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time

import handshakes
import memory
import promises
import scenarios
import servers
import shared_store
import startup
import tables
import turns
from measure import BUILD, ROOT, compile_program, log, require_tools, summary
from promises import IDLE, MILLION, START
from servers import client

NEW_TLS = "new-tls-connection"
TITLES = {**{name: load.title for name, load in scenarios.LOADS.items()}, NEW_TLS: "new TLS connection, full and resumed",
          IDLE: "idle connections", MILLION: "many exchanges", START: "start"}
USUAL = [name for name in scenarios.LOADS if name not in scenarios.ON_REQUEST]
USUAL.insert(USUAL.index("new-connection") + 1, NEW_TLS)
USUAL += [IDLE, MILLION, START]
# rounds, seconds, idle connections, exchanges of the scenario million, values of a run, of a warm-up, tokens
FULL = (3, 2, 10_000, 1_000_000, 320_000, 60_000, 100_000)  # to make more values would take longer than to use them
QUICK = (1, 1, 2_000, 100_000, 150_000, 20_000, 20_000)


def in_turn(name, rounds, names, one):
    """All rounds of one scenario, the rows in turn within each; returns their runs by row."""
    runs = {row: [] for row in names}
    for number in range(1, rounds + 1):
        for row in runs:
            label = f"{name} {number}/{rounds} {row}"
            log(label)
            try:
                runs[row].append(one(row, runs))
            except (OSError, ValueError, RuntimeError, subprocess.SubprocessError) as error:
                raise RuntimeError(f"{label}: {error}") from error
    return runs


def measure_resting(name, options, programs, folder, values):
    """(runs, figures, what to print) of a scenario that is not under load."""
    if name == IDLE:
        count = memory.idle_connections(options.idle)
        runs = in_turn(name, options.rounds, ["bare", "nginx", "obie-tokens"],
                       lambda server, _: memory.idle(server, programs[server], folder, count))
        return runs, (figures := summary(runs)), memory.idle_table(figures)
    if name == MILLION:
        runs = in_turn(name, 1, memory.MILLION, lambda server, _: memory.million(
            server, programs[server], folder, options.exchanges, values.any[client.CODE_LENGTH]))
        return runs, (figures := summary(runs)), memory.million_table(figures)
    log(f"{name}: {startup.STARTS} of each server")
    runs = startup.start_all(programs, folder)
    return runs, (figures := summary(runs)), startup.startup_table(figures)


def measure_load(name, options, programs, folder, values):
    """(runs, figures, what to print) of a scenario under load."""
    def loaded(row, runs):
        if name == NEW_TLS:
            server, resumes = handshakes.NEW_TLS[row]
            return handshakes.measure(server, programs[server], options, folder, resumes=resumes)
        program, rate = programs[scenarios.ROWS[row].server], None
        if row == servers.SHARED:
            return shared_store.turn(program, options, folder, values)
        if name == "half-rate" and row != scenarios.MEMORY:
            rate = runs[scenarios.MEMORY][-1]["rate"]
        return turns.turn(row, program, name, options, folder, values, rate)

    if name == NEW_TLS:
        handshakes.make_certificates(folder)
        client.TLS = handshakes.client_context(folder)
    try:
        rows = handshakes.NEW_TLS if name == NEW_TLS else [
            row for row in scenarios.LOADS[name].rows if scenarios.ROWS[row].server in programs]
        runs = in_turn(name, options.rounds, rows, loaded)
    finally:
        client.TLS = None
    figures = summary(runs, ("p99_us",) if name == "half-rate" else ("requests_per_second", "cpu_us"))
    text = (tables.half_rate_table if name == "half-rate" else tables.load_table)(figures, runs)
    return runs, figures, text + tables.below(name, runs, folder)


def machine():
    """CPU model, cores, kernel, date: a figure means nothing without them."""
    with open("/proc/cpuinfo") as file:
        model = re.search(r"^model name\s*: (.*)$", file.read(), re.M)
    return (f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, {platform.system()} "
            f"{platform.release()}, {time.strftime('%Y-%m-%d %H:%M')}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary (a release build)")
    parser.add_argument("--beside", metavar="PATH", help="another program that does the exchange, to be measured in the "
                        "same rounds; it is started with PORT SECONDS, the second being how long codes live")
    parser.add_argument("--quick", action="store_true", help="all scenarios in under four minutes: one round of 1 s each")
    parser.add_argument("--rounds", type=int, help="3, or 1 with --quick")
    parser.add_argument("--seconds", type=int, help="of each measurement under load: 2, or 1 with --quick")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--idle", type=int, help="connections of that scenario")
    parser.add_argument("--exchanges", type=int, help=f"of the scenario {MILLION}")
    parser.add_argument("--scenario", action="append", choices=["all", *TITLES], help="may come several times")
    parser.add_argument("--json", metavar="FILE", default=os.path.join(ROOT, ".build", "bench.json"))
    options = parser.parse_args()
    for key, value in zip(("rounds", "seconds", "idle", "exchanges", "values", "warm_up", "tokens"),
                          QUICK if options.quick else FULL):
        if getattr(options, key, None) is None:
            setattr(options, key, value)
    if min(options.rounds, options.seconds, options.connections, options.idle, options.exchanges) < 1:
        parser.error("numbers start at 1")
    if options.connections > 1024:
        parser.error("--connections ends at 1024")
    for program in filter(None, (options.server, options.beside)):
        if not os.access(program, os.X_OK):
            parser.error(f"{program} is not there, or is not a program")
    return options


def all_programs(options):
    """What there is to measure, by server."""
    own = os.path.abspath(options.server)
    programs = {"bare": compile_program("bare", servers.CEILINGS_FOLDER, "libuv"), "nginx": servers.NGINX,
                **dict.fromkeys((scenarios.MEMORY, scenarios.SANDBOX_ON_DISK, servers.PRODUCTION), own)}
    if options.beside:
        programs[servers.BESIDE] = os.path.abspath(options.beside)
    if shared_store.is_here():
        programs[servers.SHARED] = own
    return programs


def bench(options):
    for folder in (BUILD, os.path.dirname(os.path.abspath(options.json))):
        os.makedirs(folder, exist_ok=True)
    began, programs = time.monotonic(), all_programs(options)
    for name in ("pace", "connect"):
        compile_program(name)
    os.sched_setaffinity(0, {1})  # this program, too, keeps off the server's CPU
    out = {"machine": machine(), "options": vars(options), "scenarios": {}}
    print(f"{out['machine']}; server on CPU 0, client on CPU 1, {options.connections} connections, "
          f"{options.rounds} rounds of {options.seconds} s", flush=True)
    asked = options.scenario or ["all"]
    with tempfile.TemporaryDirectory(prefix="run-", dir=BUILD) as folder:
        values = turns.Values(folder, options.values, options.warm_up, options.tokens)
        for name in USUAL if "all" in asked else asked:
            measured = measure_resting if name in (IDLE, MILLION, START) else measure_load
            runs, figures, text = measured(name, options, programs, folder, values)
            out["scenarios"][name] = {"title": TITLES[name], "summary": figures, "rounds": runs}
            print(f"\n### {TITLES[name]}\n\n{text}", flush=True)
        stripped = startup.stripped_bytes(programs[scenarios.MEMORY], folder)
    out["promises"] = promises.judge({name: found["rounds"] for name, found in out["scenarios"].items()}, stripped)
    print(f"\n### promises\n\n{promises.promise_table(out['promises'])}", flush=True)
    log(f"took {time.monotonic() - began:.0f} s")
    with open(options.json, "w") as file:
        json.dump(out, file, indent=1)
    with open(f"{options.json.removesuffix('.json')}.md", "w") as file:
        file.write(tables.document(out))


def main():
    options = arguments()
    require_tools()
    for number in (signal.SIGTERM, signal.SIGHUP):  # as with Ctrl-C: leave every `with`, which stops what is running
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    try:
        bench(options)
    except KeyboardInterrupt:
        return 130
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        log(f"bench: FAILED {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
