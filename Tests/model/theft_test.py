#!/usr/bin/env python3
"""Can a token be used with another certificate's thumbprint, or a client's secret with another certificate? Many attempts.

    Tests/model/theft_test.py --server .build/release/obie-tokens [--attempts 100000] [--seed N]

A thief has every token, every code, every idempotency key and every secret, and a certificate of his own, or those of the
others. He tries: tokens at a gateway that compares as docs/certificates.md says; exchanges again under the key of one that
was answered, with his certificate; codes with the certificate of another provider, or one of the right name from another
authority; a certificate beside another's thumbprint; thumbprints in other spellings; an institution's secret with another's
certificate, with one of the same name, or with none. Ends with 1 at the first attempt that gets through. Each kind of
attempt is also made rightly now and then, and must succeed then. Traffic stays on 127.0.0.1.
"""
import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import sandbox  # noqa: E402
from bank import CALLBACK, Bank  # noqa: E402
from certificates import Maker, config  # noqa: E402
from certificates_of import Shown  # noqa: E402
from harness import Failure, expect  # noqa: E402
from rules import Party  # noqa: E402
from timepiece import Timepiece  # noqa: E402

FIS = [f"PSDGB-FCA-10000{number}" for number in range(3)]
PSPS = [f"PSDGB-FCA-20000{number}" for number in range(4)]
STOCK = 200          # tokens that are tried; so many exchanges begin the run
RIGHT = 0.02         # how often an attempt is no theft
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Prey:
    """A token that was issued, with all that it was issued for."""

    def __init__(self, fi, psp, code, key, holder, text):
        self.fi, self.psp, self.code, self.key, self.holder, self.text = fi, psp, code, key, holder, text


class Thief:
    def __init__(self, bank, fis, psps, strangers, chance):
        self.bank, self.fis, self.psps, self.strangers, self.chance = bank, fis, psps, strangers, chance
        self.prey = [self.issue() for _ in range(STOCK)]

    # What is done rightly

    def code(self, fi, psp):
        code, answer = self.bank.issue(fi, psp, "consent", "account")
        expect(code, lambda: f"a code: {answer!r}")
        return code

    def ask(self, fi, psp, code, key="", cnf=None, eidas=None, raw=None):
        """An exchange: (token or None, answer)."""
        body = {"redirect_uri": CALLBACK, "auth_code": code} | ({"cnf": {"x5t#S256": cnf}} if cnf else {})
        given = {"x-idempotency-key": key} | ({"eidas": eidas.base64} if eidas else {})
        answer = self.bank.with_ccg_token(fi, psp, lambda fields: sandbox.post(
            sandbox.TOKENS, raw(body) if raw else body, **fields, **given))
        return (sandbox.token_of(answer) if answer.status == 201 else None), answer

    def issue(self):
        fi, psp = self.chance.choice(self.fis), self.chance.choice(self.psps)
        code, key, holder = self.code(fi, psp), f"{self.chance.getrandbits(128):032x}", self.providers[psp.reference]
        text, answer = self.ask(fi, psp, code, key, eidas=holder)
        expect(text, lambda: f"an exchange: {answer!r}")
        return Prey(fi, psp, code, key, holder, text)

    @property
    def providers(self):
        return self.bank.certificates.providers

    def others(self, holder):
        """The certificates of everybody else, and of those who only have the same names."""
        return [one for one in [*self.providers.values(), *self.strangers] if one is not holder]

    def lets_in(self, fi, token, certificate):
        """The gateway: the token is alive, and the certificate on the connection is the one that it is bound to."""
        said = self.bank.introspect(fi, token)
        return said["active"] and said.get("cnf") == {"x5t#S256": certificate.thumbprint}

    # Attempts; each returns whether it got through

    def at_the_gateway(self, is_right):
        prey = self.chance.choice(self.prey)
        return self.lets_in(prey.fi, prey.text, prey.holder if is_right else self.chance.choice(self.others(prey.holder)))

    def under_the_key(self, is_right):
        """Whoever repeats an exchange with another certificate gets nothing, and the token is void from then on."""
        prey = self.prey.pop(self.chance.randrange(len(self.prey)))
        other = self.chance.choice(self.others(prey.holder))
        text, _ = self.ask(prey.fi, prey.psp, prey.code, prey.key, cnf=(prey.holder if is_right else other).thumbprint)
        if is_right:
            self.prey.append(prey)
            return text == prey.text
        expect(not self.bank.introspect(prey.fi, prey.text)["active"], "a token lives on after a replay")
        self.prey.append(self.issue())
        return bool(text)

    def with_the_certificate_of_another(self, is_right):
        fi, psp = self.chance.choice(self.fis), self.chance.choice(self.psps)
        code, own = self.code(fi, psp), self.providers[psp.reference]
        if not is_right:
            text, answer = self.ask(fi, psp, code, eidas=self.chance.choice(self.others(own)))
            if text:
                return True
            expect(answer.status == 403, lambda: f"the certificate of another provider: {answer!r}")
        text, answer = self.ask(fi, psp, code, eidas=own)
        expect(text, lambda: f"an attempt has spent the code: {answer!r}")
        return is_right and self.lets_in(fi, text, own)

    def beside_another_thumbprint(self, is_right):
        prey, other = self.chance.choice(self.prey), self.chance.choice(self.strangers)
        own = self.providers[prey.psp.reference]
        if is_right:
            return bool(self.ask(prey.fi, prey.psp, self.code(prey.fi, prey.psp), cnf=own.thumbprint, eidas=own)[0])
        text, answer = self.ask(prey.fi, prey.psp, prey.code, prey.key, cnf=other.thumbprint, eidas=own)
        expect(text or answer.status == 400, lambda: f"two certificates: {answer!r}")
        return bool(text)

    def in_another_spelling(self, is_right):
        """A thumbprint is written in one way only, so that a gateway may compare texts."""
        prey = self.chance.choice(self.prey)
        own = prey.holder.thumbprint
        if is_right:
            return self.ask(prey.fi, prey.psp, prey.code, prey.key, cnf=own)[0] == prey.text
        last = ALPHABET.index(own[-1])
        spelling = self.chance.choice([
            own + "=", own[:-1], own + "A", own[:-1] + ALPHABET[last ^ 1], own[:-1] + ALPHABET[last ^ 2], " " + own,
            own[:20] + "+" + own[21:], own[:20] + "/" + own[21:], own + "\n", own[:42] + "\u00e9"])
        text, answer = self.ask(prey.fi, prey.psp, prey.code, prey.key, cnf=spelling)
        expect(text or answer.status == 400, lambda: f"{spelling!r}: {answer!r}")
        return bool(text)

    def said_twice(self, is_right):
        """Two members of one name, or none: nobody could say which counts."""
        prey, other = self.chance.choice(self.prey), self.chance.choice(self.others(None))
        one, two = ({"x5t#S256": item.thumbprint} for item in (prey.holder, other))

        def raw(body):
            return json.dumps(body)[:-1] + f', "cnf": {json.dumps(one)}, "cnf": {json.dumps(two)}}}'
        if is_right:
            return self.ask(prey.fi, prey.psp, prey.code, prey.key, cnf=prey.holder.thumbprint)[0] == prey.text
        text, answer = self.ask(prey.fi, prey.psp, prey.code, prey.key, raw=self.chance.choice([raw, None]))
        expect(text or answer.status == 400, lambda: f"said twice, or not at all: {answer!r}")
        return bool(text)

    def with_a_stolen_secret(self, is_right):
        fi, prey = self.chance.choice(self.fis), self.chance.choice(self.prey)
        everybody = [shown for all_of_one in self.bank.certificates.clients.values() for shown in all_of_one]
        wrong = [None, *self.strangers, *(one for one in everybody if one is not fi.certificate)]
        fields = self.bank.fields(fi, shown=fi.certificate if is_right else self.chance.choice(wrong))
        request = self.chance.choice([
            sandbox.post(sandbox.INTROSPECT, f"token={prey.text}", sandbox.FORM, **fields),
            sandbox.post(sandbox.TOKENS, {"grant_type": "client_credentials", "psp_id": prey.psp.reference}, **fields)])
        answer = self.bank.ask(request)
        expect(answer.status in (200, 201, 401), lambda: f"a stolen secret: {answer!r}")
        return answer.status != 401


