#!/usr/bin/env python3
# Throws random and mutated requests at the real server, over many sockets of the loopback device,
# and looks at what is left: the process, its descriptors, its memory, and whether it still works.
#
#     Tests/abuse/random_bytes.py --server PATH [--tls] [--megabytes N] [--seed N]
#
# Half of the bytes are noise, half are requests with some bytes changed, cut, doubled or joined, in
# portions of any size; sockets are closed in order, half closed, reset, or left to the server. With TLS all that is
# encrypted, but for some sockets whose records are damaged, in the handshake and behind it, and some without TLS.
import argparse
import multiprocessing
import os
import random
import select
import signal
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from encrypted import EncryptedClient, Encryption  # noqa: E402
from harness import Client, Failure, Server, came_true, expect, sandbox  # noqa: E402

KIB = 1024
PROCESSES = 4
SOCKETS_AT_ONCE = 16
# Behind the answer that closes, the server only drops what comes: most sockets end there.
STAYS_BEHIND_CLOSE = 0.1
# A socket that the server has not closed after so many bytes is closed from here.
BYTES_PER_SOCKET_MAX = 64 * 1024
# What memory may have grown by since the warm-up, in KiB: what the allocator keeps per thread.
# With 1000 MB, a leak of one byte in a hundred shows.
GROWTH_KIB_MAX = 8 * 1024
SETTLE_SECONDS = 10
# A damaged handshake may leave both sides waiting for each other.
HANDSHAKE_SECONDS = 0.2
# Codes that were issued on the way are memory in use; they are gone when memory is looked at.
CODE_SECONDS = 2

ISSUE = sandbox.make_code(state="s")
REQUESTS = [
    ISSUE,
    sandbox.exchange("0123456789abcdef" * 2),
    sandbox.client_credentials(),
    sandbox.introspect("01234567-89ab-cdef-0123-456789abcdef"),
    sandbox.get("/healthz"),
    b"HEAD /errors HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
    b"OPTIONS * HTTP/1.0\r\n\r\n",
    b"POST /v1/obie/tokens HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
    b"Expect: 100-continue\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
    ISSUE * 20,
]


def mutate(source, data):
    data = bytearray(data)
    for _ in range(source.choice([0] * 12 + [1, 1, 2, 8])):
        at = source.randrange(len(data)) if data else 0
        kind = source.randrange(5)
        if kind == 0 and data:
            data[at] = source.randrange(256)
        elif kind == 1:
            data[at:at] = source.randbytes(source.randrange(1, 9))
        elif kind == 2:
            del data[at:at + source.randrange(1, 64)]
        elif kind == 3:
            data[at:at] = data[at:at + source.randrange(1, 4096)]
        else:
            other = source.choice(REQUESTS)
            data[at:] = other[source.randrange(len(other)):]
    return bytes(data)


def payload(source):
    if source.random() < 0.5:
        return source.randbytes(source.choice([1, 7, 64, 1024, 4096, 16_384]))
    return b"".join(mutate(source, source.choice(REQUESTS)) for _ in range(source.randrange(1, 33)))


class Damaged(EncryptedClient):
    """What it sends is damaged now and then. Raises OSError, where that is so in the handshake."""

    def __init__(self, source, server):
        self.source = source
        super().__init__(server.tls.context, server.port, timeout=HANDSHAKE_SECONDS)

    def pending(self):
        data = super().pending()
        return mutate(self.source, data) if data and self.source.random() < 0.5 else data


def connect(source, server):
    """A socket that does not block. Raises OSError where its handshake fails."""
    kind = source.random() if server.tls else 1
    if kind < 0.2:
        connection = Damaged(source, server)
    elif kind < 0.3:
        connection = Client(server.port)
    else:
        connection = server.client()
    connection.socket.setblocking(False)
    return connection


