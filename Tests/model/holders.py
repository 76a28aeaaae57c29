"""The steps about certificates: tokens that are bound to one, and institutions that must show one."""
import sandbox
from bank import CALLBACK
from certificates_of import drawn
from harness import expect
from rules import YES


class Holders:
    """A part of Steps."""

    def holder(self, psp):
        """Whose the token of an exchange is to be; None: nobody's."""
        if not self.bank.requires_holder and self.chance.random() < 0.5:
            return None
        return drawn(self.chance, self.bank.certificates.providers[psp.reference])

    def other_holder(self, psp, holder):
        while True:
            other = self.holder(psp)
            if other is None and self.bank.requires_holder:
                continue
            if (other and other.thumbprint) != (holder and holder.thumbprint):
                return other

    def exchange_with_another(self):
        """The certificate of another provider, or one beside another's thumbprint, spends no code; nor does none at all
        where there has to be one."""
        code = self.recent(self.model.codes)
        if not code or self.model.can_be_exchanged(code, code.fi, code.psp, True, self.now) != YES:
            return
        fi, psp = self.model.fis[code.fi], self.model.psps[code.psp]
        providers = self.bank.certificates.providers
        holder = drawn(self.chance, providers[self.chance.choice([name for name in providers if name != psp.reference])])
        wanted = 403
        if holder.form == "both" or self.chance.random() < 0.3:
            holder.form, holder.certificate = "both", providers[psp.reference]
            wanted = 400
        elif holder.form == "cnf":
            holder, wanted = None, 400
            if not self.bank.requires_holder:
                return
        text, answer = self.bank.exchange(fi, psp, code.text, holder=holder)
        expect(not text and answer.status == wanted, lambda: f"{code} with {holder}: {answer!r}")
        self.try_code(code, fi, psp, CALLBACK)

    def repeat_with_another(self):
        """An idempotency key is good for the same certificate only: with another one it is a replay."""
        keyed = [code for code in self.model.codes[-300:] if code.key and code.token]
        if keyed:
            code = self.chance.choice(keyed[-20:])
            psp = self.model.psps[code.psp]
            self.try_code(code, self.model.fis[code.fi], psp, CALLBACK, code.key, self.other_holder(psp, code.holder))

    def change_rule(self):
        """An institution must show a certificate from now on, or another one, or none."""
        fi = self.fi()
        if not fi.exists:
            return
        fi.certificate = self.chance.choice([None, *self.bank.certificates.clients[fi.reference]])
        self.bank.set_rule(fi)
        self.look_at_some()

    def show_wrongly(self):
        """The secret is right, and the certificate is another's, the one of before, or is not there: 401, whatever is
        asked."""
        fi = self.fi()
        token = self.recent(self.model.tokens)
        if not token or not fi.counts or not fi.certificate:
            return
        everybody = [shown for all_of_one in self.bank.certificates.clients.values() for shown in all_of_one]
        shown = self.chance.choice([None, *(one for one in everybody if one is not fi.certificate)])
        fields = self.bank.fields(fi, shown=shown)
        for path in (sandbox.INTROSPECT, sandbox.REVOKE):
            answer = self.bank.ask(sandbox.post(path, f"token={token.text}", sandbox.FORM, **fields))
            expect(answer.status == 401, lambda answer=answer: f"{fi} with another certificate: {answer!r}")
        self.look_at(token)
