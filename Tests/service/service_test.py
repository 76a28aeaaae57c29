#!/usr/bin/env python3
"""Is the server a good service? Readiness, watchdog, sockets that somebody else opened, drain, restarts without a loss.

    Tests/service/service_test.py --server .build/release/obie-tokens [--tls] [--only notify drain ...]

Plays the service manager: a real notify socket, real listening sockets handed over as file descriptors. Every check prints
one line; ends with 1 if one fails. Traffic stays on 127.0.0.1; about a minute in all. Threads are stopped with ptrace(2),
which takes root or the same user without a ban on it.
"""
import argparse
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from encrypted import Encryption  # noqa: E402
from ending import check_arriving, check_busy, check_drain, check_hung_disk, check_second_signal  # noqa: E402
from harness import Failure, connects, expect, free_ports, get, request, sandbox, wait_until  # noqa: E402
from manager import Manager, Stopped  # noqa: E402

MAKE_CODE = sandbox.make_code()


def check_notify(program, folder, tls):
    with Manager(program, folder, tls) as server:
        first = server.wait_notice("READY=1")
        expect(re.search(rf"STATUS=serving on {server.scheme}://127\.0\.0\.1:\d+", first), f"no status in {first!r}")
        expect(server.get("/healthz")[0] == 200, "READY came before it listened")
        server.signal(signal.SIGHUP)
        reloading = server.wait_notice("RELOADING=1")
        expect(re.search(r"MONOTONIC_USEC=\d+", reloading), f"no time in {reloading!r}")
        server.wait_notice("READY=1")
        server.signal(signal.SIGTERM)
        stopping = server.wait_notice("STOPPING=1")
        expect("STATUS=" in stopping, f"no status in {stopping!r}")
        expect(server.wait(5) == 0, "it did not end with 0")
        expect(not any("WATCHDOG" in notice for notice in server.notices), "it spoke to a watchdog that nobody set")
    return "READY with STATUS once it listens, RELOADING and READY for SIGHUP, STOPPING for SIGTERM"


WATCHDOG = 1.0  # seconds: it has to speak twice as often


def check_watchdog(program, folder, tls):
    store = "sqlite:watchdog.db"
    with Manager(program, folder, tls, "--loops", "2", store=store, watchdog=WATCHDOG) as server:
        server.wait_notice("READY=1")
        pings = server.count_notices("WATCHDOG=1", 2 * WATCHDOG)
        expect(2 <= pings <= 6, f"{pings} pings in two intervals")
        for name in ("loop 1", "store writer"):
            with server.client() as client, Stopped(server.thread(name)):
                client.send(MAKE_CODE)  # something for the writer to do
                server.count_notices("WATCHDOG=1", WATCHDOG)  # it takes that long to be noticed
                silent = server.count_notices("WATCHDOG=1", 2 * WATCHDOG)
                expect(silent == 0, f"{silent} pings while {name} stood still: systemd would not have noticed")
            expect(server.count_notices("WATCHDOG=1", 2 * WATCHDOG) >= 2, f"no pings after {name} went on")
        said = server.log_text()
        expect("event loop 1 has not moved" in said and "the store's writer has not moved" in said,
               f"the log does not say what stood still: {said}")
    return (f"{pings} pings in two intervals; none while a loop or the writer stands still, which the log names; "
            "again when it goes on")


def check_foreign_watchdog(program, folder, tls):
    with Manager(program, folder, tls, watchdog=WATCHDOG, watchdog_pid=1) as server:
        server.wait_notice("READY=1")
        expect(server.count_notices("WATCHDOG=1", 2 * WATCHDOG) == 0, "it answers for another process")
    return "WATCHDOG_PID of another process is respected"


