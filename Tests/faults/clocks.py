"""Clocks that are set while the server runs, or were set while it did not: time goes on, and nothing is lost."""
import os
import subprocess
import time

import sandbox
from harness import Client, Failure, Server, expect
from outcomes import each
from records import BANK, Production, Sandbox
from shim import Shim

MINUTE, HOUR, DAY = 60, 3600, 86_400
LIFETIME = 2  # of a code, in seconds
SLACK, TRIES = 0.1, 3  # a busy machine may take the rest of that time
STORES = {"memory": "memory", "SQLite": "sqlite:obie-tokens.db"}
BEHIND = r"the wall clock is [0-9.]+ \w+ behind"
AHEAD_METRIC = "obie_tokens_wall_clock_ahead_seconds"


class Till:
    """One client, and what it asks."""

    def __init__(self, client, requests):
        self.client, self.requests = client, requests

    def code(self):
        answer = self.client.ask(self.requests.make_code())
        expect(answer.status == 201, f"no code was made: {answer.status} {answer.body}")
        return sandbox.code_of(answer)

    def exchange(self, code):
        return self.client.ask(self.requests.exchange(code)).status

    def token(self):
        answer = self.client.ask(self.requests.exchange(self.code()))
        expect(answer.status == 201, f"a fresh code was not exchanged: {answer.status} {answer.body}")
        return sandbox.token_of(answer)

    def tokens(self, count=5):
        return [self.token() for _ in range(count)]

    def alive(self, tokens):
        answers = [self.client.ask(self.requests.introspect(token)).body for token in tokens]
        return sum(b'"active":true' in answer for answer in answers)

    def expect_alive(self, tokens, when):
        alive = self.alive(tokens)
        expect(alive == len(tokens), f"{when}, {len(tokens) - alive} of {len(tokens)} tokens were not active")


def start(program, folder, shim, store="memory", *flags, mode="sandbox"):
    return Server(program, "--loops", "2", "--mode", mode, "--code-lifetime", LIFETIME, *flags, store=STORES[store],
                  cwd=folder, **shim.server)


def tokens_while_a_code_lives(till, name):
    """A code is exchanged before its time is over."""
    tokens = []
    for _ in range(TRIES):
        began = time.monotonic()
        fresh = till.code()
        tokens += till.tokens()
        time.sleep(LIFETIME - 0.5)
        if till.exchange(fresh) == 201:
            return tokens
        expect(time.monotonic() - began >= LIFETIME - SLACK,
               f"{name}: a code was refused before its {LIFETIME} s were over")
    raise Failure(f"{name}: {TRIES} codes were exchanged after more than {LIFETIME} s: the machine is too busy to tell")


def set_while_it_runs(program, folder, store, seconds, name):
    """A code lives as long as it should, and tokens live on, whatever the wall clock says."""
    os.mkdir(folder)
    with Shim() as shim, start(program, folder, shim, store) as server, Client(server.port) as client:
        till = Till(client, Sandbox())
        before, old = till.tokens(), till.code()
        shim.move_clock(seconds)
        time.sleep(LIFETIME + 0.2)
        expect(till.exchange(old) == 403, f"{name}: a code was exchanged after its {LIFETIME} s")
        during = tokens_while_a_code_lives(till, name)
        till.expect_alive(before + during, name)
        # The lines and the metric tell, once.
        ahead = server.metrics().get(AHEAD_METRIC)
        expect(ahead is not None and abs(ahead - seconds) < 1, f"{name}: {AHEAD_METRIC} is {ahead}")
        told = [line for line in server.log if "the wall clock was set" in line]
        expect(len(told) == 1, f"{name}: the log says {told}")
        shim.move_clock(0)
        time.sleep(1.2)
        till.expect_alive(before + during, f"{name} and back")
        server.wait_for("the wall clock agrees with the server's time again", 5)
    return f"{name} ({store})"


