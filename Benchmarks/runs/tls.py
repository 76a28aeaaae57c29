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
import re
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import memory
import scenarios
import servers
from measure import BUILD, compile_program, disturbance, figure, log, spread, table
from servers import client

NAMES = ("nginx", "obie-tokens")
# What obie-tokens has of nginx: (figure, at most or at least, that much).
LIMITS = {
    "kept": ("cpu_us", "at most", 1.05), "pipelined": ("requests_per_second", "at least", 4.0),
    "handshake": ("cpu_us", "at most", 1.0), "client certificate": ("cpu_us", "at most", 0.9),
    "idle": ("bytes_per_connection", "at most", 1.05), "storm": ("p99_us", "at most", 1.5)}
IDLE_CONNECTIONS = 1000
STORM_CLIENTS, STORM_CONNECTIONS = 4, 2


def make_certificates(folder):
    """server.pem and client.pem with their keys, signed by ca.pem."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    def new_key(name):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")

    new_key("ca")
    openssl("req", "-x509", "-key", "ca.key", "-subj", "/CN=bench CA", "-days", "2", "-out", "ca.pem")
    for name, usage in (("server", "serverAuth"), ("client", "clientAuth")):
        new_key(name)
        openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        with open(os.path.join(folder, f"{name}.ext"), "w") as file:
            file.write(f"extendedKeyUsage={usage}\nsubjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2", "-extfile",
                f"{name}.ext", "-out", f"{name}.pem")


def client_context(folder, has_certificate):
    context = ssl.create_default_context(cafile=os.path.join(folder, "ca.pem"))
    context.check_hostname = False
    if has_certificate:
        context.load_cert_chain(os.path.join(folder, "client.pem"), os.path.join(folder, "client.key"))
    return context


def load(name, program, scenario, options, folder, values):
    return scenarios.turn(name, program, scenario, options, folder, values, tls=folder)


def s_time(port, folder, seconds, *more):
    return subprocess.Popen(
        ["taskset", "-c", "1", "openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-new", "-tls1_3", "-www", "/healthz",
         "-CAfile", os.path.join(folder, "ca.pem"), "-time", str(seconds), *more],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def handshakes(name, program, options, folder, has_certificate):
    """CPU of a connection with one request, and how many there were in a second."""
    more = ("-cert", os.path.join(folder, "client.pem"), "-key", os.path.join(folder, "client.key")) if has_certificate else ()
    with servers.Server(name, program, folder, tls=folder, clients=has_certificate) as server:
        s_time(server.port, folder, 1, *more).communicate(timeout=30)
        before, busy = server.ran_seconds(), servers.cpu_busy_seconds(0)
        began = time.monotonic()
        said = s_time(server.port, folder, options.seconds, *more).communicate(timeout=options.seconds + 30)[0]
        ran, took = server.ran_seconds() - before, time.monotonic() - began
        others = max(0.0, servers.cpu_busy_seconds(0) - busy - ran) / took
    found = re.search(r"(\d+) connections in \d+ real seconds", said)
    if not found or int(found[1]) < 100:
        raise RuntimeError(f"openssl s_time: {said[-500:]} {server.log()}")
    return {"cpu_us": ran / int(found[1]) * 1e6, "per_second": int(found[1]) / took, "others_cpu0_share": others,
            "others_cpu1_share": 0.0}


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
        others = [s_time(server.port, folder, options.seconds + 1) for _ in range(STORM_CLIENTS)]
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
            "handshake": lambda *server: handshakes(*server, options, folder, False),
            "client certificate": lambda *server: handshakes(*server, options, folder, True),
            "storm": lambda *server: storm(*server, options, folder)}


def report(title, runs):
    """The figures of both and their ratio; returns whether it is what is promised."""
    key, sense, limit = LIMITS[title]
    keys = [each for each in ("cpu_us", "user_us", "requests_per_second", "per_second", "bytes_per_connection", "p50_us",
                              "p99_us") if each in runs[NAMES[0]][0]]
    rows = [[name, *(spread(figure([run[each] for run in runs[name]]), ",.1f") for each in keys)] for name in NAMES]
    ratio = figure(scenarios.ratios(runs, "obie-tokens", "nginx", key))
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
        make_certificates(folder)
        values = scenarios.Values(folder)
        for title, measured in measurements(options, folder, values).items():
            client.TLS = client_context(folder, title == "client certificate")
            runs = {name: [] for name in NAMES}
            for number in range(options.rounds):
                for name in NAMES if number % 2 == 0 else reversed(NAMES):
                    log(f"TLS, {title} {number + 1}/{options.rounds} {name}")
                    runs[name].append(measured(name, programs[name]))
            holds = report(title, runs) and holds
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(scenarios.in_rounds("tls", __doc__, run))
