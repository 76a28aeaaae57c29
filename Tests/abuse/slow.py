"""Clients that take their time: with a head, with a body, with a chunk, or with reading their answers."""
import select
import socket
import time

from harness import Failure, expect
from target import EARLY, HEAD, LATE, PAGE_REQUEST, TIMEOUT, connect, exchanges, in_child, outcome, p99, target

SLOW = 200
LATENCY_MAX = 5.0  # ms, or three times what it is without them


class Slow:
    """One client of the kind that takes its time. `when`: seconds after which it must have been closed."""

    def __init__(self, server, number):
        self.kind = ("head", "body", "chunk", "deaf")[number % 4]
        self.client = connect(server, number)
        self.socket = self.client.socket
        if self.kind == "deaf":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.setblocking(False)
        start = {"head": b"", "body": HEAD + b"Content-Length: 1000\r\n\r\n",
                 "chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
                 "deaf": PAGE_REQUEST * 1500}[self.kind]
        self.rest = start if self.kind == "deaf" else b"GET /healthz HTTP/1.1\r\nHost: a\r\nx: " + b"x" * 1000
        self.began, self.ended = time.monotonic(), None
        if start:
            self.client.push(start)

    def drip(self):
        if self.ended or self.client.received:
            return
        if self.kind in ("head", "body"):
            if self.kind == "head" and self.rest.startswith(b"GET"):
                self.began = time.monotonic()  # its time counts from the first byte
            self.client.push(self.rest[:1])
            self.rest = self.rest[1:]
        elif self.kind == "deaf":
            # Something unread makes the end a reset; a FIN would stand behind the answers that it does not read.
            try:
                self.client.push(self.rest)
            except ConnectionError:
                self.ended = time.monotonic()

    def notice(self):
        """The deaf one only hears that its connection is gone; the others read to the end."""
        if self.kind == "deaf":
            self.ended = time.monotonic()
            return
        try:
            data = self.client.receive()
        except BlockingIOError:
            return  # half a record
        if data and not self.client.received:
            self.answered = time.monotonic()
        self.client.received += data
        if not data:
            self.ended = time.monotonic()
        elif b"request_timeout" in self.client.received:
            self.client.finish_sending()

    def verdict(self):
        """Seconds until it was told, or closed. Raises where it was not told properly."""
        expect(self.ended, f"a slow client ({self.kind}) is still connected")
        if self.kind == "deaf":
            return self.ended - self.began
        answer = self.client.read()
        expect(answer.status == 408 and answer.closes, f"a slow client got {answer!r}")
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
    except (Failure, OSError) as failure:
        results.send(str(failure))


def check_slow(program, tls):
    with target(program, tls) as server:
        before = p99(exchanges(server, 2))
        process, receiver = in_child(attack_slowly, server)
        expect(receiver.poll(10), "the slow clients could not connect")
        receiver.recv()
        took = exchanges(server, TIMEOUT - 1)
        results = outcome(process, receiver)
    with target(program, tls) as another:  # the machine may be busier by now; the first server may have taken harm
        without = max(before, p99(exchanges(another, 2)))
    bound = max(LATENCY_MAX, 3 * without)
    times = sorted(seconds for _, seconds in results)
    line = (f"slow: beside {SLOW} of them {len(took):,} requests have p99 {p99(took):.2f} ms (at most {bound:.1f}; "
            f"{without:.2f} without); they are gone after {times[0]:.2f} to {times[-1]:.2f} s (at most "
            f"{TIMEOUT + LATE:.0f})")
    expect(p99(took) <= bound and times[0] >= TIMEOUT - EARLY and times[-1] <= TIMEOUT + LATE, line)
    return line
