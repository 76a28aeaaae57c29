"""A history that keeps every promise, invented: servers that answer by a truthful model, with an outage in the middle.

What it has on purpose: intervals that overlap, attempts without an answer that happen at once, later or never, codes that
are spent for a while under a 503, revocations that are seen and then gone, a server that dies, codes that are too old,
institutions that try others' codes.
"""
import heapq
import itertools
import random

SERVERS, BANKS, LIFE = ["a", "b", "c"], ["bank-x", "bank-y"], 60.0
OUTAGE, DEATH, CALM, FINAL = (40.0, 50.0), 42.0, 52.0, 200.0


class Code:
    """The truth about one code."""

    def __init__(self, bank, consent):
        self.bank, self.consent, self.name, self.made = bank, consent, None, None
        self.token, self.known, self.is_dead, self.is_void = None, False, False, False
        self.was_left, self.seems_dead = False, False


class Inventor:
    """`lines` is the history after `invent`."""

    def __init__(self, seed, codes=300):
        self.chance, self.count = random.Random(seed), codes
        self.lines = [{"kind": "plan", "servers": SERVERS, "life": LIFE, "seed": seed},
                      {"kind": "killed", "server": "a", "start": DEATH}, {"kind": "mark", "name": "calm", "start": CALM},
                      {"kind": "mark", "name": "final", "start": FINAL}]
        self.events, self.order, self.codes = [], itertools.count(), []

    def at(self, moment, what, *arguments):
        heapq.heappush(self.events, (moment, next(self.order), what, arguments))

    def invent(self):
        for number in range(self.count):
            code = Code(self.chance.choice(BANKS), f"consent-{number // 2}")
            self.codes.append(code)
            self.at(self.chance.uniform(0, 48), self.issue, code)
        self.at(CALM - 0.5, self.settle)
        while self.events:
            moment, _, what, arguments = heapq.heappop(self.events)
            what(moment, *arguments)
        for code in self.codes:
            for server in SERVERS if code.known else []:
                self.write("lookup", FINAL + self.chance.uniform(1, 5), code, server=server, outcome=200,
                           active=not code.is_dead)
        return self.lines

    def write(self, kind, moment, code, **more):
        start, end = moment - self.chance.uniform(0, 0.3), moment + self.chance.uniform(0, 0.3)
        line = {"kind": kind, "start": start, "end": end, "server": self.chance.choice(SERVERS), "bank": code.bank,
                "code": code.name, "token": code.token, "consent": code.consent, **more}
        keep = {"issue": ("code", "consent"), "exchange": ("code", "token"), "consent": ("consent",)}.get(kind, ("token",))
        for name in {"code", "token", "consent"} - set(keep):
            del line[name]
        self.lines.append(line)
        return line

    def is_out(self, moment):
        """Half of what is asked during the outage gets no good answer."""
        return OUTAGE[0] < moment < OUTAGE[1] and self.chance.random() < 0.5

    def no_answer(self, kind, moment, code, effect, *arguments, **more):
        """503 or nothing; it may happen later."""
        self.write(kind, moment, code, outcome=self.chance.choice([503, "lost"]), **more)
        if self.chance.random() < 0.5:
            self.at(self.chance.uniform(moment, CALM - 0.6), effect, code, *arguments)

    # What is asked

    def issue(self, moment, code):
        if self.is_out(moment):
            self.write("issue", moment, code, outcome=self.chance.choice([503, "lost"]))
            return
        code.name, code.made = f"code-{self.codes.index(code)}", moment
        # Void codes of a consent that was revoked before are another matter; here consents are only revoked later.
        line = self.write("issue", moment, code, outcome=201)
        later = line["end"] + 0.01
        for _ in range(self.chance.choice([0, 1, 1, 1, 1, 2, 3])):
            rest = self.chance.choice([self.chance.uniform(0, 1), self.chance.uniform(0, 50), 70])
            self.at(later + rest, self.exchange, code)
        if self.chance.random() < 0.1:
            self.at(later + self.chance.uniform(0, 20), self.try_foreign, code)

    def exchange(self, moment, code):
        if self.is_out(moment):
            self.exchange_in_outage(moment, code)
        elif code.token or code.is_void or moment > code.made + LIFE:
            self.write("exchange", moment, code, outcome=403, token=None)
            self.replay(moment, code)
        else:
            self.win(moment, code)

    def win(self, moment, code):
        code.token, code.known = f"token-{moment}", True
        end = self.write("exchange", moment, code, outcome=201)["end"] + 0.31
        for _ in range(self.chance.randrange(4)):
            self.at(end + self.chance.uniform(0, 40), self.look, code)
        if self.chance.random() < 0.15:
            self.at(end + self.chance.uniform(0, 40), self.revoke, code)
        if self.chance.random() < 0.1:
            self.at(end + self.chance.uniform(0, 40), self.revoke_consent, code)

    def exchange_in_outage(self, moment, code):
        outcome, server = self.chance.choice([503, "lost"]), self.chance.choice(SERVERS)
        self.write("exchange", moment, code, outcome=outcome, server=server, token=None)
        code.was_left |= outcome == 503
        if self.chance.random() < 0.5:
            self.at(self.chance.uniform(moment, CALM - 0.6), self.spend_unheard, code, outcome, server)

    def spend_unheard(self, moment, code, outcome, server):
        if code.token or code.is_void:
            self.replay(moment, code)
            return
        code.token = f"unheard-{moment}"
        is_orphan = server == "a" and outcome == 503 and moment < DEATH  # nobody puts that in order
        if outcome == 503 and not is_orphan:
            self.at(self.chance.uniform(moment, CALM - 0.6), self.undo, code, code.token)
        elif is_orphan:
            code.was_left = False

    def undo(self, _, code, token):
        if code.token == token:
            code.token, code.is_dead = None, False

    def settle(self, _):
        for code in self.codes:
            if code.was_left and not code.known and code.made > CALM - LIFE + 3:
                self.at(CALM + self.chance.uniform(0.4, 1.5), self.exchange, code)

    def try_foreign(self, moment, code):
        other = next(bank for bank in BANKS if bank != code.bank)
        self.write("exchange", moment, code, outcome=403, bank=other, token=None)

    def replay(self, _, code):
        code.is_dead |= bool(code.token)

    def look(self, moment, code):
        other = self.chance.random() < 0.1
        if self.is_out(moment):
            self.write("lookup", moment, code, outcome=503)
        else:
            more = {"bank": next(bank for bank in BANKS if bank != code.bank)} if other else {}
            self.write("lookup", moment, code, outcome=200, active=not code.is_dead and not code.seems_dead and not other,
                       **more)

    def revoke(self, moment, code):
        if self.is_out(moment):
            self.no_answer("revoke", moment, code, self.end if self.chance.random() < 0.5 else self.seem_dead)
        else:
            self.write("revoke", moment, code, outcome=200)
            self.end(moment, code)

    def revoke_consent(self, moment, code):
        if moment < 50:  # a code of the same consent may still be made
            return
        self.write("consent", moment, code, outcome=200)
        for one in self.codes:
            if (one.bank, one.consent) == (code.bank, code.consent):
                one.is_void, one.is_dead = True, True

    def seem_dead(self, moment, code):
        """A primary has it, and dies."""
        code.seems_dead = True
        for _ in range(3):
            self.at(self.chance.uniform(moment, CALM - 0.6), self.look, code)
        self.at(CALM - 0.6, self.live_again, code)

    def live_again(self, _, code):
        code.seems_dead = False

    def end(self, _, code):
        code.is_dead = True
