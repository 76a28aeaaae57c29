#!/usr/bin/env python3
"""Is the server a good service? Readiness, watchdog, sockets that somebody else opened, drain, restarts without a loss.

    Tests/service/service_test.py --server .build/release/obie-tokens [--only notify drain ...]

Plays the service manager: a real notify socket, real listening sockets handed over as file descriptors. Every check prints
one line; ends with 1 if one fails. Traffic stays on 127.0.0.1; about a minute in all. Threads are stopped with ptrace(2),
which takes root or the same user without a ban on it.
"""
import argparse
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from manager import Failure, Manager, Stopped, expect, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
GRANT = {"fi_reference_id": "PSDGB-FCA-111111", "version": "1.0", "Content-Type": "application/json",
         "Authorization": "Basic YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk"}
CODE = (b'{"consent_id":"consent-1","psu_account_id":"account-1","scope":"accounts",'
        b'"redirect_uri":"https://www.google.com"}')


def make_code(length=len(CODE)):
    """The head of a request for a code; its body is CODE."""
    fields = {**GRANT, "ccg_token": "good-access-token", "Host": "a", "Content-Length": length}
    return ("POST /v1/obie/authorization_codes HTTP/1.1\r\n"
            + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n").encode()


def read_answer(client):
    """Head and body of one answer."""
    got = b""
    while b"\r\n\r\n" not in got:
        data = client.recv(65536)
        expect(data, f"the connection ended after {got!r}")
        got += data
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
    while len(body) < length:
        data = client.recv(65536)
        expect(data, "the connection ended within an answer")
        body += data
    return head, body


def get(port, path, timeout=5):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def check_notify(program, folder):
    with Manager(program, folder) as server:
        first = server.wait_notice("READY=1")
        expect(re.search(r"STATUS=serving on http://127\.0\.0\.1:\d+", first), f"no status in {first!r}")
        expect(get(server.port, "/healthz")[0] == 200, "READY came before it listened")
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


def check_watchdog(program, folder):
    store = f"sqlite:{folder}/watchdog.db"
    with Manager(program, folder, "--loops", "2", "--store", store, watchdog=WATCHDOG) as server:
        server.wait_notice("READY=1")
        pings = server.count_notices("WATCHDOG=1", 2 * WATCHDOG)
        expect(2 <= pings <= 6, f"{pings} pings in two intervals")
        for name in ("loop 1", "store writer"):
            with Stopped(server.thread(name)):
                with socket.create_connection(("127.0.0.1", server.port)) as client:
                    client.sendall(make_code() + CODE)  # something for the writer to do
                    server.count_notices("WATCHDOG=1", WATCHDOG)  # it takes that long to be noticed
                    silent = server.count_notices("WATCHDOG=1", 2 * WATCHDOG)
                    expect(silent == 0, f"{silent} pings while {name} stood still: systemd would not have noticed")
            expect(server.count_notices("WATCHDOG=1", 2 * WATCHDOG) >= 2, f"no pings after {name} went on")
        said = server.log()
        expect("event loop 1 has not moved" in said and "the store's writer has not moved" in said,
               f"the log does not say what stood still: {said}")
    return (f"{pings} pings in two intervals; none while a loop or the writer stands still, which the log names; "
            "again when it goes on")


def check_foreign_watchdog(program, folder):
    with Manager(program, folder, watchdog=WATCHDOG, watchdog_pid=1) as server:
        server.wait_notice("READY=1")
        expect(server.count_notices("WATCHDOG=1", 2 * WATCHDOG) == 0, "it answers for another process")
    return "WATCHDOG_PID of another process is respected"


def check_activation(program, folder):
    store = f"sqlite:{folder}/activation.db"
    with Manager(program, folder, "--loops", "2", "--store", store, sockets=["http", "admin", "http"]) as server:
        server.wait_notice("READY=1")
        ports = server.socket_ports
        expect(f"listening on http://127.0.0.1:{ports[0]}, probes on http://127.0.0.1:{ports[1]}" in server.log(),
               f"it does not listen where it was told: {server.log()}")
        for port in (ports[0], ports[2]):
            expect(get(port, "/healthz")[0] == 200, "a socket that was handed over is not served")
        expect(get(ports[1], "/readyz")[0] == 200, "the admin socket is not served")
        clients = [socket.create_connection(("127.0.0.1", ports[0])) for _ in range(200)]
        for client in clients:
            client.sendall(make_code() + CODE)
        for client in clients:
            expect(read_answer(client)[0].startswith(b"HTTP/1.1 201"), "a request was refused")
            client.close()
    lines = []
    for sockets, word in ((["web"], "FileDescriptorName="), (["http:udp"], "ListenStream=")):
        with Manager(program, folder, sockets=sockets) as server:
            expect(server.wait(10) == 78, "what was handed over is useless, and it started")
            lines.append(server.log().strip())
            expect(word in lines[-1] and "\n" not in lines[-1], f"no fix in {lines[-1]!r}")
    with Manager(program, folder, sockets=["http"], listen_pid=1) as server:
        server.wait_notice("READY=1")
        expect(server.port != server.socket_ports[0], "it took sockets that were another process's")
    return "sockets by name, several of a name, on two loops; others' are left alone, useless ones named"


def check_socket_activate(program, folder):
    """systemd's own tool, which starts the program with the first connection."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["systemd-socket-activate", f"--listen=127.0.0.1:{port}", "--fdname=http", program, "serve", "--store", "memory",
         "--admin-listen", "127.0.0.1:0"], stderr=subprocess.DEVNULL)
    try:
        expect(wait_until(lambda: connects(port), 5), "systemd-socket-activate does not listen")
        expect(get(port, "/healthz")[0] == 200, "the first connection was lost")
    finally:
        process.terminate()
        expect(process.wait(10) == 0, "it did not end with 0")
    return "systemd-socket-activate's first connection is served"


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def check_drain(program, folder):
    with Manager(program, folder, "--drain-delay", "1") as server:
        server.wait_notice("READY=1")
        expect(get(server.admin_port, "/readyz")[0] == 200, "not ready")
        idle = socket.create_connection(("127.0.0.1", server.port))
        server.signal(signal.SIGTERM)
        expect(wait_until(lambda: get(server.admin_port, "/readyz")[0] == 503, 0.5), "/readyz does not say 503")
        expect(get(server.admin_port, "/livez")[0] == 200, "/livez does not say 200")
        began = time.monotonic()
        late = socket.create_connection(("127.0.0.1", server.port))
        late.sendall(make_code() + CODE)
        head, _ = read_answer(late)
        expect(head.startswith(b"HTTP/1.1 201") and b"onnection: close" not in head, "it turned away too early")
        requests = 1
        while b"onnection: close" not in head:
            late.sendall(make_code() + CODE)
            head, _ = read_answer(late)
            expect(head.startswith(b"HTTP/1.1 201"), f"a request was lost: {head!r}")
            requests += 1
            time.sleep(0.01)
        accepted = time.monotonic() - began
        expect(not connects(server.port), "it goes on accepting")
        idle.settimeout(3)
        expect(idle.recv(1) == b"", "an idle connection is not closed")
        expect(server.wait(5) == 0, "it did not end with 0")
        expect(0.7 < accepted < 2, f"it accepted for {accepted:.2f} s")
    return (f"503 at once, accepts for {accepted:.1f} s more, then closes what is idle and with each answer; "
            f"{requests} requests meanwhile, none lost")


def check_second_signal(program, folder):
    with Manager(program, folder) as server:
        server.wait_notice("READY=1")
        busy = socket.create_connection(("127.0.0.1", server.port))
        busy.sendall(make_code())
        expect(get(server.port, "/healthz")[0] == 200, "not serving")
        server.signal(signal.SIGTERM)
        server.wait_notice("STOPPING=1")
        server.signal(signal.SIGTERM)  # as supervisors do that signal the group, too
        time.sleep(1.2)
        expect(server.running(), "it did not wait for a request under way")
        server.signal(signal.SIGTERM)
        expect(server.wait(2) == -signal.SIGTERM, "the second signal did not end it")
        busy.close()
    return "a second signal, a second later, ends it while a request is under way; one at once does not"


BUSY = 1000


def check_busy(program, folder):
    with Manager(program, folder, "--loops", "2", "--store", f"sqlite:{folder}/busy.db") as server:
        server.wait_notice("READY=1")
        clients = []
        for _ in range(BUSY):
            client = socket.create_connection(("127.0.0.1", server.port))
            client.settimeout(10)
            client.sendall(make_code() + CODE[:20])
            clients.append(client)
        time.sleep(0.3)
        server.signal(signal.SIGTERM)
        server.wait_notice("STOPPING=1")
        time.sleep(0.2)  # until every loop has heard of it
        for client in clients:
            client.sendall(CODE[20:])
        for client in clients:
            head, body = read_answer(client)
            expect(head.startswith(b"HTTP/1.1 201") and b'"code":"' in body, f"no code but {head!r}")
            expect(b"onnection: close" in head, "an answer does not close its connection")
            client.close()
        expect(server.wait(10) == 0, "it did not end with 0")
    return f"{BUSY:,} requests under way at SIGTERM are all answered 201 and closed; it ends with 0"


def check_hung_disk(program, folder):
    with Manager(program, folder, "--drain-timeout", "1", "--store", f"sqlite:{folder}/hung.db") as server:
        server.wait_notice("READY=1")
        with Stopped(server.thread("store writer")) as writer, \
                socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(make_code() + CODE)
            time.sleep(0.3)
            began = time.monotonic()
            server.signal(signal.SIGTERM)
            expect(wait_until(writer.has_ended, 6), "it did not end")
            status = server.wait(6)
            took = time.monotonic() - began
            expect(status == 74, f"status {status}")
            expect(took < 4, f"{took:.1f} s")
    return f"a writer that does not come back keeps the process for {took:.1f} s (drain-timeout 1 s); status 74"


def check_probes(program, folder):
    with Manager(program, folder, "--loops", "2", "--store", f"sqlite:{folder}/probes.db") as server:
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


def check_metrics(program, folder):
    with Manager(program, folder, "--store", f"sqlite:{folder}/metrics.db", "--audit-log",
                 f"{folder}/audit") as server:
        server.wait_notice("READY=1")
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(make_code() + CODE)
            read_answer(client)
        page = get(server.admin_port, "/metrics")[1]
        with open(os.path.join(HERE, "..", "..", "Deploy", "grafana.json"), encoding="utf-8") as file:
            named = set(re.findall(r"\b((?:obie_tokens|http_server|process)_[a-z_]+)\b", file.read()))
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


def check_restart(program, folder):
    """wrk sees one address; behind it one server follows the other, as systemd would do it."""
    script = f"{folder}/restart.lua"
    with open(script, "w", encoding="ascii") as file:
        fields = {**GRANT, "ccg_token": "good-access-token"}
        file.write(LUA % (", ".join(f'["{name}"]="{value}"' for name, value in fields.items()), CODE.decode()))
    arguments = ["--loops", "2", "--store", f"sqlite:{folder}/restart.db"]
    server = Manager(program, folder, *arguments, sockets=["http", "admin"])
    server.wait_notice("READY=1")
    load = subprocess.Popen(["wrk", "-t1", "-c32", "-d12", "--timeout", "10", "-s", script,
                             f"http://127.0.0.1:{server.socket_ports[0]}/v1/obie/authorization_codes"],
                            stdout=subprocess.PIPE, text=True)
    pauses = []
    try:
        for _ in range(RESTARTS):
            time.sleep(1)
            began = time.monotonic()
            server.signal(signal.SIGTERM)
            expect(server.wait(10) == 0, "it did not end with 0")
            server.restart()
            server.wait_notice("READY=1")
            pauses.append(time.monotonic() - began)
        output = load.communicate(timeout=30)[0]
    finally:
        load.kill()
        server.close()
    requests = int(re.search(r"(\d+) requests in", output)[1])
    expect("Socket errors" not in output and "Non-2xx" not in output and "bad answer" not in output,
           f"requests failed:\n{output}")
    expect(requests > 1000, f"only {requests} requests")
    return (f"{RESTARTS} restarts under wrk, 32 connections: {requests:,} requests, none failed; "
            f"from SIGTERM to the next READY {1000 * min(pauses):.0f} to {1000 * max(pauses):.0f} ms")


CHECKS = {"notify": check_notify, "watchdog": check_watchdog, "foreign-watchdog": check_foreign_watchdog,
          "activation": check_activation, "socket-activate": check_socket_activate, "drain": check_drain,
          "second-signal": check_second_signal, "busy": check_busy, "hung-disk": check_hung_disk,
          "probes": check_probes, "metrics": check_metrics, "restart": check_restart}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary")
    parser.add_argument("--only", nargs="+", choices=CHECKS, metavar="CHECK", help=", ".join(CHECKS))
    options = parser.parse_args()
    status = 0
    for name, check in CHECKS.items():
        if options.only and name not in options.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                print(f"{name}: {check(os.path.abspath(options.server), folder)}", flush=True)
            except Failure as failure:
                print(f"{name}: FAILED {failure}", flush=True)
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
