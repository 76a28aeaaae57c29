"""Load on several servers at once: codes are made on one and exchanged on another, and every attempt is recorded.

    with Load({"a": 8080, "b": 8081}, banks, recorder, seed=1) as load:
        ...                     # faults
        load.calm()             # all servers answer again: what got 503 is tried again
        load.finish()           # no new codes; every token is looked up on every server

check_history.py reads what the recorder wrote. All of it ends in time.
"""
import asyncio
import collections
import itertools
import random
import threading
import time

from asking import Line, said
from checks import expect, wait_until
from history import LOST

LIFE = 60.0
MARGIN_SECONDS = 15  # codes that live no longer than this are left to expire, as they might on their way
SETTLE_SECONDS = 1.0
CALM_SECONDS, FINISH_SECONDS = 30, 300
WEIGHTS = {"exchange": 40, "look": 15, "revoke": 3, "withdraw": 1, "replay": 1, "try_foreign": 1}

Code = collections.namedtuple("Code", "name bank consent born")
Token = collections.namedtuple("Token", "name code born")


class Load:
    """servers      their ports by name
    rate         attempts a second, all together
    connections  to each server
    stock        codes that are ready to be exchanged when a fault comes
    life         of codes, in seconds, as the servers have it

    While `is_crowding` everybody exchanges, as long as there are codes. `refused`: the codes that got 503."""

    def __init__(self, servers, banks, recorder, seed, rate=500, connections=16, stock=200, weights=None, life=LIFE):
        self.servers, self.banks, self.recorder, self.chance = dict(servers), banks, recorder, random.Random(seed)
        self.pause, self.connections, self.stock = connections * len(servers) / rate, connections, stock
        self.weights = {**WEIGHTS, **(weights or {})}
        self.prefix, self.numbers = f"consent-{seed}", itertools.count()
        self.fresh, self.tokens, self.left, self.again = [], [], [], collections.deque()
        self.errands = {name: collections.deque() for name in servers}
        self.good, self.writes, self.running, self.life, self.rate = {}, [], 0, life, rate
        self.is_crowding, self.refused = False, set()
        self.is_making, self.is_over, self.error = True, False, None
        self.loop = asyncio.new_event_loop()

    def __enter__(self):
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join(30)
        self.recorder.close()

    def _run(self):
        try:
            self.loop.run_until_complete(self._work())
        except Exception as error:  # told by the next who waits
            self.error = error

    async def _work(self):
        await asyncio.gather(*(self.worker(name) for name in self.servers for _ in range(self.connections)))

    # From outside

    def wait(self, condition, what, seconds):
        def answer():
            if self.error:
                raise self.error
            return condition()
        return wait_until(answer, what, seconds)

    def call(self, function):
        """Runs it in the load's thread, between two steps of workers."""
        done = threading.Event()
        self.loop.call_soon_threadsafe(lambda: (function(), done.set()))
        expect(done.wait(20), "the load hangs")

    def stock_up(self, seconds=60):
        """Waits until there are enough codes for a fault, and what the one before has left is done."""
        self.wait(lambda: len(self.fresh) >= 0.8 * self.stock and not self.again, "the stock of codes does not grow", seconds)

    def mark(self, name):
        self.call(lambda: self.recorder.mark(name))

    def killed(self, server):
        self.call(lambda: self.recorder.killed(server))

    def calm(self, seconds=CALM_SECONDS, mark="calm"):
        """Waits until every server exchanges again and has had time to put in order what was left; tries that again."""
        since = time.monotonic()
        def silent():
            return [name for name in self.servers if self.good.get(name, 0) <= since]
        self.wait(lambda: not silent(), lambda: f"after {seconds} s no exchange on {silent()}", seconds)
        time.sleep(SETTLE_SECONDS)
        self.call(lambda: (self.recorder.mark(mark), self.again.extend(self.left), self.left.clear()))

    def look_back(self, since):
        """Of the tokens made since then some are looked up on every server; half of their codes are tried once more."""
        count = int(self.rate * 0.6)  # some seconds' work
        def add():
            recent = [token for token in self.tokens if token.born > since]
            for number, token in enumerate(self.chance.sample(recent, min(count, len(recent)))):
                for name in self.servers:
                    self.errands[name].append((self.look_at, token))
                if number % 2:
                    self.errands[self.chance.choice(list(self.servers))].append((self.replay_of, token))
        self.call(add)

    def end_some(self, servers, count):
        """Newest tokens are revoked through these servers, and at once looked up on all."""
        def add():
            for token in self.tokens[-count:]:
                self.errands[self.chance.choice(servers)].append((self.revoke_of, token))
        self.call(add)

    def finish(self, seconds=FINISH_SECONDS):
        """Ends it: what got 503 is exchanged, then every token is looked up everywhere."""
        end, pause = time.monotonic() + seconds, self.pause
        for _ in range(3):
            self.is_making, self.pause = True, pause
            self.calm()
            self.is_making, self.pause = False, 0
            self.wait(self.is_idle, "what got 503 is still to be tried again", end - time.monotonic())
            if not self.left:
                break
        self.mark("final")
        self.call(lambda: [self.errands[name].append((self.look_at, token)) for token in self.tokens for name in self.servers])
        self.wait(self.is_idle, "look-ups are still to be made", max(end - time.monotonic(), 30))

    def is_idle(self):
        return not self.again and not any(self.errands.values()) and self.running == 0

    def first_writes(self, since):
        """For each server, how long after that moment its first write was answered with success."""
        first = {}
        for moment, name in self.writes:
            if moment > since:
                first.setdefault(name, moment - since)
        return first

    # One connection

    async def worker(self, server):
        line = Line(self.servers[server])
        await asyncio.sleep(self.chance.random() * self.pause)
        while not self.is_over:
            try:
                await line.connect()
            except OSError:
                await asyncio.sleep(0.05 + self.chance.random() * 0.1)
                continue
            began = time.monotonic()
            self.running += 1
            try:
                did = await self.step(line, server)
            finally:
                self.running -= 1
            rest = began + self.pause * self.chance.uniform(0.5, 1.5) - time.monotonic()
            await asyncio.sleep(rest if rest > 0 else 0 if did else 0.01)
        line.close()

    async def step(self, line, server):
        """True where something was asked."""
        ask = (line, server)
        if self.is_crowding and self.fresh:
            await self.exchange(ask)
        elif self.errands[server] and (not self.is_making or self.chance.random() < 0.4):
            what, token = self.errands[server].popleft()
            await what(ask, token)
        elif self.again and (not self.is_making or self.chance.random() < 0.6):
            await self.exchange_of(ask, self.again.popleft())
        elif not self.is_making:
            return False
        elif len(self.fresh) < self.stock and self.chance.random() < 0.7:
            await self.issue(ask)
        else:
            await getattr(self, self.chance.choices(list(self.weights), self.weights.values())[0])(ask)
        return True

    async def attempt(self, ask, kind, bank, **what):
        """Asks, records, and returns (outcome, what the answer says)."""
        (line, server), start, found = ask, time.monotonic(), {}
        try:
            outcome, body = await line.ask(bank.request(kind, **what))
            found = said(kind, outcome, body)
        except OSError:
            outcome = LOST
        end = time.monotonic()
        self.recorder.write(kind=kind, start=start, end=end, server=server, bank=bank.reference, outcome=outcome,
                            **{**what, **found})
        if outcome == 201:
            self.writes.append((end, server))
            if kind == "exchange":
                self.good[server] = start
        elif outcome in (503, LOST):
            await asyncio.sleep(self.chance.uniform(0.05, 0.2))
        return outcome, found

    # What is asked

    async def issue(self, ask):
        bank, number = self.chance.choice(self.banks), next(self.numbers)
        if self.chance.random() < 0.1:
            number = self.chance.randrange(max(0, number - 50), number + 1)
        consent, born = f"{self.prefix}-{number}", time.monotonic()
        outcome, found = await self.attempt(ask, "issue", bank, consent=consent)
        if outcome == 201:
            self.fresh.append(Code(found["code"], bank, consent, born))

    async def exchange(self, ask):
        if not self.fresh:
            return await self.issue(ask)
        at = self.chance.randrange(len(self.fresh))
        self.fresh[at], self.fresh[-1] = self.fresh[-1], self.fresh[at]
        code = self.fresh.pop()
        if self.is_young(code) or self.chance.random() < 0.05:
            await self.exchange_of(ask, code)

    async def exchange_of(self, ask, code, was_left=False):
        outcome, found = await self.attempt(ask, "exchange", code.bank, code=code.name)
        if outcome == 503:
            self.refused.add(code.name)
        if outcome == 201:
            self.tokens.append(Token(found["token"], code, time.monotonic()))
        elif outcome == 503 and ask[0].streams and self.chance.random() < 0.05:
            await self.exchange_of(ask, code, True)  # impatient: 403 is allowed now, a second token never
        elif was_left or outcome in (503, LOST):
            if self.is_young(code, 1):
                self.left.append(code)

    def is_young(self, code, margin=MARGIN_SECONDS):
        return time.monotonic() - code.born < self.life - margin

    def recent(self):
        return self.tokens[-1 - int(min(len(self.tokens) - 1, self.chance.expovariate(1 / 300)))] if self.tokens else None

    async def look(self, ask):
        if token := self.recent():
            bank = self.chance.choice(self.banks) if self.chance.random() < 0.1 else token.code.bank
            await self.attempt(ask, "lookup", bank, token=token.name)

    async def look_at(self, ask, token):
        outcome, _ = await self.attempt(ask, "lookup", token.code.bank, token=token.name)
        if outcome in (503, LOST):
            self.errands[ask[1]].append((self.look_at, token))

    async def revoke(self, ask):
        if token := self.recent():
            await self.revoke_of(ask, token)

    async def revoke_of(self, ask, token):
        outcome, _ = await self.attempt(ask, "revoke", token.code.bank, token=token.name)
        for name in self.servers if outcome == 200 else ():
            self.errands[name].appendleft((self.look_at, token))

    async def withdraw(self, ask):
        if token := self.recent():
            await self.attempt(ask, "consent", token.code.bank, consent=token.code.consent)

    async def replay(self, ask):
        if token := self.recent():
            await self.replay_of(ask, token)

    async def replay_of(self, ask, token):
        outcome, found = await self.attempt(ask, "exchange", token.code.bank, code=token.code.name)
        if outcome == 201:  # it must not be
            self.tokens.append(Token(found["token"], token.code, time.monotonic()))
        elif outcome in (503, LOST) and self.is_young(token.code):
            self.errands[ask[1]].append((self.replay_of, token))

    async def try_foreign(self, ask):
        if self.fresh and len(self.banks) > 1:
            code = self.chance.choice(self.fresh)
            other = self.chance.choice([bank for bank in self.banks if bank is not code.bank])
            await self.attempt(ask, "exchange", other, code=code.name)
