"""Counters never fall: /metrics is scraped under a load of everything, and while the wall clock jumps."""
import re
import threading
import time

import sandbox
from harness import Client, Failure, Server, expect
from outcomes import each
from shim import Shim

COUNTER = re.compile(r"_(total|count|sum|bucket)(\{|$)")
SECONDS = 4
AT_ONCE = 50
HOUR = 3600


class Scraper:
    """Remembers the highest value of each counter, and what fell."""

    def __init__(self, server):
        self.server, self.highest, self.falls, self.count = server, {}, {}, 0

    def scrape(self):
        self.count += 1
        for name, value in self.server.metrics().items():
            if COUNTER.search(name):
                before = self.highest.setdefault(name, value)
                if value < before:
                    self.falls.setdefault(name, []).append(f"{before:g} to {value:g}")
                self.highest[name] = max(before, value)

    def scrape_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.scrape()
            time.sleep(0.01)

    def verdict(self, when):
        falls = "; ".join(f"{name} fell {len(each)} times, first from {each[0]}" for name, each in self.falls.items())
        expect(not falls, f"{when}, in {self.count} scrapes: {falls}")


class Load:
    """Clients in threads; `with` ends them and raises what one of them met."""

    def __init__(self, server, *loads):
        self.server, self.ended, self.errors = server, threading.Event(), []
        self.threads = [threading.Thread(target=self._run, args=(load,)) for load in loads]

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        for error in self.errors:
            raise Failure(f"a client was not served: {error!r}")

    def _run(self, load):
        try:
            while not self.ended.is_set():
                load(self.server)
        except (Failure, OSError) as error:
            self.errors.append(error)


def at_the_last_moment(server):
    """Codes that are exchanged just when they expire, on another connection and so maybe another loop."""
    with Client(server.port) as maker, Client(server.port) as taker:
        began = time.monotonic()
        maker.send(sandbox.make_code() * AT_ONCE)
        codes = [sandbox.code_of(maker.read()) for _ in range(AT_ONCE)]
        time.sleep(max(0, began + 1 - time.monotonic()))
        taker.send(b"".join(map(sandbox.exchange, codes)))
        for _ in codes:
            expect(taker.read().status in (201, 403), "an exchange was neither granted nor refused")


def everything_else(server):
    """Codes that expire, exchanges, replays, revocations, errors, and a new connection each time."""
    with Client(server.port) as client:
        for _ in range(10):
            client.ask(sandbox.make_code())
            code = sandbox.code_of(client.ask(sandbox.make_code()))
            token = sandbox.token_of(client.ask(sandbox.exchange(code)))
            client.ask(sandbox.introspect(token))
            client.ask(sandbox.revoke(token))
            client.ask(sandbox.exchange(code))
            client.ask(sandbox.exchange(sandbox.UNKNOWN_CODE))
            client.ask(sandbox.get("/nothing"))
        client.ask(b"GET / HTTP/1.1\r\n\r\n")


def under_load(program, store):
    with Server(program, "--loops", "2", "--code-lifetime", "1", store=store) as server:
        scraper = Scraper(server)
        with Load(server, *[at_the_last_moment] * 4, everything_else):
            scraper.scrape_for(SECONDS)
        scraper.scrape_for(1.2)  # until the last of them has expired
        scraper.verdict(f"under load ({store})")
        expired = scraper.highest["obie_tokens_codes_expired_total"]
        expect(expired > 0, "no code expired: this shows nothing")
        return f"{scraper.count} scrapes of {len(scraper.highest)} counters under load ({store}, {expired:.0f} codes expired)"


def while_clock_jumps(program):
    with Shim() as shim, Server(program, "--loops", "2", "--code-lifetime", "1", **shim.server) as server:
        scraper = Scraper(server)
        with Client(server.port) as client:
            for seconds in (0, -HOUR, HOUR, 0):
                shim.move_clock(seconds)
                for _ in range(20):
                    client.ask(sandbox.make_code())
                scraper.scrape_for(1.2)
        scraper.verdict("while the clock jumps by an hour")
        return f"{scraper.count} while the clock jumps by hours"


def check_counters(program):
    return "none fell in " + each(lambda: under_load(program, "sqlite:obie-tokens.db"), lambda: under_load(program, "memory"),
                                  lambda: while_clock_jumps(program))
