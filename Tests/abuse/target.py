"""The server under abuse, and a client that behaves: what the checks measure with."""
import multiprocessing
import time

from harness import Server, expect, sandbox

GRANT = sandbox.client_credentials()
MAKE_CODE = sandbox.make_code()
UNKNOWN_CODE = sandbox.exchange(sandbox.UNKNOWN_CODE)
PAGE_REQUEST = sandbox.get("/errors")
HEAD = sandbox.open_head(sandbox.TOKENS)

TIMEOUT = 10.0  # of a head, of a body, and of a client that does not read
LATE = 5.0  # two ticks of the server's clock, 0.5 s, and a busy machine; a time-out that is missed is 10 s late
EARLY = 0.05


def target(program, tls, **limits):
    """A server with one loop, to be used by `with`. `tls` is an Encryption, or None."""
    return Server(program, "--loops", "1", limits=limits, tls=tls)


def connect(server, number=0):
    """A connection from one of several addresses, so that no address runs out of ports."""
    return server.client(source=f"127.0.0.{2 + number % 8}")


def exchanges(server, seconds):
    """Milliseconds of each request of a good client, sorted: codes are made and exchanged, one after the other."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        with connect(server) as client:  # again, long before the last request that a connection may have
            for _ in range(1000):
                began = time.monotonic()
                answer = client.ask(MAKE_CODE)
                made = time.monotonic()
                expect(answer.status == 201, f"asked for a code, got {answer.status}")
                answer = client.ask(sandbox.exchange(sandbox.code_of(answer)))
                expect(answer.status == 201, f"exchanged a code, got {answer.status}")
                took += [1000 * (made - began), 1000 * (time.monotonic() - made)]
    return sorted(took)


def asks(server, request, expected, seconds):
    """Milliseconds of each of the same request, sorted: nothing is stored for it."""
    took, end = [], time.monotonic() + seconds
    with connect(server) as client:
        while (now := time.monotonic()) < end:
            expect(client.ask(request).status == expected, "a good client was not served")
            took.append(1000 * (time.monotonic() - now))
    return sorted(took)


def p99(sorted_figures):
    return sorted_figures[len(sorted_figures) * 99 // 100]


def in_child(work, *arguments):
    """(process, the receiving end of its pipe, whose other end `work` gets as its last argument)."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=work, args=(*arguments, sender))
    process.start()
    return process, receiver


def outcome(process, receiver):
    result = receiver.recv() if receiver.poll(2 * TIMEOUT + 10) else "an attacker did not end"
    process.join()
    expect(not isinstance(result, str), result)
    return result
