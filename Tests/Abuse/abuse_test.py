#!/usr/bin/env python3
"""Abuses obie-tokens over real sockets, and measures what that costs it and its other clients.

    Tests/Abuse/abuse_test.py --server .build/release/obie-tokens [--only idle slow pipeline ...]

Every check prints its figures in one line and a bound beside each; ends with 1 if one is exceeded. Traffic stays on
127.0.0.0/8, no more than 10,000 connections at a time, about half a minute in all.
"""
import argparse
import json
import multiprocessing
import os
import re
import resource
import select
import socket
import subprocess
import sys
import time

KIB = 1024
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
FIELDS = ("Host: 127.0.0.1\r\nAuthorization: Basic YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk\r\nfi_reference_id: PSDGB-FCA-111111\r\n"
          "version: 1.0\r\nccg_token: good-access-token\r\nContent-Type: application/json\r\n")
LENGTH = re.compile(rb"\r\nContent-Length: (\d+)")
CODE = re.compile(rb'"code":"([0-9a-f]{32})"')

TIMEOUT = 10.0  # of a head, of a body, and of a client that does not read
LATE = 1.0  # two ticks of the server's clock, 0.5 s, and a busy machine
EARLY = 0.05


def post(path, body):
    text = json.dumps(body)
    return f"POST {path} HTTP/1.1\r\n{FIELDS}Content-Length: {len(text)}\r\n\r\n{text}".encode()


GRANT = post("/v1/obie/tokens", {"grant_type": "client_credentials"})
MAKE_CODE = post("/v1/obie/authorization_codes", {
    "consent_id": "consent-1", "psu_account_id": "account-1", "scope": "accounts", "redirect_uri": "https://www.google.com"})
HEAD = f"POST /v1/obie/tokens HTTP/1.1\r\n{FIELDS}".encode()


def exchange(code):
    return post("/v1/obie/tokens", {"redirect_uri": "https://www.google.com", "auth_code": code})


UNKNOWN_CODE = exchange("0" * 32)


class Failure(Exception):
    """A bound was exceeded, or an answer is not what it must be."""


def expect(condition, text):
    if not condition:
        raise Failure(text)


