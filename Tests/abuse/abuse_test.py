#!/usr/bin/env python3
"""Abuses obie-tokens over real sockets, and measures what that costs it and its other clients.

    Tests/abuse/abuse_test.py --server .build/release/obie-tokens [--tls] [--only idle slow pipeline ...]

Every check prints its figures in one line and a bound beside each; ends with 1 if one is exceeded. Traffic stays on
127.0.0.0/8, no more than 10,000 connections at a time, about half a minute in all.
"""
import argparse
import resource
import select
import sys
import tempfile
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from encrypted import Encryption  # noqa: E402
from harness import Failure, expect, wait_until  # noqa: E402
from slow import check_slow  # noqa: E402
from target import (EARLY, GRANT, HEAD, LATE, PAGE_REQUEST, TIMEOUT, UNKNOWN_CODE, asks, connect, in_child,  # noqa: E402
                    outcome, p99, target)

KIB = 1024

# Each check gets the path of the server and returns its line; a failure raises.

# As many as the limit of open files allows, which the server has too. With TLS most of the time goes into handshakes.
IDLE = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 500 * 500 - 500)
IDLE_TLS = min(2_000, IDLE)
IDLE_BYTES_MAX, IDLE_TLS_BYTES_MAX = KIB, 20 * KIB
GROWTH_BYTES_MAX, GROWTH_TLS_BYTES_MAX = 100, 500  # each, where the same connections come a second time
LEFT_BYTES_MAX = 2 * KIB * KIB  # of all of them, seconds after they are gone
IDLE_LATENCY_MAX = 20.0  # ms: half a second is too short to ask for more on a busy machine


def idle_connections(server, count):
    """Each has proven who it is, so that what is remembered about it counts too."""
    clients = []
    for start in range(0, count, 500):
        batch = [connect(server, number) for number in range(start, start + 500)]
        for client in batch:
            client.send(UNKNOWN_CODE)
        for client in batch:
            expect(client.read().status == 403, "a connection that is to idle was not served")
        clients += batch
    return clients


def close_all(server, clients, files):
    for client in clients:
        client.close()
    wait_until(lambda: server.descriptors() <= files, lambda: f"{server.descriptors()} descriptors stay open", 5)


def check_idle(program, tls):
    count, each_max, growth_max = ((IDLE_TLS, IDLE_TLS_BYTES_MAX, GROWTH_TLS_BYTES_MAX) if tls else
                                   (IDLE, IDLE_BYTES_MAX, GROWTH_BYTES_MAX))
    with target(program, tls) as server:
        asks(server, UNKNOWN_CODE, 403, 0.3)
        before, files = server.memory(), server.descriptors()
        clients = idle_connections(server, count)
        full = server.memory()
        took = asks(server, UNKNOWN_CODE, 403, 0.5)
        close_all(server, clients, files)
        wait_until(lambda: server.memory() - before <= LEFT_BYTES_MAX, lambda: f"{(server.memory() - before) // KIB:,} "
                   f"KiB do not go back (at most {LEFT_BYTES_MAX // KIB:,})", 5)
        left = server.memory() - before
        clients = idle_connections(server, count)
        again = server.memory()
        close_all(server, clients, files)
        if not tls:  # with TLS the peak has handshakes, and what closing takes for a moment
            again = server.memory_peak()
        each, growth = (full - before) / count, (again - full) / count
        line = (f"idle: {count:,} connections take {each:.0f} bytes each (at most {each_max}), {growth:.0f} more "
                f"when they come again (at most {growth_max}); {left // KIB:,} KiB are left "
                f"when they are gone; another client's p99 is {p99(took):.2f} ms (at most {IDLE_LATENCY_MAX:.0f})")
        expect(each <= each_max and growth <= growth_max and p99(took) <= IDLE_LATENCY_MAX, line)
        return line


PIPELINE = 100_000
# What is kept of its requests, what is queued of its answers and what is being collected, 64 KiB each, beyond which one
# read may go by 64 KiB; and the arrays in which they grow.
PIPELINE_BYTES_MAX = 512 * KIB


def attack_by_pipeline(server, results):
    """Sends as much as it can and never reads; then waits until it hears that the connection is gone."""
    with connect(server) as client:
        client.socket.setblocking(False)
        requests, sent, began = memoryview(GRANT * PIPELINE), 0, time.monotonic()
        poller = select.epoll()
        poller.register(client.socket, select.EPOLLOUT | select.EPOLLRDHUP)
        while time.monotonic() < began + 2 * TIMEOUT + 5:
            for _, events in poller.poll(1):
                if events & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
                    results.send((sent, time.monotonic() - began))
                    return
                sent += client.push(requests[sent:sent + (1 << 16)])
        results.send("a client that never reads stays connected")


def check_pipeline(program, tls):
    with target(program, tls) as server:
        asks(server, GRANT, 201, 0.3)
        before = server.memory()
        sent, seconds = outcome(*in_child(attack_by_pipeline, server))
        growth = server.memory_peak() - before
        line = (f"pipeline: {PIPELINE:,} requests, {len(GRANT) * PIPELINE / 1e6:.0f} MB, of which {sent / 1e6:.1f} "
                f"were taken; memory grows by {growth // KIB} KiB (at most {PIPELINE_BYTES_MAX // KIB}), gone after "
                f"{seconds:.2f} s (at most {2 * TIMEOUT + LATE + 1:.0f})")
        # It looks every ten seconds whether the client has read anything; at first the kernel has.
        expect(growth <= PIPELINE_BYTES_MAX and TIMEOUT - EARLY <= seconds <= 2 * TIMEOUT + LATE + 1, line)
        return line


