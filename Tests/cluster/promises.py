"""What the servers have promised, and whether a history keeps it. Knows nothing of who made the history.

Two attempts whose intervals overlap may have happened in either order. What was not answered (`lost`, 503) may have
happened, at once or until it is calm, or never; only of an exchange is 503 a promise: when it is calm the code is good.
A revocation without an answer may also be seen for a while and then be gone: a primary had it that died before its standby
knew. That errs on the safe side, and is counted ("active again").
"""
import collections

from history import LOST

CLOCK_SECONDS = 0.1  # the servers' clocks agree as well as this
REPLAY_SECONDS = 600 - CLOCK_SECONDS  # a used code is remembered at least as long
ANSWERS = {"issue": {201, 503, LOST}, "exchange": {201, 403, 503, LOST}, "lookup": {200, 503, LOST},
           "revoke": {200, 503, LOST}, "consent": {200, 503, LOST}}
FAULTS = {
    "answer": "an answer that nobody may get here",
    "failed": "a request that failed though nothing was broken",
    "same": "one code for two requests, or one token for two codes",
    "twice": "a code that was exchanged twice",
    "foreign": "something of one institution that another could use",
    "old": "a code that was exchanged after its life",
    "void": "a code that was exchanged after its consent was revoked",
    "refused": "a good code that was refused",
    "untried": "a code whose exchange got 503, and that nobody tried again (a fault of the test)",
    "dead": "a token that is not alive, though nobody has ended it",
    "revived": "a token that is alive, though it had been ended",
    "unseen": "a token that was not looked up on every server at the end (a fault of the test)",
}