def check_activation(program, folder, tls):
    store = "sqlite:activation.db"
    with Manager(program, folder, tls, "--loops", "2", store=store, sockets=["http", "admin", "http"]) as server:
        server.wait_notice("READY=1")
        ports = server.socket_ports
        line = f"listening on {server.scheme}://127.0.0.1:{ports[0]}, probes on http://127.0.0.1:{ports[1]}"
        wait_until(lambda: line in server.log_text(), lambda: f"it does not listen where it was told: {server.log_text()}", 5)
        for port in (ports[0], ports[2]):
            expect(server.get("/healthz", port)[0] == 200, "a socket that was handed over is not served")
        expect(get(ports[1], "/readyz")[0] == 200, "the admin socket is not served")
        clients = [server.client(ports[0]) for _ in range(200)]
        for client in clients:
            client.send(MAKE_CODE)
        for client in clients:
            expect(client.read().status == 201, "a request was refused")
            client.close()
    lines = []
    for sockets, word in ((["web"], "FileDescriptorName="), (["http:udp"], "ListenStream=")):
        with Manager(program, folder, tls, sockets=sockets) as server:
            expect(server.wait(10) == 78, "what was handed over is useless, and it started")
            lines.append(server.log_text().strip())
            expect(word in lines[-1] and "\n" not in lines[-1], f"no fix in {lines[-1]!r}")
    with Manager(program, folder, tls, sockets=["http"], listen_pid=1) as server:
        server.wait_notice("READY=1")
        expect(server.port != server.socket_ports[0], "it took sockets that were another process's")
    return "sockets by name, several of a name, on two loops; others' are left alone, useless ones named"


def check_socket_activate(program, folder, tls):
    """systemd's own tool, which starts the program with the first connection."""
    [port] = free_ports(1)
    process = subprocess.Popen(
        ["systemd-socket-activate", f"--listen=127.0.0.1:{port}", "--fdname=http", program, "serve", "--store", "memory",
         "--admin-listen", "127.0.0.1:0", *(tls.flags if tls else [])], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: connects(port), "systemd-socket-activate does not listen", 5)
        expect(request(port, "GET", "/healthz", tls=tls and tls.context)[0] == 200, "the first connection was lost")
    finally:
        process.terminate()
        expect(process.wait(10) == 0, f"it did not end with 0 but {process.returncode}")
    return "systemd-socket-activate's first connection is served"


def check_probes(program, folder, tls):
    with Manager(program, folder, tls, "--loops", "2", store="sqlite:probes.db") as server:
        server.wait_notice("READY=1")
        with Stopped(server.thread("loop 0")), Stopped(server.thread("loop 1")), Stopped(server.thread("store writer")):
            time.sleep(1)
            slowest = 0
            for path in ("/livez", "/readyz", "/metrics") * 5:
                began = time.monotonic()
                status, text = get(server.admin_port, path, 2)
                slowest = max(slowest, time.monotonic() - began)
                expect(status == 200, f"{path} says {status}")
            lag = float(re.search(r'obie_tokens_loop_lag_seconds\{loop="1"\} (\S+)', text)[1])
            expect(lag > 0.5, f"the page does not show that a loop stands still: {lag}")
    return f"with every loop and the writer standing still, probes and metrics take {1000 * slowest:.1f} ms; lag {lag:.1f} s"


def check_metrics(program, folder, tls):
    tls = tls or Encryption(f"{folder}/own")  # the dashboard shows it, too
    clients = ["--tls-client-auth", "optional", "--tls-client-ca", tls.authority.certificate, "--tls-client-crl",
               tls.authority.revoke()]
    with Manager(program, folder, tls, "--audit-log", "audit", *clients, store="sqlite:metrics.db") as server:
        server.wait_notice("READY=1")
        with server.client() as client:
            client.ask(MAKE_CODE)
        page = get(server.admin_port, "/metrics")[1]
        # The names of other stores are held to the sources by Tests/deploy.
        others = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "Sources/PostgresStore").glob("*.swift"))
        dashboard = (ROOT / "Deploy/grafana.json").read_text(encoding="utf-8")
        named = {name for name in re.findall(r"\b((?:obie_tokens|http_server|process)_[a-z_]+)\b", dashboard)
                 if f'"{name}"' not in others or name in page}
        missing = sorted(name for name in named if not re.search(rf"^{name}(?=[{{ ])", page, re.MULTILINE))
        expect(not missing and len(named) > 15, f"the dashboard asks for what is not there: {missing}")
        checked = subprocess.run(["promtool", "check", "metrics"], input=page, text=True, capture_output=True)
        expect(checked.returncode == 0 and not checked.stderr, f"promtool: {checked.stderr}")
    return f"promtool is content with {page.count('# TYPE')} families; the dashboard's {len(named)} names are among them"