LARGE = 10_000_000


def check_large(program, tls):
    """A body that is refused, while it is still being sent: the answer is there before any reset."""
    with target(program, tls) as server:
        head = HEAD + f"Content-Length: {LARGE}\r\n\r\n".encode()
        piece = b"x" * 16_384
        with connect(server) as client:  # it goes on until it is cut off
            client.send(head)
            sent, status = 0, None
            try:
                while sent < LARGE:
                    client.send(piece)
                    sent += len(piece)
                    if status is None and select.select([client.socket], [], [], 0)[0]:
                        status = client.read().status
            except OSError:
                # It may have sent all that is dropped before the server came to answer.
                status = status or client.read().status
            expect(status == 413, f"a large body was answered {status}")
        with connect(server) as client:  # it reads only when it has sent what it can
            client.send(head)
            for _ in range(32):
                client.send(piece)
            began = time.monotonic()
            answer = client.read()
            took = time.monotonic() - began
            expect(answer.status == 413 and b"payload_too_large" in answer.body, f"a large body was answered {answer!r}")
            client.finish_sending()
            expect(not client.received and client.receive() == b"", "something follows a last answer")
        return (f"large: 413 came while {sent / 1e6:.1f} of {LARGE / 1e6:.0f} MB were sent, and behind "
                f"{32 * len(piece) // KIB} KiB it was there in {1000 * took:.1f} ms, without a reset")


HALF_CLOSED = 100
HALF_CLOSED_SECONDS_MAX = 20


def check_half_closed(program, tls):
    """With about as many answers as the kernel takes some are still in the server when it hears of the end."""
    with target(program, tls) as server:
        read, end = 0, time.monotonic() + HALF_CLOSED_SECONDS_MAX
        for number in range(HALF_CLOSED):
            with connect(server) as client:
                pages = 20 * number
                client.send(PAGE_REQUEST * pages + GRANT)
                client.finish_sending()
                time.sleep(0.02)
                got = bytearray()
                while data := client.receive():
                    got += data
                    expect(time.monotonic() < end, "half-closed clients wait for their answers")
                answers = got.count(b"HTTP/1.1 200 OK\r\n"), got.count(b"HTTP/1.1 201 Created\r\n")
                expect(answers == (pages, 1) and got.endswith(b"}}"),
                       f"a half-closed client got {answers} of {pages} and 1 answers")
                read += len(got)
        return f"half-closed: {HALF_CLOSED} clients got all their answers, {read / 1e6:.0f} MB, and then the end"


FILES = 200
CROWD = 1_000
CPU_SECONDS_MAX = 0.2  # in 2 s in which there is nothing to do


def check_crowd(program, tls):
    """More clients than descriptors: those that are not accepted wait in the kernel, which costs nothing."""
    with target(program, tls, nofile=FILES) as server:
        clients = [connect(server, number) for number in range(CROWD)]
        for client in clients:
            client.send(GRANT)
        time.sleep(0.5)
        before = server.cpu_seconds()
        time.sleep(2)
        spent = server.cpu_seconds() - before
        began = time.monotonic()
        for client in clients:  # in the order in which they came
            expect(client.read().status == 201, "one of the crowd was not served")
            client.close()
        took = time.monotonic() - began
        line = (f"crowd: {CROWD:,} clients and {FILES} descriptors take {spent:.2f} s of CPU in 2 s of waiting "
                f"(at most {CPU_SECONDS_MAX}); as others close, all are served within {took:.1f} s (at most 10)")
        expect(spent <= CPU_SECONDS_MAX and took <= 10, line)
        return line


CHECKS = {"idle": check_idle, "large": check_large, "half-closed": check_half_closed, "slow": check_slow,
          "pipeline": check_pipeline, "crowd": check_crowd}
# These mainly wait: each goes on in a process of its own beside the next ones.
WAITING = ("pipeline", "crowd")
# With TLS a client that is not accepted cannot finish its handshake, and whoever waits amid one for a second is given up
# for others: Tests/tls has a crowd of its own.
WITHOUT_TLS = ("crowd",)


def run(name, program, tls, results=None):
    """True where the check passes; says what it measured either way."""
    try:
        print(CHECKS[name](program, tls), flush=True)
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
    parser.add_argument("--tls", action="store_true", help=f"server and clients speak TLS; without {', '.join(WITHOUT_TLS)}")
    parser.add_argument("--only", nargs="+", choices=CHECKS, default=list(CHECKS))
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with tempfile.TemporaryDirectory(prefix="obie-tokens-abuse-") as folder:
        tls = Encryption(f"{folder}/ca") if options.tls else None
        names = [name for name in options.only if not (tls and name in WITHOUT_TLS)]
        return 0 if all(run_all(names, options.server, tls)) else 1


def run_all(names, program, tls):
    """Whether each of them passed."""
    passed = [run(name, program, tls) for name in names if name not in WAITING + ("slow",)]
    beside = [in_child(run, name, program, tls) for name in names if name in WAITING]
    if "slow" in names:
        passed.append(run("slow", program, tls))
    for process, receiver in beside:
        process.join()
        passed.append(receiver.poll() and receiver.recv())
    return passed


if __name__ == "__main__":
    sys.exit(main())