def suspended(program, folder):
    """A machine that sleeps: codes grow old meanwhile, and nobody is told of a step."""
    os.mkdir(folder)
    with Shim() as shim, start(program, folder, shim) as server, Client(server.port) as client:
        till = Till(client, Sandbox())
        tokens, code = till.tokens(), till.code()
        shim.suspend(30)
        expect(till.exchange(code) == 403, "a code was exchanged after its machine had slept for 30 s")
        till.expect_alive(tokens, "after a sleep")
        time.sleep(1.2)
        expect("wall clock" not in server.log_text(), f"the log tells of a step: {server.log_text()}")
    return "suspended"


def restarted(program, folder, seconds, name):
    """In production, on disk: what was issued before the restart is what it was."""
    os.mkdir(folder)
    requests = None
    with Shim() as shim:
        server = start(program, folder, shim, "SQLite", mode="production")
        with server, Client(server.port) as client:
            requests = Production(program, folder)
            requests.take_ccg_token(client)
            till = Till(client, requests)
            tokens, code = till.tokens(), till.code()
            expect(server.stop() == 0, "it did not end with 0")
        time.sleep(LIFETIME)
        shim.move_clock(seconds)
        server = start(program, folder, shim, "SQLite", mode="production")
        with server, Client(server.port) as client:
            if seconds < 0:
                server.wait_for(BEHIND, 5)
                till = Till(client, requests)
                till.expect_alive(tokens, name)
                tokens += till.tokens()
                till.expect_alive(tokens, name)
                revoke(program, folder, shim, till, tokens, name)
            else:
                time.sleep(4)  # it would delete what is 400 days old
            expect(server.stop() == 0, "it did not end with 0")
        shim.move_clock(0)
        with start(program, folder, shim, "SQLite", mode="production") as server, Client(server.port) as client:
            till = Till(client, requests)
            expect(till.exchange(code) in (401, 403), f"{name}: a code outlived it")
            if seconds > 0:
                till.expect_alive(tokens, f"{name} and back")
            else:
                expect(till.alive(tokens) == 0, f"{name}: what was revoked is alive again")
    return name


def revoked_ahead(program, folder):
    """A command whose wall clock is ahead of the server's time revokes nothing that is issued afterwards."""
    os.mkdir(folder)
    with Shim() as shim, start(program, folder, shim, "SQLite", mode="production") as server, Client(server.port) as client:
        requests = Production(program, folder)
        requests.take_ccg_token(client)
        till = Till(client, requests)
        tokens = till.tokens()
        shim.move_clock(HOUR)
        revoke(program, folder, shim, till, tokens, "an hour ahead")
        requests.take_ccg_token(client)
        till.expect_alive(till.tokens(), "issued after a `tokens revoke` with a clock an hour ahead")
    return "revoked with a clock an hour ahead"


def revoke(program, folder, shim, till, tokens, name):
    """A command revokes what was issued until now, wherever its wall clock stands."""
    environment = {**os.environ, "LD_PRELOAD": shim.server["preload"], **shim.server["env"]}
    subprocess.run([program, "tokens", "revoke", "--fi", BANK, "--yes"], cwd=folder, check=True, capture_output=True,
                   env=environment)
    alive = till.alive(tokens)
    expect(alive == 0, f"{name}: of {len(tokens)} tokens {alive} were alive after `tokens revoke`")


def check_clocks(program, folder):
    folders = (os.path.join(folder, str(number)) for number in range(100))
    steps = [(-50, "50 s back"), (400 * DAY, "400 days on"), (-10 * MINUTE, "10 minutes back"), (-HOUR, "an hour back")]
    calls = [lambda store=store, seconds=seconds, name=name: set_while_it_runs(program, next(folders), store, seconds, name)
             for store in STORES for seconds, name in steps]
    return "time goes on: " + each(
        *calls, lambda: suspended(program, next(folders)),
        lambda: revoked_ahead(program, next(folders)),
        lambda: restarted(program, next(folders), -10 * MINUTE, "restarted 10 minutes behind"),
        lambda: restarted(program, next(folders), 400 * DAY, "restarted 400 days ahead"))
