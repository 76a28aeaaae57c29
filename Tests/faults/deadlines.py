"""Each wait has its own deadline, whatever the connection waited for before; and whoever makes progress has time."""
import socket
import time

import sandbox
from harness import Client, Server, expect
from outcomes import at_once

EARLY, LATE = 0.1, 1.3  # seconds: two ticks of the server's clock, and a busy machine
GET, CODE = sandbox.get("/healthz"), sandbox.make_code()
BODY = len(CODE) - CODE.index(b"\r\n\r\n") - 4
PAGE = sandbox.get("/openapi.json")


def send_in_parts(client, request, at):
    client.send(request[:at])
    time.sleep(0.1)
    client.send(request[at:])
    return client.read()


def whole(client):
    client.ask(GET)


def head_in_two(client):
    expect(send_in_parts(client, GET, 10).status == 200, "a head in two parts was not served")


def body_in_two(client):
    expect(send_in_parts(client, CODE, -10).status == 201, "a body in two parts was not served")


def both_in_two(client):
    client.send(CODE[:20])
    time.sleep(0.1)
    expect(send_in_parts(client, CODE[20:], -10).status == 201, "a request in three parts was not served")


def expects_continue(client):
    head = sandbox.head(sandbox.CODES, BODY, Expect="100-continue")
    expect(client.ask(head).status == 100, "no 100 Continue")
    expect(client.ask(CODE[-BODY:]).status == 201, "a body after 100 Continue was not served")


def unread_for_a_while(client):
    """So much that the server stops reading; then all is read."""
    client.send(PAGE * 150)
    time.sleep(0.3)
    for _ in range(150):
        client.read()


def nothing(client):
    pass


def part_of_a_head(client):
    client.send(GET[:10])


def then(*steps):
    def both(client):
        for step in steps:
            step(client)
    both.__name__ = " then ".join(step.__name__ for step in steps)
    return both


def ends(server, script, seconds, status):
    """The connection must end so many seconds after the script: without a word, or with an answer of that status."""
    def call():
        name = script.__name__.replace("_", " ")
        with Client(server.port, timeout=seconds + 12) as client:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            script(client)
            began = time.monotonic()
            answer = client.read().status if status else None
            rest = None if status else client.socket.recv(1)
            took = time.monotonic() - began
        wanted = f"(expected {status or 'nothing'} after {seconds} s)"
        expect(answer == status and not rest, f"{name}: got {answer or rest} {wanted}")
        expect(seconds - EARLY <= took <= seconds + LATE, f"{name}: ended after {took:.1f} s {wanted}")
        return f"{name} {took:.1f} s"
    return call


def check_deadlines(program):
    """Where it comes to 10 s, a deadline of what went before has been left in place."""
    with Server(program, "--loops", "1", "--idle-timeout", "1", "--head-timeout", "8") as short_idle, \
            Server(program, "--loops", "1", "--idle-timeout", "1", "--head-timeout", "3") as middle, \
            Server(program, "--loops", "1", "--idle-timeout", "30", "--head-timeout", "1") as long_idle:
        idle = [ends(short_idle, script, 1, None) for script in (
            nothing, whole, head_in_two, body_in_two, both_in_two, expects_continue, unread_for_a_while,
            then(head_in_two, whole), then(body_in_two, head_in_two), then(whole, head_in_two, whole))]
        heads = [ends(server, script, seconds, 408) for server, seconds in ((middle, 3), (long_idle, 1)) for script in (
            part_of_a_head, then(whole, part_of_a_head), then(head_in_two, part_of_a_head),
            then(body_in_two, part_of_a_head))]
        return "idle connections and heads end when they should: " + at_once(*idle, *heads)


RATE = 40_000  # bytes a second
READING_SECONDS = 15
WRITE_SECONDS = 10  # it looks every ten seconds whether the client has read anything
ASKED = PAGE * 200
SMALL = 4096


def slow_client(server):
    client = Client(server.port)
    client.close()
    client.socket = socket.socket()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    client.socket.settimeout(5)
    client.socket.connect(("127.0.0.1", server.port))
    return client


def steady(server, rate):
    """Reads at a constant rate."""
    def call():
        with slow_client(server) as client:
            client.send(ASKED)
            began, got = time.monotonic(), 0
            while (passed := time.monotonic() - began) < READING_SECONDS:
                try:
                    if due := int(rate * passed) - got:
                        data = client.socket.recv(due)
                        expect(data, f"a client that reads {rate} bytes/s was closed after {passed:.1f} s")
                        got += len(data)
                except OSError as error:
                    expect(False, f"a client that reads {rate} bytes/s: {error} after {passed:.1f} s and {got} bytes")
                time.sleep(0.02)
        expect(got >= 0.8 * rate * READING_SECONDS, f"a client that reads {rate} bytes/s got only {got} in {passed:.0f} s")
        return f"one that reads {rate} bytes/s is served for {READING_SECONDS} s"
    return call


def heard_of_the_end(client, since):
    """Seconds until its connection is gone: it hears of that when it sends a little more."""
    try:
        while time.monotonic() < since + 2 * WRITE_SECONDS + LATE + 1:
            time.sleep(0.1)
            client.send(b"G")
    except ConnectionError:
        pass
    return time.monotonic() - since


def deaf(server):
    """Reads nothing."""
    with slow_client(server) as client:
        client.send(ASKED)
        took = heard_of_the_end(client, time.monotonic())
    expect(WRITE_SECONDS - EARLY <= took <= 2 * WRITE_SECONDS + LATE, f"one that reads nothing was gone after {took:.1f} s")
    return f"one that reads nothing is gone after {took:.1f} s"


def stops_reading(server):
    """Reads for four seconds, then nothing any more: what it reads in the end may renew the deadline, once."""
    with slow_client(server) as client:
        client.send(ASKED)
        began, got = time.monotonic(), 0
        while (passed := time.monotonic() - began) < 4:
            if due := int(RATE * passed) - got:
                got += len(client.socket.recv(due))
            time.sleep(0.02)
        stopped = time.monotonic()
        took = heard_of_the_end(client, stopped)
    expect(took <= 2 * WRITE_SECONDS + LATE, f"one that stops reading was not gone after {took:.1f} s")
    return f"one that stops reading is gone {took:.1f} s later"


def check_readers(program):
    with Server(program, "--loops", "1") as server:
        return at_once(steady(server, RATE), steady(server, 4 * RATE), lambda: deaf(server), lambda: stops_reading(server))