class Judge:
    """`faults`: (kind, what is known). `counts`: what was looked at."""

    def __init__(self, history, no_failures=False):
        self.history, self.faults, self.counts = history, [], collections.Counter()
        self.attempts_of, self.looks_of, self.revokes_of = (collections.defaultdict(list) for _ in range(3))
        self.consents_of, self.issue_of, self.exchange_of = collections.defaultdict(list), {}, {}
        for attempt in history.attempts:
            if attempt.outcome not in ANSWERS[attempt.kind]:
                self.find("answer", attempt)
            if no_failures and not attempt.is_answered:
                self.find("failed", attempt)
            self._sort_in(attempt)

    def find(self, kind, *what):
        self.faults.append((kind, what))

    def _sort_in(self, attempt):
        kind = attempt.kind
        if kind == "issue" and attempt.outcome == 201:
            if self.issue_of.setdefault(attempt.code, attempt) is not attempt:
                self.find("same", self.issue_of[attempt.code], attempt)
        elif kind == "exchange":
            self.attempts_of[attempt.code].append(attempt)
            if attempt.outcome == 201:
                first = self.exchange_of.setdefault(attempt.token, attempt)
                if first.code != attempt.code:
                    self.find("same", first, attempt)
        elif kind == "lookup":
            self.looks_of[attempt.token].append(attempt)
        elif kind == "revoke":
            self.revokes_of[attempt.token].append(attempt)
        elif kind == "consent":
            self.consents_of[attempt.bank, attempt.consent].append(attempt)

    def judge(self):
        for code, issue in self.issue_of.items():
            self.judge_code(issue, self.attempts_of.get(code, []))
        for code in self.attempts_of.keys() - self.issue_of.keys():
            for attempt in self.attempts_of[code]:
                if attempt.outcome == 201:
                    self.find("answer", attempt)
        for token, exchange in self.exchange_of.items():
            if exchange.code in self.issue_of:
                self.judge_token(exchange, self.looks_of.get(token, []))
        return self

    # Codes

    def judge_code(self, issue, attempts):
        self.counts["codes"] += 1
        own = [attempt for attempt in attempts if attempt.bank == issue.bank]
        wins = [attempt for attempt in attempts if attempt.outcome == 201]
        if len(wins) > 1:
            self.find("twice", issue, *wins)
        for win in wins:
            self.judge_win(issue, win)
        for attempt in own:
            if attempt.outcome == 403:
                self.counts["refused"] += 1
                if not any(self.causes(issue, attempt, own)):
                    self.find("refused", issue, *own)
        left = [one for one in own if one.outcome == 503 and not any(win.start < one.end for win in wins)]
        if left:
            self.judge_left(issue, own, wins, self.history.calm_after(max(one.end for one in left)))

    def judge_win(self, issue, win):
        if win.bank != issue.bank:
            self.find("foreign", issue, win)
        if win.start > issue.end + self.history.life + CLOCK_SECONDS:
            self.find("old", issue, win)
        for revocation in self.consents_of.get((issue.bank, issue.consent), []):
            if revocation.outcome == 200 and issue.end < revocation.start and revocation.end < win.start:
                self.find("void", issue, revocation, win)

    def causes(self, issue, refused, own):
        """Whatever may explain that a code was refused."""
        for other in own:
            if other is not refused and other.start < refused.end and self.may_hold(other, refused):
                yield other
        if refused.end > issue.start + self.history.life - CLOCK_SECONDS:
            yield issue
        yield from (one for one in self.voids(issue) if one.start < refused.end)

    def may_hold(self, other, refused):
        """Whether another attempt may have spent the code, as far as one that was refused could see."""
        if other.outcome in (201, LOST):
            return True
        return other.outcome == 503 and (refused.start < self.history.calm_after(other.end) or self.is_orphan(other))

    def is_orphan(self, attempt):
        """Whether its server died after its 503 and before it was calm: who was to put it in order is gone."""
        calm = self.history.calm_after(attempt.end)
        return any(server == attempt.server and attempt.start < moment < calm for moment, server in self.history.killed)

    def voids(self, issue):
        """The revocations of its consent that may include the code."""
        return [one for one in self.consents_of.get((issue.bank, issue.consent), [])
                if issue.start < self.history.effect_end(one) + CLOCK_SECONDS]

    def judge_left(self, issue, own, wins, calm):
        """A code that a fault left unspent."""
        self.counts["503 codes"] += 1
        if wins:
            self.counts["503 codes exchanged later"] += 1
        elif any(a.outcome == LOST or (a.outcome == 503 and self.is_orphan(a)) for a in own) or self.voids(issue):
            self.counts["503 codes that may be spent or void"] += 1
        elif issue.start + self.history.life - CLOCK_SECONDS < calm < float("inf"):
            self.counts["503 codes too old when it was calm"] += 1
        elif not any(attempt.outcome == 403 and attempt.start > calm for attempt in own):
            self.find("untried", issue, *own)

    # Tokens

    def judge_token(self, exchange, looks):
        self.counts["tokens"] += 1
        issue = self.issue_of[exchange.code]
        possible = [*self.ends(exchange, issue)]
        ends = [end for end in possible if end[1] or not self.is_refuted(end[0], looks)]
        certain = min((end.end for end, is_certain in ends if is_certain), default=float("inf"))
        self.counts["tokens ended"] += certain < float("inf")
        self.counts["tokens that may be ended"] += bool(ends) and certain == float("inf")
        seen, dead_since, found = set(), float("inf"), {}
        for look in looks:
            if look.outcome != 200:
                continue
            self.counts["look-ups"] += 1
            if look.bank != exchange.bank:
                if look.active:
                    found.setdefault("foreign", look)
            elif look.active:
                self.counts["look-ups active again"] += dead_since < look.start
                if certain < look.start:
                    found.setdefault("revived", look)
                if look.start >= self.history.final:
                    seen.add(look.server)
            else:
                dead_since = min(dead_since, look.end)
                if not any(end.start < look.end and ((end, is_certain) in ends or look.start < self.history.effect_end(end))
                           for end, is_certain in possible):
                    found.setdefault("dead", look)
        for kind, look in found.items():
            self.find(kind, exchange, *(end for end, _ in ends), look)
        if not ends and not found:
            self.counts["tokens alive on every server"] += 1
            if set(self.history.servers) - seen:
                self.find("unseen", exchange)

    def is_refuted(self, end, looks):
        """Whether the token was alive when an end without an answer would have come true."""
        moment = self.history.effect_end(end)
        return any(look.active and look.start > moment for look in looks)

    def ends(self, exchange, issue):
        """Whatever ends a token, each with whether it did for certain."""
        for revoke in self.revokes_of.get(exchange.token, []):
            if revoke.bank == exchange.bank:
                yield revoke, revoke.outcome == 200
        for revocation in self.voids(issue):
            yield revocation, revocation.outcome == 200 and issue.end < revocation.start
        own = [attempt for attempt in self.attempts_of[exchange.code] if attempt.bank == issue.bank]
        for replay in own:
            if replay is exchange or replay.outcome == 201 or self.history.effect_end(replay) < exchange.start:
                continue
            yield replay, self.is_replay(replay, exchange, issue, own)

    def is_replay(self, attempt, exchange, issue, own):
        """Whether an attempt was certainly made on a code that was spent already."""
        if attempt.outcome != 403 or attempt.start > exchange.end + REPLAY_SECONDS:
            return False
        return attempt.start > exchange.end or [*self.causes(issue, attempt, own)] == [exchange]
