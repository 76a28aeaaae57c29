"""The model: what there is, and what must come of each question. It knows no server, no file and no HTTP.

Times are milliseconds. A server may be up to `lag` behind the true time, where it was started while the wall clock was
slow; what is made meanwhile ages faster later. Near the end of a life, within MARGIN, either answer is right.
"""
from dataclasses import dataclass, field

MARGIN = 3_000
REPLAY = 10 * 60_000  # a used code is remembered at least this long

CONSENTS = [f"consent-{number}" for number in range(40)]
YES, NO, EITHER = "yes", "no", "either"


def both(*answers):
    if NO in answers:
        return NO
    return EITHER if EITHER in answers else YES


@dataclass
class Party:
    """An institution or a provider. `entry` is another one after it was removed and added again."""
    reference: str
    entry: int = 0
    exists: bool = True
    enabled: bool = True
    secret: str = ""
    certificate: object = None  # that it must show; of an institution

    @property
    def counts(self):
        return self.exists and self.enabled


@dataclass(eq=False)
class Item:
    """A code or a token."""
    text: str
    fi: str
    fi_entry: int
    psp: str
    psp_entry: int
    consent: str
    account: str
    made: int
    skew: int
    lifetime: int | None
    void: bool = False
    # Of a code
    used_at: int | None = None
    token: "Item | None" = None
    key: str = ""  # under which it was exchanged
    code: "Item | None" = None
    why: str = ""
    holder: object = None  # whose certificate it is bound to


@dataclass
class Model:
    fis: dict = field(default_factory=dict)
    psps: dict = field(default_factory=dict)
    codes: list = field(default_factory=list)
    tokens: list = field(default_factory=list)
    token_lifetime: int | None = None
    code_lifetime: int = 60_000
    lag: int = 0

    # Questions

    def lives(self, item, now, lifetime):
        """Whether its time is not up."""
        if lifetime is None:
            return YES
        age = now - item.made
        if age < lifetime - item.skew - MARGIN:
            return YES
        return NO if age > lifetime + self.lag + MARGIN else EITHER

    def is_same(self, item):
        fi, psp = self.fis[item.fi], self.psps[item.psp]
        return fi.counts and psp.counts and (fi.entry, psp.entry) == (item.fi_entry, item.psp_entry)

    def is_active(self, token, asker, now):
        """What introspection by an institution must say."""
        if token.void or asker != token.fi or not self.is_same(token):
            return NO
        return both(self.lives(token, now, token.lifetime), self.lives(token, now, self.token_lifetime))

    def can_be_exchanged(self, code, fi, psp, is_same_uri, now):
        if code.void or code.used_at is not None or not is_same_uri or not self.is_same(code):
            return NO
        if (fi, psp) != (code.fi, code.psp):
            return NO
        return self.lives(code, now, code.lifetime)

    def is_repeated(self, code, now):
        """Whether a used code under its idempotency key gets its token again."""
        if not code.key or not code.token:
            return NO
        return both(self.is_active(code.token, code.fi, now), self.lives(code.token, now, self.code_lifetime))

    def may_ask(self, fi, psp):
        return self.fis[fi].counts and self.psps[psp].counts

    # Events

    def issued(self, text, fi, psp, consent, account, now):
        code = Item(text, fi, self.fis[fi].entry, psp, self.psps[psp].entry, consent, account, now, self.lag,
                    self.code_lifetime)
        self.codes.append(code)
        return code

    def exchanged(self, code, text, now, holder=None):
        token = Item(text, code.fi, code.fi_entry, code.psp, code.psp_entry, code.consent, code.account, now, self.lag,
                     self.token_lifetime, code=code)
        code.used_at, code.token = now, token
        code.holder = token.holder = holder
        self.tokens.append(token)
        return token

    def is_replay(self, code, fi, now):
        """Whether presenting a used code voids its token."""
        if code.used_at is None or fi != code.fi or not self.is_same_fi(code):
            return NO
        # It may be remembered for longer.
        return YES if now - code.used_at < REPLAY - code.skew - MARGIN else EITHER

    def is_same_fi(self, item):
        fi = self.fis[item.fi]
        return fi.counts and fi.entry == item.fi_entry

    def void(self, why, chosen):
        """Makes void whatever `chosen` says; returns the tokens that were alive, and the codes."""
        hit = [item for item in self.codes + self.tokens if not item.void and chosen(item)]
        for item in hit:
            item.void, item.why = True, why
        return hit

    def forget(self, keep):
        """What has been dead for long is asked about no more."""
        for items in (self.codes, self.tokens):
            if len(items) > keep:
                del items[:len(items) - keep]
