"""Refusals that are counted instead of written are told all the same: at the end, and within a minute."""
import os
import re
import time

import sandbox
from harness import Client, Server, came_true, expect
from outcomes import each
from shim import Shim

GUESSES = 300
CONNECTIONS = 10
HOUR = 3600
BOUND_SECONDS = 65  # one minute, and a busy machine
GUESS = sandbox.post(sandbox.TOKENS, {"grant_type": "client_credentials"},
                     Authorization=sandbox.basic(sandbox.CLIENT, "wrong"))


def guess(server, count):
    """On several connections, so that each loop gets some."""
    for _ in range(CONNECTIONS):
        with Client(server.port) as client:
            for _ in range(count // CONNECTIONS):
                expect(client.ask(GUESS).status in (401, 429), "a wrong password was not refused")


def told(server):
    """(lines, what `refusals_suppressed` lines add up to)."""
    lines, summed = 0, 0
    for line in server.audit():
        if line["event"] == "refusals_suppressed":
            summed += int(re.search(r"\d+", line["reason"])[0])
        elif line["event"] in ("authentication_failed", "refused"):
            lines += 1
    return lines, summed


def start(program, shim, folder):
    return Server(program, "--loops", "2", "--audit-log", "audit", throttle=True, cwd=folder, **shim.server)


def guesses_then_stop(program, folder, before=0, after=0, name="plain"):
    """The clock goes by `before` at the start and by `after` in the middle."""
    os.mkdir(os.path.join(folder, name))
    with Shim() as shim, start(program, shim, os.path.join(folder, name)) as server:
        shim.move_clock(before)
        guess(server, GUESSES // 2)
        shim.move_clock(before + after)
        guess(server, GUESSES - GUESSES // 2)
        expect(server.stop() == 0, "it did not end with 0")
        lines, summed = told(server)
    expect(lines + summed == GUESSES, f"{GUESSES} wrong passwords ({name}), then SIGTERM: {lines} lines in the audit log, and "
                                      f"{summed} more told; {GUESSES - lines - summed} are missing")
    return f"{name} {lines} + {summed}"


def check_refusals(program, folder):
    return f"{GUESSES} wrong passwords are all told at the end: " + each(
        lambda: guesses_then_stop(program, folder),
        lambda: guesses_then_stop(program, folder, after=-HOUR, name="clock an hour back"),
        lambda: guesses_then_stop(program, folder, before=-HOUR, name="clock an hour back from the start"),
        lambda: guesses_then_stop(program, folder, after=HOUR, name="clock an hour on"))


def check_minute(program, folder):
    """Two servers that go on running, one of them with its clock set back."""
    with Shim() as right, Shim() as back:
        servers = [start(program, right, folder), start(program, back, os.path.join(folder, "back"))]
        os.mkdir(servers[1].cwd)
        with servers[0], servers[1]:
            for server in servers:
                guess(server, GUESSES // 2)
            back.move_clock(-HOUR)
            for server in servers:
                guess(server, GUESSES - GUESSES // 2)
            began = time.monotonic()
            came_true(lambda: all(sum(told(server)) == GUESSES for server in servers), BOUND_SECONDS)
            took = time.monotonic() - began
            counts = [told(server) for server in servers]
            for name, (lines, summed) in zip(("", ", the clock an hour back"), counts):
                expect(lines + summed == GUESSES, f"{GUESSES} wrong passwords{name}, and after {took:.0f} s: {lines} lines, and "
                                                  f"{summed} more told; {GUESSES - lines - summed} are missing")
    return f"{GUESSES} wrong passwords are all told {took:.1f} s later, also where the clock went back"