RESTARTS = 4
LUA = """wrk.method = "POST"
wrk.headers = {%s}
wrk.body = '%s'
function response(status, headers, body) if status ~= 201 then print("bad answer", status, body) end end
"""


def load(server, folder, name, connections, **more):
    """wrk on the address that stays, for as long as the restarts take."""
    script = f"{folder}/{name}.lua"
    with open(script, "w", encoding="ascii") as file:
        fields = {**sandbox.FIELDS, "Content-Type": sandbox.JSON, **more}
        file.write(LUA % (", ".join(f'["{name}"]="{value}"' for name, value in fields.items()), sandbox.code_body().decode()))
    return subprocess.Popen(["wrk", "-t1", f"-c{connections}", "-d12", "--timeout", "10", "-s", script,
                             f"{server.scheme}://127.0.0.1:{server.socket_ports[0]}{sandbox.CODES}"],
                            stdout=subprocess.PIPE, text=True)


def check_restart(program, folder, tls):
    """Clients see one address; behind it one server follows the other, as systemd would do it. Some keep their
    connections, some come anew for each request."""
    pauses, outputs = [], []
    with Manager(program, folder, tls, "--loops", "2", store="sqlite:restart.db", sockets=["http", "admin"]) as server:
        server.wait_notice("READY=1")
        loads = [load(server, folder, "kept", 24), load(server, folder, "new", 8, Connection="close")]
        try:
            for _ in range(RESTARTS):
                time.sleep(1)
                began = time.monotonic()
                server.signal(signal.SIGTERM)
                expect(server.wait(10) == 0, "it did not end with 0")
                server.start()
                server.wait_notice("READY=1")
                pauses.append(time.monotonic() - began)
            outputs = [process.communicate(timeout=30)[0] for process in loads]
        finally:
            for process in loads:
                process.kill()
    counts = []
    for output in outputs:
        expect("Socket errors" not in output and "Non-2xx" not in output and "bad answer" not in output,
               f"requests failed:\n{output}")
        counts.append(int(re.search(r"(\d+) requests in", output)[1]))
    expect(counts[0] > 1000 and counts[1] > 100, f"only {counts} requests")
    return (f"{RESTARTS} restarts under wrk: {counts[0]:,} requests on 24 kept connections and {counts[1]:,} on new ones, none "
            f"failed; from SIGTERM to the next READY {1000 * min(pauses):.0f} to {1000 * max(pauses):.0f} ms")


CHECKS = {"notify": check_notify, "watchdog": check_watchdog, "foreign-watchdog": check_foreign_watchdog,
          "activation": check_activation, "socket-activate": check_socket_activate, "drain": check_drain,
          "second-signal": check_second_signal, "arriving": check_arriving, "busy": check_busy, "hung-disk": check_hung_disk,
          "probes": check_probes, "metrics": check_metrics, "restart": check_restart}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary")
    parser.add_argument("--tls", action="store_true", help="servers and clients speak TLS")
    parser.add_argument("--only", nargs="+", choices=CHECKS, metavar="CHECK", help=", ".join(CHECKS))
    options = parser.parse_args()
    status = 0
    for name in options.only or CHECKS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                tls = Encryption(f"{folder}/ca") if options.tls else None
                print(f"{name}: {CHECKS[name](str(Path(options.server).absolute()), folder, tls)}", flush=True)
            except (Failure, OSError) as failure:
                print(f"{name}: FAILED {failure}", flush=True)
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
