#!/usr/bin/env python3
"""How fast is obie-tokens, and how far is it from what the machine can do at all?

The servers run on CPU 0 with one thread, their client on CPU 1, in turn, round after round: bare.c on libuv and nginx,
which both answer a constant 201 and are the ceilings, and obie-tokens. Prints a table per scenario, at the end what is
promised, and writes JSON. README.md says how to read them. Exit status: 0, whether promises hold or not; 1 where an
answer was not the right one or something broke; 69 where a tool is missing.
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

import memory
import scenarios
import servers
import shared_store
import startup
from measure import BUILD, OWN, ROOT, compile_program, log, require_tools, summary, table
from servers import client

IDLE, MILLION, START = "idle", "million", "start-up"
NAMES = [*scenarios.LOADS, IDLE, MILLION, START]
HALF_RATE_P99_MAX = 2  # times bare's
LATE_MAX = 0.5  # of the p99: where the client was later in sending, the p99 is the client's
MILLION_MB_MAX = 60
START_MS_MAX = {"obie-tokens": 15, "obie-tokens-sqlite": 30}
STRIPPED_MB_MAX = 12


def in_turn(name, options, names, one):
    """All rounds of one scenario, the servers in turn within each; returns their runs by server."""
    runs = {server: [] for server in names}
    for number in range(1, options.rounds + 1):
        for server in runs:
            label = f"{name} {number}/{options.rounds} {server}"
            log(label)
            try:
                runs[server].append(one(server, runs))
            except (OSError, ValueError, RuntimeError, subprocess.SubprocessError) as error:
                raise RuntimeError(f"{label}: {error}") from error
    return runs


def measure(name, options, programs, folder, values):
    """(runs, figures, what to print) of one scenario."""
    def loaded(server, runs):
        rate = None
        if server == servers.SHARED:
            return shared_store.turn(programs[server], options, folder, values)
        if name == "half-rate" and server not in OWN:
            rate = runs["obie-tokens"][-1]["rate"]
        return scenarios.turn(server, programs[server], name, options, folder, values, rate)

    if name == IDLE:
        count = memory.idle_connections(options.idle)
        runs = in_turn(name, options, ["bare", "nginx", "obie-tokens"],
                       lambda server, _: memory.idle(server, programs[server], folder, count))
        return runs, (figures := summary(runs)), memory.idle_table(figures)
    if name == MILLION:
        once = argparse.Namespace(rounds=1)
        runs = in_turn(name, once, memory.MILLION, lambda server, _: memory.million(
            server, programs[server], folder, options.exchanges, values.any[client.CODE_LENGTH]))
        return runs, (figures := summary(runs)), memory.million_table(figures)
    if name == START:
        log(f"{name}: {startup.STARTS} of each server")
        runs = startup.start_all(programs, folder)
        return runs, (figures := summary(runs)), startup.startup_table(figures)
    names = [server for server in scenarios.LOADS[name].servers if server != servers.SHARED or shared_store.is_here()]
    runs = in_turn(name, options, names, loaded)
    figures = summary(runs, ("p99_us",) if name == "half-rate" else ("requests_per_second", "cpu_us"))
    text = (scenarios.half_rate_table if name == "half-rate" else scenarios.load_table)(figures, runs)
    if name == "durable":
        text += f"\n\n{scenarios.durability(runs, folder)}"
    if servers.SHARED in runs:
        figures[servers.SHARED] |= shared_store.beside(runs)
        text += f"\n\n{shared_store.sentence(figures[servers.SHARED])}"
    if servers.PRODUCTION in runs:
        text += f"\n\n{scenarios.beside_sandbox(runs)}"
    return runs, figures, text


def promises(figures, stripped):
    """What is promised and was measured: dictionaries with what, measured, most or least, unit, holds (None: cannot be
    told)."""
    found = []

    def add(what, measured, bound, unit, told=True, is_least=False):
        holds = (measured >= bound if is_least else measured <= bound) if told else None
        found.append({"what": what, "measured": measured, "least" if is_least else "most": bound, "unit": unit,
                      "holds": holds})

    if "half-rate" in figures:
        ratio = figures["half-rate"]["obie-tokens"]["p99_us_to_bare"]["median"]
        late = max(figures["half-rate"][name]["late_p99_us"]["median"] / figures["half-rate"][name]["p99_us"]["median"]
                   for name in ("obie-tokens", "bare"))
        add("p99 at half of the maximum rate", ratio, HALF_RATE_P99_MAX, "× bare", late <= LATE_MAX)
    if shared := figures.get("durable", {}).get(servers.SHARED):
        add("durable exchanges, PostgreSQL", shared["rate_to_sqlite"]["median"], shared_store.RATE_LEAST, "× SQLite",
            is_least=True)
        add("server's CPU per exchange, PostgreSQL", shared["cpu_to_memory"]["median"], shared_store.CPU_MOST, "× memory")
        add("p99 of durable exchanges, PostgreSQL", shared["p99_us"]["median"] / 1000, shared_store.P99_US_MOST / 1000, "ms")
    if MILLION in figures:
        after = figures[MILLION]["obie-tokens-sqlite"]
        add(f"RSS after {after['exchanges']['median']:,} exchanges, SQLite store",
            after["resident_bytes"]["median"] / 1e6, MILLION_MB_MAX, "MB")
    for name, most in START_MS_MAX.items():
        if START in figures:
            store = "SQLite" if name == "obie-tokens-sqlite" else "memory"
            add(f"start to the first answer, {store} store", figures[START][name]["ready_ms"]["median"], most, "ms")
    add("program, stripped", stripped / 1e6, STRIPPED_MB_MAX, "MB")
    return found


def promise_table(found):
    words = {True: "yes", False: "NO", None: "not to be told: the client was late"}
    return table(["promised", "measured", "bound", "holds"], [
        [p["what"], f"{p['measured']:.2f} {p['unit']}",
         f"at {'least' if 'least' in p else 'most'} {p.get('least', p.get('most'))} {p['unit']}", words[p["holds"]]]
        for p in found])


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
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement under load")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--idle", type=int, default=10_000, help="connections of that scenario")
    parser.add_argument("--exchanges", type=int, default=1_000_000, help=f"of the scenario {MILLION}")
    parser.add_argument("--scenario", choices=["all", *NAMES], default="all")
    parser.add_argument("--json", metavar="FILE", default=os.path.join(ROOT, ".build", "bench.json"))
    options = parser.parse_args()
    if min(options.rounds, options.seconds, options.connections, options.idle, options.exchanges) < 1:
        parser.error("numbers start at 1")
    if options.connections > 1024:
        parser.error("--connections ends at 1024")
    if not os.access(options.server, os.X_OK):
        parser.error(f"{options.server} is not there, or is not a program")
    return options


def bench(options):
    for folder in (BUILD, os.path.dirname(os.path.abspath(options.json))):
        os.makedirs(folder, exist_ok=True)
    program, began = os.path.abspath(options.server), time.monotonic()
    programs = {"bare": compile_program("bare", servers.CEILINGS_FOLDER, "libuv"), "nginx": servers.NGINX,
                **{name: program for name in OWN}}
    for name in ("pace", "connect"):
        compile_program(name)
    os.sched_setaffinity(0, {1})  # this program, too, keeps off the server's CPU
    out = {"machine": machine(), "options": vars(options), "scenarios": {}}
    print(f"{out['machine']}; server on CPU 0, client on CPU 1, {options.connections} connections, "
          f"{options.rounds} rounds of {options.seconds} s", flush=True)
    figures = {}
    with tempfile.TemporaryDirectory(prefix="run-", dir=BUILD) as folder:
        values = scenarios.Values(folder)
        for name in NAMES if options.scenario == "all" else [options.scenario]:
            runs, figures[name], text = measure(name, options, programs, folder, values)
            out["scenarios"][name] = {"summary": figures[name], "rounds": runs}
            title = scenarios.LOADS[name].title if name in scenarios.LOADS else name
            print(f"\n### {title}\n\n{text}", flush=True)
        out["promises"] = promises(figures, startup.stripped_bytes(program, folder))
    print(f"\n### promises\n\n{promise_table(out['promises'])}", flush=True)
    log(f"took {time.monotonic() - began:.0f} s")
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
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
        log(f"bench: FAILED {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