def drop(source, connection):
    if source.random() < 0.3:
        # No time to linger: RST, with whatever is on its way.
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def abuse(server, seed, bytes_max, result):
    """One process: sends its share of the bytes, and reports how many, over how many sockets."""
    source = random.Random(seed)
    sent = sockets = answers = 0
    open_sockets = {}
    while sent < bytes_max:
        while len(open_sockets) < SOCKETS_AT_ONCE:
            sockets += 1
            try:
                open_sockets[connect(source, server)] = 0
            except OSError:
                expect(server.tls, "nobody takes connections any more")
        readable, writable, _ = select.select(open_sockets, open_sockets, [], 5)
        if not readable and not writable:
            # All are choked with answers that nobody reads: the server may wait, this must not.
            for connection in list(open_sockets):
                drop(source, connection)
            open_sockets.clear()
        for connection in set(readable) | set(writable):
            try:
                if connection in readable and source.random() < 0.9:
                    got = connection.receive()
                    answers += got.count(b"HTTP/1.1 ")
                    is_last = b"Connection: close\r\n" in got
                    if not got or is_last and source.random() >= STAYS_BEHIND_CLOSE:
                        raise ConnectionError
                if connection in writable:
                    data = payload(source)
                    while data and sent < bytes_max:
                        portion = data[:source.choice([1, 100, 4096, 1 << 17])]
                        count = connection.push(portion)
                        sent += count
                        open_sockets[connection] += count
                        data = data[count:]
                        if not count or count > 1 and source.random() < 0.3:
                            break
                if source.random() < 0.02:
                    connection.finish_sending()
                is_worn_out = open_sockets[connection] > BYTES_PER_SOCKET_MAX
                if is_worn_out or source.random() < 0.02:
                    raise ConnectionError
            except BlockingIOError:
                continue
            except OSError:
                del open_sockets[connection]
                drop(source, connection)
    for connection in open_sockets:
        drop(source, connection)
    result.put((sent, sockets, answers))


def settled_descriptors(server, expected):
    """Closing takes the loop a moment; a connection that lingers takes two seconds."""
    came_true(lambda: server.descriptors() == expected, SETTLE_SECONDS)
    return server.descriptors()


def settled_memory(server, expected):
    came_true(lambda: server.memory() <= expected, SETTLE_SECONDS)
    return server.memory()


def check_alive(server):
    expect(server.is_running(), lambda: f"the server died, {server.status}:\n{server.log_text()}")


def check_exchange(server):
    """A code is made and becomes a token, once."""
    with server.client(timeout=5) as client:
        issued = client.ask(ISSUE)
        expect(issued.status == 201, "no code is issued any more")
        exchange = sandbox.exchange(sandbox.code_of(issued))
        first, second = client.ask(exchange), client.ask(exchange)
    expect((first.status, second.status) == (201, 403), f"the exchange does not work any more:\n{first}\n{second}")


def throw(server, seed, megabytes):
    result = multiprocessing.Queue()
    share = int(megabytes * 1e6 / PROCESSES)
    processes = [
        multiprocessing.Process(target=abuse, args=(server, seed + index, share, result))
        for index in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    sums = [0, 0, 0]
    waiting = PROCESSES
    while waiting:
        try:
            sums = [left + right for left, right in zip(sums, result.get(timeout=1))]
            waiting -= 1
        except multiprocessing.queues.Empty:
            check_alive(server)
            expect(not any(process.exitcode for process in processes), "a client failed")
    for process in processes:
        process.join()
    check_alive(server)
    return sums


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--tls", action="store_true", help="the server speaks TLS, and so do most clients")
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("OBIE_SEED", 0)))
    arguments = parser.parse_args()
    seed = arguments.seed or random.randrange(1, 1 << 31)
    print(f"random bytes: {arguments.megabytes:.0f} MB{' over TLS' if arguments.tls else ''}, OBIE_SEED={seed}", flush=True)
    # The server goes too where this is told to.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory(prefix="obie-tokens-random-") as folder, \
                Server(arguments.server, "--code-lifetime", CODE_SECONDS,
                       tls=Encryption(f"{folder}/ca") if arguments.tls else None) as server:
            run(server, seed, arguments.megabytes)
            status = server.stop(20)
            expect(status == 0, f"the server ended with {status}")
    except (Failure, OSError) as failure:
        sys.exit(f"random bytes: {failure}")


def run(server, seed, megabytes):
    check_exchange(server)
    throw(server, seed, min(megabytes / 4, 10))
    # The warm-up's own codes would hide as many bytes, its lingering connections as many descriptors;
    # and libuv opens one more for each loop with its first connection.
    time.sleep(CODE_SECONDS + 3)
    before, descriptors = server.memory(), server.descriptors()
    started = time.monotonic()
    sent, sockets, answers = throw(server, seed + PROCESSES, megabytes)
    seconds = time.monotonic() - started
    left = settled_descriptors(server, descriptors) - descriptors
    check_exchange(server)
    growth = (settled_memory(server, before + GROWTH_KIB_MAX * KIB) - before) // KIB
    print(
        f"random bytes: {sent / 1e6:,.1f} MB over {sockets:,} sockets, {answers:,} answers, "
        f"{seconds:.0f} s; descriptors {descriptors}, left behind {left}; memory {before // KIB} KiB "
        f"after the warm-up, {growth:+} KiB since", flush=True)
    expect(not left, "descriptors are left behind")
    expect(growth <= GROWTH_KIB_MAX, f"memory grew by more than {GROWTH_KIB_MAX} KiB")
    print("random bytes: the server lives and exchanges codes")


if __name__ == "__main__":
    main()
