"""The steps: each does something to the server and to the model, and compares what came of it."""
import threading
import time

import sandbox
from bank import CALLBACK
from certificates_of import Holder, base64url
from harness import Client, expect
from holders import Holders
from operators import Operators
from rules import CONSENTS, EITHER, NO, YES

KEPT = 3_000        # codes and tokens that are asked about
BURST_CODES = 48
BURST_THREADS = 4


DRAWN = object()
HOLDER = Holder(base64url(b"a thread's" + bytes(22)))


class Steps(Operators, Holders):
    """Random steps on one bank and one model. What goes wrong raises Failure."""

    def __init__(self, bank, model, chance):
        self.bank, self.model, self.chance = bank, model, chance
        self.counts, self.suspects = {}, []
        self.rotations = self.backups = 0
        self.backup = None  # its path
        self.old_registry = None
        self.wall_steps_left = 0

    @property
    def now(self):
        return self.bank.timepiece.now

    def one(self):
        """Does one step; returns its name."""
        names, weights = zip(*WEIGHTS.items())
        name = self.chance.choices(names, weights)[0]
        getattr(self, name)()
        self.counts[name] = self.counts.get(name, 0) + 1
        if self.wall_steps_left:
            self.wall_steps_left -= 1
            if not self.wall_steps_left:
                self.bank.timepiece.set_wall(0)
        return name

    # Choosing

    def fi(self):
        return self.chance.choice(list(self.model.fis.values()))

    def psp(self):
        return self.chance.choice(list(self.model.psps.values()))

    def recent(self, items):
        """Mostly of the last ones, since older codes are dead."""
        if not items:
            return None
        if self.chance.random() < 0.7:
            return self.chance.choice(items[-60:])
        return self.chance.choice(items)

    # What institutions ask

    def issue(self):
        fi, psp, consent = self.fi(), self.psp(), self.chance.choice(CONSENTS)
        account = f"account-{self.chance.randrange(10**6)}"
        code, answer = self.bank.issue(fi, psp, consent, account)
        may = self.model.may_ask(fi.reference, psp.reference)
        expect(bool(code) == may, lambda: f"a code for {fi} and {psp}: {answer!r}")
        if code:
            self.model.issued(code, fi.reference, psp.reference, consent, account, self.now)
            self.model.forget(KEPT)

    def exchange(self):
        if code := self.recent(self.model.codes):
            key = f"{self.chance.getrandbits(128):032x}" if self.chance.random() < 0.5 else ""
            self.try_code(code, self.model.fis[code.fi], self.model.psps[code.psp], CALLBACK, key)

    def repeat(self):
        """An exchange comes again under its idempotency key."""
        keyed = [code for code in self.model.codes[-300:] if code.key]
        if not keyed:
            return
        code = self.chance.choice(keyed[-20:])
        fi, psp, wanted = self.model.fis[code.fi], self.model.psps[code.psp], self.model.is_repeated(code, self.now)
        if self.bank.requires_holder and not code.holder:
            return
        if wanted == YES:
            text, answer = self.bank.exchange(fi, psp, code.text, key=code.key, holder=code.holder)
            expect(text == code.token.text, lambda: f"a repetition for {code}: {answer!r}")
            self.look_at(code.token)
        elif wanted == NO:
            self.try_code(code, fi, psp, CALLBACK, code.key, code.holder)

    def exchange_wrongly(self):
        if code := self.recent(self.model.codes):
            wrong = self.chance.randrange(3)
            fi = self.fi() if wrong == 0 else self.model.fis[code.fi]
            psp = self.psp() if wrong == 1 else self.model.psps[code.psp]
            self.try_code(code, fi, psp, "https://elsewhere.example/" if wrong == 2 else CALLBACK)

    def replay(self):
        used = [code for code in self.model.codes[-300:] if code.used_at is not None]
        if used:
            code = self.chance.choice(used)
            self.try_code(code, self.model.fis[code.fi], self.psp(), CALLBACK)

    def try_code(self, code, fi, psp, redirect_uri, key="", holder=DRAWN):
        holder = self.holder(psp) if holder is DRAWN else holder
        model, before = self.model, self.now
        is_right = redirect_uri == CALLBACK
        wanted = model.can_be_exchanged(code, fi.reference, psp.reference, is_right, before)
        replays = model.is_replay(code, fi.reference, before)
        if replays == EITHER:
            return
        reaches_the_code = model.may_ask(fi.reference, psp.reference)
        text, answer = self.bank.exchange(fi, psp, code.text, redirect_uri, key, holder)
        if text:
            expect(wanted != NO, lambda: f"exchanged {code}, which was {code.why or 'not good'}: {answer!r}")
            model.exchanged(code, text, self.now, holder)
            code.key = key
            return
        expect(wanted != YES, lambda: f"did not exchange {code}: {answer!r}")
        if wanted == EITHER:
            code.void, code.why = True, "late"
        if replays == YES and reaches_the_code and code.token:
            self.hit(model.void("replayed", lambda item: item is code.token))

    def introspect(self):
        token = self.suspects.pop() if self.suspects else self.recent(self.model.tokens)
        if token:
            self.look_at(token)

    def look_at(self, token):
        asker = self.fi() if self.chance.random() < 0.1 else self.model.fis[token.fi]
        if not asker.exists:
            return
        wanted = self.model.is_active(token, asker.reference, self.now)
        said = self.bank.introspect(asker, token.text)
        active = bool(said and said["active"])
        if wanted != EITHER:
            expect(active == (wanted == YES),
                   lambda: f"{token} is {'active' if active else 'inactive'} for {asker}; {token.why} now {self.now}")
        if active:
            expect((said["consent_id"], said["sub"], said["client_id"]) == (token.consent, token.account, token.psp),
                   lambda: f"{token} is said to be {said}")
            bound = {"x5t#S256": token.holder.thumbprint} if token.holder else None
            expect(said.get("cnf") == bound, lambda: f"{token} is said to be bound to {said.get('cnf')}")

    def revoke(self):
        token = self.recent(self.model.tokens)
        if not token or not self.model.fis[token.fi].exists:
            return
        own = self.chance.random() < 0.9
        fi = self.model.fis[token.fi] if own else self.fi()
        if not fi.exists:
            return
        answer = self.bank.revoke(fi, token.text)
        expect(answer.status == 200, lambda: f"revocation by {fi}: {answer!r}")
        if fi.reference == token.fi and fi.entry == token.fi_entry:
            self.hit(self.model.void("revoked", lambda item: item is token))

    def withdraw(self):
        """A customer withdraws a consent."""
        fi, consent = self.fi(), self.chance.choice(CONSENTS)
        answer = self.bank.revoke_consent(fi, consent)
        expect((answer.status == 200) == fi.counts, lambda: f"{fi} withdraws {consent}: {answer!r}")
        if answer.status == 200:
            self.hit(self.model.void("withdrawn", lambda item: item.consent == consent and self.belongs(item, fi)))

    @staticmethod
    def belongs(item, fi):
        return (item.fi, item.fi_entry) == (fi.reference, fi.entry)

    def hit(self, items):
        """Some of what became void is looked at soon."""
        tokens = [item for item in items if item.code]
        self.suspects = (self.suspects + self.chance.sample(tokens, min(len(tokens), 8)))[-60:]
        for code in [item for item in items if not item.code and item.used_at is None][:3]:
            self.try_code(code, self.model.fis[code.fi], self.model.psps[code.psp], CALLBACK)

    # Many at once

    def withdraw_amid_exchanges(self):
        def withdraw(fi, consent):
            expect(self.bank.revoke_consent(fi, consent).status == 200, "a consent could not be withdrawn")
        self.amid_exchanges(withdraw)

    def revoke_amid_exchanges(self):
        def revoke(fi, consent):
            self.bank.commands.succeed("tokens", "revoke", "--consent", consent, "--fi", fi.reference, "--yes")
        self.amid_exchanges(revoke)

    def amid_exchanges(self, end):
        """Codes of one consent are exchanged while it ends: whatever came of them is void afterwards."""
        fi = next((fi for fi in self.model.fis.values() if fi.counts), None)
        psp = next((psp for psp in self.model.psps.values() if psp.counts), None)
        if not fi or not psp:
            return
        consent = self.chance.choice(CONSENTS)
        codes = []
        for _ in range(BURST_CODES):
            text, answer = self.bank.issue(fi, psp, consent, "burst")
            expect(text, lambda: f"a code: {answer!r}")
            codes.append(self.model.issued(text, fi.reference, psp.reference, consent, "burst", self.now))
        threads = [threading.Thread(target=self.exchange_all, args=(fi, psp, codes[number::BURST_THREADS]))
                   for number in range(BURST_THREADS)]
        for thread in threads:
            thread.start()
        time.sleep(self.chance.random() * 0.005)
        end(fi, consent)
        self.hit(self.model.void("withdrawn amid exchanges",
                                 lambda item: item.consent == consent and self.belongs(item, fi)))
        for thread in threads:
            thread.join()
        for code in codes:
            code.void, code.why = True, "withdrawn amid exchanges"
            if code.token:
                code.token.void, code.token.why = True, code.why
                self.look_at(code.token)

    def exchange_all(self, fi, psp, codes):
        """A thread: codes that are exchanged get their token."""
        with Client(self.bank.ports[0]) as client:
            fields = self.bank.fields(fi, self.bank.ccg[fi.reference, psp.reference])
            for code in codes:
                body = {"redirect_uri": CALLBACK, "auth_code": code.text} | HOLDER.members()
                answer = client.ask(sandbox.post(sandbox.TOKENS, body, **fields))
                if answer.status == 201:
                    self.model.exchanged(code, sandbox.token_of(answer), self.now, HOLDER)


WEIGHTS = {
    "issue": 330, "exchange": 290, "exchange_wrongly": 30, "replay": 15, "repeat": 40, "introspect": 230, "revoke": 25,
    "withdraw": 12, "exchange_with_another": 20, "repeat_with_another": 10, "show_wrongly": 30, "change_rule": 2,
    "pass_time": 12, "step_clock": 3, "withdraw_amid_exchanges": 0.8, "revoke_amid_exchanges": 0.2,
    "revoke_by_command": 1.5, "disable_or_enable": 2.5, "remove_or_add": 1, "rotate": 0.3, "restart": 0.6, "kill": 1,
    "change_settings": 0.5, "back_up": 0.4, "restore": 0.15, "lose_a_file": 0.4, "keep_registry": 0.2,
}