KINDS = {"at_the_gateway": 40, "under_the_key": 8, "with_the_certificate_of_another": 8, "beside_another_thumbprint": 8,
         "in_another_spelling": 8, "said_twice": 8, "with_a_stolen_secret": 20}


def prepare(bank, folder):
    """(institutions, providers, certificates that have the names of others)."""
    fis, psps = [Party(reference) for reference in FIS], [Party(reference) for reference in PSPS]
    for fi in fis:
        bank.add_fi(fi)
    for psp in psps:
        bank.add_psp(psp)
    bank.make_certificates(FIS, PSPS)
    for fi in fis:
        fi.certificate = bank.certificates.clients[fi.reference][0]
        bank.set_rule(fi)
    maker = Maker(f"{folder}/strangers", "20000101000000Z", "21000101000000Z")
    maker.authority("ca", "/CN=Example CA", "ca")
    for number, reference in enumerate(PSPS + FIS):
        subject = f"/O=Example PSP/organizationIdentifier={reference}/CN=psp.example" if reference in PSPS else f"/CN={reference}"
        maker.make(f"s{number}", subject, "ca", config(["AI"], None, "clientAuth"))
    bank.settings |= {"--code-lifetime": "3600", "--require-cnf": "yes",
                      "--eidas-ca": bank.certificates.authority.path}
    bank.start()
    return fis, psps, [Shown(maker.folder / f"s{number}.pem") for number in range(len(PSPS + FIS))]


def run(options, folder):
    bank, chance = Bank(os.path.abspath(options.server), folder, Timepiece(folder)), random.Random(options.seed)
    counts, number, name = {}, 0, "start"
    try:
        thief = Thief(bank, *prepare(bank, folder), chance)
        for number in range(1, options.attempts + 1):
            name = chance.choices(list(KINDS), KINDS.values())[0]
            if chance.random() < RIGHT:
                expect(getattr(thief, name)(True), "what is right was refused")
            expect(not getattr(thief, name)(False), "an attempt got through")
            counts[name] = counts.get(name, 0) + 1
        bank.stop()
    except (Failure, OSError) as error:
        print(f"theft: FAILED at attempt {number}, {name}, seed {options.seed}: {error!r}\n{bank.log_text()}")
        return 1
    finally:
        bank.end()
    print("theft: none got through: " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=str(ROOT / ".build/release/obie-tokens"))
    parser.add_argument("--attempts", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"theft: {options.attempts} attempts, seed {options.seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="obie-tokens-theft-") as folder:
        status = run(options, folder)
    print(f"theft: {time.monotonic() - began:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
