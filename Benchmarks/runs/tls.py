#!/usr/bin/env python3
"""What does TLS in the process cost? Beside nginx with the same certificate (P-256), TLS 1.3, no tickets, in turn.

    Benchmarks/runs/tls.py --server .build/release/obie-tokens [--rounds 5] [--seconds 3]

The server has one event loop and CPU 0, the client has CPU 1. Kept connections: exchanges with varying heads against
nginx's constant answer, 64 connections; pipelined 16 deep. Handshakes: `openssl s_time`, each connection a full handshake
and one request; again with a client certificate. Memory: RSS of 1,000 idle connections. Storm: two kept connections ask,
one request at a time each, while four clients make nothing but handshakes. Each turn is a fresh server, ratios are taken
within a round, then their median. Exit status: 0; 1 where a ratio misses what is promised (LIMITS) or something broke; 69
where a tool is missing.
"""
import contextlib
import os
import statistics
import sys
import tempfile
import threading
import time

import handshakes
import memory
import servers
import turns
from measure import BUILD, compile_program, disturbance, figure, log, ratios, spread, table
from servers import client

NAMES = ("nginx", "obie-tokens")
# What obie-tokens has of nginx: (figure, at most or at least, that much).
LIMITS = {
    "kept": ("cpu_us", "at most", 1.05), "pipelined": ("requests_per_second", "at least", 4.0),
    "handshake": ("cpu_us", "at most", 1.0), "client certificate": ("cpu_us", "at most", 0.9),
    "idle": ("bytes_per_connection", "at most", 1.05), "storm": ("p99_us", "at most", 1.5)}
IDLE_CONNECTIONS = 1000
STORM_CLIENTS, STORM_CONNECTIONS = 4, 2


def load(name, program, scenario, options, folder, values):
    return turns.turn(name, program, scenario, options, folder, values, tls=folder)


def ask_in_turn(port, until, waits):
    with client.Connection(port) as connection:
        while time.monotonic() < until:
            began = time.perf_counter()
            connection.send(client.constant_request())
            if connection.answer()[0] != 201:
                raise RuntimeError("no 201 amid the storm")
            waits.append((time.perf_counter() - began) * 1e6)


def storm(name, program, options, folder):
    """How long kept connections wait while others make handshakes."""
    with servers.Server(name, program, folder, tls=folder) as server, contextlib.ExitStack() as stack:
        others = [handshakes.s_time(server.port, folder, options.seconds + 1) for _ in range(STORM_CLIENTS)]
        for other in others:
            stack.callback(other.communicate, timeout=options.seconds + 60)
        time.sleep(0.5)
        waits, until = [], time.monotonic() + options.seconds
        threads = [threading.Thread(target=ask_in_turn, args=(server.port, until, waits)) for _ in range(STORM_CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    waits.sort()
    return {"p50_us": statistics.median(waits), "p99_us": waits[int(len(waits) * 0.99)], "requests": len(waits)}


def measurements(options, folder, values):
    """By name: what makes one figure of a server."""
    def kept(name, program):
        return load(name, program, "exchange-varying", options, folder, values)

    def pipelined(name, program):
        return load(name, program, "exchange-pipelined", options, folder, values)

    def idle(name, program):
        return memory.idle(name, program, folder, IDLE_CONNECTIONS, tls=folder)

    return {"kept": kept, "pipelined": pipelined, "idle": idle,
            "handshake": lambda *server: handshakes.measure(*server, options, folder),
            "client certificate": lambda *server: handshakes.measure(*server, options, folder, has_certificate=True),
            "storm": lambda *server: storm(*server, options, folder)}


def report(title, runs):
    """The figures of both and their ratio; returns whether it is what is promised."""
    key, sense, limit = LIMITS[title]
    keys = [each for each in ("cpu_us", "user_us", "requests_per_second", "per_second", "bytes_per_connection", "p50_us",
                              "p99_us") if each in runs[NAMES[0]][0]]
    rows = [[name, *(spread(figure([run[each] for run in runs[name]]), ",.1f") for each in keys)] for name in NAMES]
    ratio = figure(ratios(runs, "obie-tokens", "nginx", key))
    holds = ratio["median"] <= limit if sense == "at most" else ratio["median"] >= limit
    noise = disturbance(runs) if "others_cpu0_share" in runs[NAMES[0]][0] else ""
    print(f"\n### TLS, {title}\n\n{table(['', *keys], rows)}\n\nobie-tokens has {spread(ratio, '.2f')} of nginx's {key} "
          f"({sense} {limit} is promised): {'holds' if holds else 'DOES NOT HOLD'}{noise}", flush=True)
    return holds


def run(options):
    os.makedirs(BUILD, exist_ok=True)
    compile_program("pace")
    os.sched_setaffinity(0, {1})  # this program, too, keeps off the server's CPU
    options.connections, holds = 64, True
    programs = {"nginx": servers.NGINX, "obie-tokens": options.server}
    with tempfile.TemporaryDirectory(prefix="tls-", dir=BUILD) as folder:
        handshakes.make_certificates(folder)
        values = turns.Values(folder)
        for title, measured in measurements(options, folder, values).items():
            client.TLS = handshakes.client_context(folder, title == "client certificate")
            runs = {name: [] for name in NAMES}
            for number in range(options.rounds):
                for name in NAMES if number % 2 == 0 else reversed(NAMES):
                    log(f"TLS, {title} {number + 1}/{options.rounds} {name}")
                    runs[name].append(measured(name, programs[name]))
            holds = report(title, runs) and holds
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(turns.in_rounds("tls", __doc__, run))
