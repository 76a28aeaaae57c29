"""Nobody is kept waiting by others: by one that floods, by many that are silent."""
import multiprocessing
import os
import select
import socket
import subprocess
import threading
import time

import sandbox
from harness import Client, Server, expect, get
from outcomes import each

FLOOD = b"GET / HTTP/1.1\r\nHost:a\r\n\r\n" * 40_000
FLOOD_SECONDS = 4
FLOOD_TRIES = 3  # a busy machine slows one down now and then, and a fault each
FLOOD_MIN = 20  # MB of answers a second
SENT = "obie_tokens_sent_bytes_total"
MEDIAN_MAX, P99_MAX = 4.0, 20.0  # ms; make bench asks for more, on a quiet machine


def flood(port, begun):
    """A process of its own: one connection at a time, on which one thread sends and one reads, as fast as they can."""
    os.nice(5)  # so that it takes no time from those that are measured
    while True:
        with socket.create_connection(("127.0.0.1", port)) as client:
            sender = threading.Thread(target=send_without_end, args=(client,), daemon=True)
            sender.start()
            into = bytearray(1 << 22)
            try:
                while client.recv_into(into):
                    begun.set()
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has had as many requests as a connection may have
            sender.join()


def send_without_end(client):
    try:
        while True:
            client.sendall(FLOOD)
    except OSError:
        pass


def beside_flood(program):
    """Milliseconds of each request of another client, sorted, and how many MB of answers a second the flood has."""
    with Server(program, "--loops", "1") as server, Client(server.port) as client:
        begun = multiprocessing.Event()
        process = multiprocessing.Process(target=flood, args=(server.port, begun))
        process.start()
        try:
            expect(begun.wait(10), "the flood did not begin")
            before = server.metrics()[SENT]
            took, end = [], time.monotonic() + FLOOD_SECONDS
            while (now := time.monotonic()) < end:
                expect(client.ask(sandbox.get("/healthz")).status == 200, "a good client was not served")
                took.append(1000 * (time.monotonic() - now))
                time.sleep(0.002)
            rate = (server.metrics()[SENT] - before) / FLOOD_SECONDS / 1e6
        finally:
            process.kill()
            process.join()
    return sorted(took), rate


def check_flood(program):
    for _ in range(FLOOD_TRIES):
        took, rate = beside_flood(program)
        median, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
        if median <= MEDIAN_MAX and p99 <= P99_MAX and rate >= FLOOD_MIN:
            break
    line = (f"beside a client that pipelines without end ({rate:.0f} MB of answers a second) {len(took)} requests of another on "
            f"the same loop have a median of {median:.2f} ms (at most {MEDIAN_MAX:g}), p99 {p99:.2f} ms (at most {P99_MAX:g}), "
            f"the slowest {took[-1]:.1f} ms")
    expect(median <= MEDIAN_MAX and p99 <= P99_MAX, line)
    expect(rate >= FLOOD_MIN, f"the flood was {rate:.1f} MB of answers a second: this shows nothing")
    return line


PROBE_SECONDS = 1.0
SILENT = 40
ROUNDS = 3


def probe(program, server):
    """The slowest of all probes, in seconds."""
    slowest = 0
    for path in ("/livez", "/readyz", "/metrics"):
        began = time.monotonic()
        try:
            status = get(server.admin_port, path, timeout=PROBE_SECONDS + 1)[0]
        except OSError as error:
            status = error
        took = time.monotonic() - began
        expect(status == 200 and took <= PROBE_SECONDS,
               f"beside {SILENT} silent connections {path} got {status} after {took:.1f} s")
        slowest = max(slowest, took)
    began = time.monotonic()
    result = subprocess.run([program, "healthcheck", "--url", f"http://127.0.0.1:{server.admin_port}/readyz"],
                            capture_output=True, cwd=server.cwd, timeout=30, text=True)
    expect(result.returncode == 0, f"beside {SILENT} silent connections healthcheck says {result.stderr.strip()}")
    return max(slowest, time.monotonic() - began)


def check_probes(program):
    """Connections on the admin listener that say nothing, or not all of it, again and again."""
    slowest = max(probes_beside(program, part) for part in PARTS)
    return (f"after each of {ROUNDS} times {SILENT} connections that are silent, or stop in a head or a body, /livez, /readyz, "
            f"/metrics and healthcheck are answered within {1000 * slowest:.0f} ms")


PARTS = b"", b"G", sandbox.get("/livez") + b"G", b"POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"


def probes_beside(program, part):
    """The slowest of all probes, in seconds, beside connections that have each sent `part`."""
    with Server(program, "--loops", "1") as server:
        clients, slowest = [], 0
        try:
            for _ in range(ROUNDS):
                for _ in range(SILENT):
                    clients.append(Client(server.admin_port))
                    clients[-1].send(part)
                time.sleep(0.2)
                slowest = max(slowest, probe(program, server))
        finally:
            for client in clients:
                client.close()
    return slowest


CAP = 20
QUIET_SECONDS = 1.1  # one that has asked something is idle from then on
NEW = 5
SERVED_SECONDS = 1.5


def has_ended(client):
    """True where the server has closed the connection."""
    try:
        return select.select([client.socket], [], [], 0)[0] != [] and client.socket.recv(1, socket.MSG_PEEK) == b""
    except ConnectionError:
        return True


def room(program, name, are_used):
    """A full house: the first is inside of a request, the others idle, the second of them the longest."""
    with Server(program, "--loops", "1", "--max-connections", CAP) as server:
        clients = []
        try:
            for number in range(CAP):
                clients.append(Client(server.port, timeout=5))
                if are_used(number):
                    expect(clients[-1].ask(sandbox.get("/healthz")).status == 200, "a connection was not served")
                time.sleep(0.01)
            busy, request = clients[0], sandbox.make_code()
            busy.send(request[:-5])
            time.sleep(QUIET_SECONDS)
            took = [serve_one_more(server, clients, f"{NEW} new clients beside {CAP} idle ones ({name})") for _ in range(NEW)]
            gone = [number for number in range(CAP) if has_ended(clients[number])]
            # One more is fine: it makes room for the next.
            expected = list(range(1, 2 + NEW))
            expect(gone in (expected, expected[:-1]), f"{name}: of {CAP} connections, the oldest first, {gone} were closed")
            busy.send(request[-5:])
            expect(busy.read().status == 201, f"{name}: a connection inside of a request was not answered")
            expect(clients[-1].ask(sandbox.get("/healthz")).status == 200, f"{name}: the newest one was not kept")
        finally:
            for client in clients:
                client.close()
    return f"{name} {1000 * max(took):.0f} ms"


def serve_one_more(server, clients, what):
    """Seconds. The connection stays open."""
    began = time.monotonic()
    clients.append(Client(server.port, timeout=SERVED_SECONDS))
    try:
        expect(clients[-1].ask(sandbox.get("/healthz")).status == 200, f"{what}: one was refused")
    except OSError as error:
        expect(False, f"{what}: after {time.monotonic() - began:.1f} s {error}")
    return time.monotonic() - began


def check_room(program):
    return f"{NEW} new clients beside {CAP} idle ones are served, and the oldest idle ones closed: " + each(
        lambda: room(program, "silent from the start", lambda number: False),
        lambda: room(program, "kept after a request", lambda number: True),
        lambda: room(program, "some of each", lambda number: number % 2 == 0))