class Server:
    """`with Server(program) as server:` runs it on free ports with one loop, and ends it in any event."""

    def __init__(self, program, files=None):
        self.program, self.files = program, files

    def __enter__(self):
        def limit():
            if self.files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (self.files, self.files))
        self.process = subprocess.Popen(
            [self.program, "serve", "--store", "memory", "--loops", "1", "--listen", "127.0.0.1:0", "--admin-listen",
             "127.0.0.1:0"], stderr=subprocess.PIPE, preexec_fn=limit)
        for line in self.process.stderr:
            if found := re.search(rb"listening on http://127.0.0.1:(\d+)", line):
                self.port = int(found[1])
                return self
        raise Failure("the server did not start")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure("the server did not end within 10 s of SIGTERM") from None
        finally:
            self.process.stderr.close()
        expect(self.process.returncode == 0, f"the server ended with {self.process.returncode}")

    def resident(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * PAGE

    def resident_peak(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * KIB

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def connect(self, number=0):
        """A connection from one of several addresses, so that no address runs out of ports."""
        client = socket.socket()
        client.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        client.bind((f"127.0.0.{2 + number % 8}", 0))
        client.settimeout(20)
        client.connect(("127.0.0.1", self.port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client


def read_answer(client, got=b""):
    """(status, head and body) of one answer. Raises where the connection ends before its last byte."""
    while (end := got.find(b"\r\n\r\n")) < 0:
        got += receive(client, got)
    length = end + 4 + int(LENGTH.search(got, 0, end + 2)[1])
    while len(got) < length:
        got += receive(client, got)
    return int(got[9:12]), got


def receive(client, got):
    data = client.recv(1 << 18)
    expect(data, f"the connection ended after {got[-200:]!r}")
    return data


def exchanges(server, seconds):
    """Milliseconds of each request of a good client, sorted: codes are made and exchanged, one after the other."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        with server.connect() as client:  # again, long before the last request that a connection may have
            for _ in range(1000):
                began = time.monotonic()
                client.sendall(MAKE_CODE)
                status, answer = read_answer(client)
                made = time.monotonic()
                expect(status == 201, f"asked for a code, got {status}")
                client.sendall(exchange(CODE.search(answer)[1].decode()))
                status, _ = read_answer(client)
                expect(status == 201, f"exchanged a code, got {status}")
                took += [1000 * (made - began), 1000 * (time.monotonic() - made)]
    return sorted(took)


def asks(server, request, expected, seconds):
    """Milliseconds of each of the same request, sorted: nothing is stored for it."""
    took, end = [], time.monotonic() + seconds
    with server.connect() as client:
        while (now := time.monotonic()) < end:
            client.sendall(request)
            expect(read_answer(client)[0] == expected, "a good client was not served")
            took.append(1000 * (time.monotonic() - now))
    return sorted(took)


def p99(sorted_figures):
    return sorted_figures[len(sorted_figures) * 99 // 100]


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


# Each check gets the path of the server and returns its line; a failure raises.

# As many as the limit of open files allows, which the server has too.
IDLE = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 500 * 500 - 500)
IDLE_BYTES_MAX = KIB
GROWTH_BYTES_MAX = 100  # each, where the same connections come a second time


def idle_connections(server):
    """Each has proven who it is, so that what is remembered about it counts too."""
    clients = []
    for start in range(0, IDLE, 500):
        batch = [server.connect(number) for number in range(start, start + 500)]
        for client in batch:
            client.sendall(UNKNOWN_CODE)
        for client in batch:
            expect(read_answer(client)[0] == 403, "a connection that is to idle was not served")
        clients += batch
    return clients


def close_all(server, clients, files):
    for client in clients:
        client.close()
    expect(wait_until(lambda: server.descriptors() <= files, 5), f"{server.descriptors()} descriptors stay open")


def check_idle(program):
    with Server(program) as server:
        asks(server, UNKNOWN_CODE, 403, 0.3)
        before, files = server.resident(), server.descriptors()
        clients = idle_connections(server)
        full = server.resident()
        took = asks(server, UNKNOWN_CODE, 403, 0.5)
        close_all(server, clients, files)
        left = server.resident() - before
        close_all(server, idle_connections(server), files)
        each, growth = (full - before) / IDLE, (server.resident_peak() - full) / IDLE
        line = (f"idle: {IDLE:,} connections take {each:.0f} bytes each (at most {IDLE_BYTES_MAX}), {growth:.0f} more when they "
                f"come again (at most {GROWTH_BYTES_MAX}); {left // KIB:,} KiB stay with the allocator between; another "
                f"client's p99 is {p99(took):.2f} ms (at most {LATENCY_MAX:.0f})")
        expect(each <= IDLE_BYTES_MAX and growth <= GROWTH_BYTES_MAX and p99(took) <= LATENCY_MAX, line)
        return line


SLOW = 200
LATENCY_MAX = 5.0  # ms, or three times what it is without them


class Slow:
    """One client of the kind that takes its time. `when`: seconds after which it must have been closed."""

    def __init__(self, server, number):
        self.kind = ("head", "body", "chunk", "deaf")[number % 4]
        self.socket = server.connect(number)
        if self.kind == "deaf":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.setblocking(False)
        start = {"head": b"", "body": HEAD + b"Content-Length: 1000\r\n\r\n",
                 "chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
                 "deaf": b"GET /errors HTTP/1.1\r\nHost: a\r\n\r\n" * 1500}[self.kind]
        self.rest = start if self.kind == "deaf" else b"GET /healthz HTTP/1.1\r\nHost: a\r\nx: " + b"x" * 1000
        self.began, self.ended, self.got = time.monotonic(), None, b""
        if start:
            self.socket.send(start)

    def drip(self):
        if self.ended or self.got:
            return
        if self.kind in ("head", "body"):
            self.socket.send(self.rest[:1])
            self.rest = self.rest[1:]
        elif self.kind == "deaf":
            # Something unread makes the end a reset; a FIN would stand behind the answers that it does not read.
            try:
                self.socket.send(self.rest)
            except BlockingIOError:
                pass  # so there is something
            except ConnectionError:
                self.ended = time.monotonic()

    def notice(self):
        """The deaf one only hears that its connection is gone; the others read to the end."""
        if self.kind == "deaf":
            self.ended = time.monotonic()
            return
        data = self.socket.recv(65536)
        if data and not self.got:
            self.answered = time.monotonic()
        self.got += data
        if not data:
            self.ended = time.monotonic()
        elif b"request_timeout" in self.got:
            self.socket.shutdown(socket.SHUT_WR)

    def verdict(self):
        """Seconds until it was told, or closed. Raises where it was not told properly."""
        expect(self.ended, f"a slow client ({self.kind}) is still connected")
        if self.kind == "deaf":
            return self.ended - self.began
        status, answer = read_answer(self.socket, self.got)
        expect(status == 408 and b"\r\nConnection: close\r\n" in answer, f"a slow client got {answer!r}")
        return self.answered - self.began


def attack_slowly(server, results):
    """Runs in a process of its own, so that it does not disturb the measurement."""
    clients = {}
    poller = select.epoll()
    for number in range(SLOW):
        slow = Slow(server, number)
        clients[slow.socket.fileno()] = slow
        events = select.EPOLLRDHUP if slow.kind == "deaf" else select.EPOLLIN
        poller.register(slow.socket, events)
    results.send(None)  # all are connected
    end, drip_at = time.monotonic() + TIMEOUT + LATE + 1, 0
    while time.monotonic() < end and not all(slow.ended for slow in clients.values()):
        if time.monotonic() >= drip_at:
            drip_at = time.monotonic() + 0.5
            for slow in clients.values():
                slow.drip()
        for number, _ in poller.poll(0.05):
            if not clients[number].ended:
                clients[number].notice()
            if clients[number].ended:
                poller.unregister(number)
    try:
        results.send([(slow.kind, slow.verdict()) for slow in clients.values()])
    except Failure as failure:
        results.send(str(failure))


def in_child(target, *arguments):
    """(process, the receiving end of its pipe)."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=target, args=(*arguments, sender))
    process.start()
    return process, receiver


def outcome(process, receiver):
    result = receiver.recv() if receiver.poll(TIMEOUT + 10) else "an attacker did not end"
    process.join()
    expect(not isinstance(result, str), result)
    return result


def check_slow(program):
    with Server(program) as server:
        baseline = exchanges(server, 2)
        process, receiver = in_child(attack_slowly, server)
        expect(receiver.poll(10), "the slow clients could not connect")
        receiver.recv()
        took = exchanges(server, TIMEOUT - 1)
        results = outcome(process, receiver)
        bound = max(LATENCY_MAX, 3 * p99(baseline))
        times = sorted(seconds for _, seconds in results)
        line = (f"slow: beside {SLOW} of them {len(took):,} requests have p99 {p99(took):.2f} ms (at most {bound:.1f}; "
                f"{p99(baseline):.2f} without); they are gone after {times[0]:.2f} to {times[-1]:.2f} s (at most "
                f"{TIMEOUT + LATE:.0f})")
        expect(p99(took) <= bound and times[0] >= TIMEOUT - EARLY and times[-1] <= TIMEOUT + LATE, line)
        return line


PIPELINE = 100_000
# What is kept of its requests, what is queued of its answers and what is being collected, 64 KiB each, beyond which one
# read may go by 64 KiB; and the arrays in which they grow.
PIPELINE_BYTES_MAX = 512 * KIB


def attack_by_pipeline(server, results):
    """Sends as much as it can and never reads; then waits until it hears that the connection is gone."""
    with server.connect() as client:
        client.setblocking(False)
        requests, sent, began = memoryview(GRANT * PIPELINE), 0, time.monotonic()
        poller = select.epoll()
        poller.register(client, select.EPOLLOUT | select.EPOLLRDHUP)
        while time.monotonic() < began + TIMEOUT + 5:
            for _, events in poller.poll(1):
                if events & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
                    results.send((sent, time.monotonic() - began))
                    return
                sent += client.send(requests[sent:sent + (1 << 20)])
        results.send("a client that never reads stays connected")


def check_pipeline(program):
    with Server(program) as server:
        asks(server, GRANT, 201, 0.3)
        before = server.resident()
        sent, seconds = outcome(*in_child(attack_by_pipeline, server))
        growth = server.resident_peak() - before
        line = (f"pipeline: {PIPELINE:,} requests, {len(GRANT) * PIPELINE / 1e6:.0f} MB, of which {sent / 1e6:.1f} were taken; "
                f"memory grows by {growth // KIB} KiB (at most {PIPELINE_BYTES_MAX // KIB}), gone after {seconds:.2f} s (at "
                f"most {TIMEOUT + LATE + 1:.0f})")
        expect(growth <= PIPELINE_BYTES_MAX and TIMEOUT - EARLY <= seconds <= TIMEOUT + LATE + 1, line)
        return line


LARGE = 10_000_000


def check_large(program):
    """A body that is refused, while it is still being sent: the answer is there before any reset."""
    with Server(program) as server:
        head = HEAD + f"Content-Length: {LARGE}\r\n\r\n".encode()
        piece = b"x" * 16_384
        with server.connect() as client:  # it goes on until it is cut off
            client.sendall(head)
            sent, status = 0, None
            try:
                while sent < LARGE:
                    client.sendall(piece)
                    sent += len(piece)
                    if status is None and select.select([client], [], [], 0)[0]:
                        status, _ = read_answer(client)
            except OSError:
                # It may have sent all that is dropped before the server came to answer.
                status = status or read_answer(client)[0]
            expect(status == 413, f"a large body was answered {status}")
        with server.connect() as client:  # it reads only when it has sent what it can
            client.sendall(head)
            for _ in range(32):
                client.sendall(piece)
            began = time.monotonic()
            late, answer = read_answer(client)
            expect(late == 413 and b"payload_too_large" in answer, f"a large body was answered {answer!r}")
            client.shutdown(socket.SHUT_WR)
            expect(client.recv(1) == b"", "something follows a last answer")
        return (f"large: 413 came while {sent / 1e6:.1f} of {LARGE / 1e6:.0f} MB were sent, and behind {32 * len(piece) // KIB} "
                f"KiB it was there in {1000 * (time.monotonic() - began):.1f} ms, without a reset")


HALF_CLOSED = 50


def check_half_closed(program):
    with Server(program) as server:
        for _ in range(HALF_CLOSED):
            with server.connect() as client:
                client.sendall(GRANT * 3)
                client.shutdown(socket.SHUT_WR)
                got = b""
                while data := client.recv(65536):
                    got += data
                answers = got.count(b"HTTP/1.1 201 Created\r\n")
                expect(answers == 3 and got.endswith(b"}}"), f"a half-closed client got {got!r}")
        return f"half-closed: {HALF_CLOSED} clients got their 3 answers each, and then the end"


FILES = 200
CROWD = 1_000
CPU_SECONDS_MAX = 0.2  # in 2 s in which there is nothing to do


def check_crowd(program):
    """More clients than descriptors: those that are not accepted wait in the kernel, which costs nothing."""
    with Server(program, files=FILES) as server:
        clients = [server.connect(number) for number in range(CROWD)]
        for client in clients:
            client.sendall(GRANT)
        time.sleep(0.5)
        before = server.cpu_seconds()
        time.sleep(2)
        spent = server.cpu_seconds() - before
        began = time.monotonic()
        for client in clients:  # in the order in which they came
            expect(read_answer(client)[0] == 201, "one of the crowd was not served")
            client.close()
        took = time.monotonic() - began
        line = (f"crowd: {CROWD:,} clients and {FILES} descriptors take {spent:.2f} s of CPU in 2 s of waiting (at most "
                f"{CPU_SECONDS_MAX}); as others close, all are served within {took:.1f} s (at most 10)")
        expect(spent <= CPU_SECONDS_MAX and took <= 10, line)
        return line


CHECKS = {"idle": check_idle, "large": check_large, "half-closed": check_half_closed, "slow": check_slow,
          "pipeline": check_pipeline, "crowd": check_crowd}
# These mainly wait: each goes on in a process of its own beside the next ones.
WAITING = ("pipeline", "crowd")


def run(name, program, results=None):
    """True where the check passes; says what it measured either way."""
    try:
        print(CHECKS[name](program), flush=True)
        passed = True
    except (Failure, OSError) as failure:
        print(f"{name}: FAILED {failure}", file=sys.stderr, flush=True)
        passed = False
    if results:
        results.send(passed)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--only", nargs="+", choices=CHECKS, default=list(CHECKS))
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    passed = [run(name, options.server) for name in options.only if name not in WAITING + ("slow",)]
    beside = [in_child(run, name, options.server) for name in options.only if name in WAITING]
    if "slow" in options.only:
        passed.append(run("slow", options.server))
    for process, receiver in beside:
        process.join()
        passed.append(receiver.poll() and receiver.recv())
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
