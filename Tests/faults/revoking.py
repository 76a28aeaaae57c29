"""What was ended stays ended, whatever shortened lives at that moment: settings, clocks, what was disabled."""
import json
import os
import subprocess
import time

import sandbox
from harness import Client, Server, expect
from outcomes import each
from shim import Shim

BANKS = ("PSDGB-FCA-333333", "PSDGB-FCA-333334")
PROVIDERS = ("PSDGB-FCA-444444", "PSDGB-FCA-444445")
CALLBACK = "https://psp.example/callback"
HOUR = 3600


class Operator:
    """A store with two banks and two providers. Commands have the server's clock, and act for the same folder."""

    def __init__(self, program, folder, shim):
        self.program, self.folder, self.shim = program, folder, shim
        self.basics = {}
        for bank in BANKS:
            secret = json.loads(self.command("fi", "add", bank, "--json"))["client_secret"]
            self.basics[bank] = sandbox.basic(bank, secret)
        for provider in PROVIDERS:
            self.command("psp", "add", provider, "--redirect-uri", CALLBACK)

    def command(self, *arguments):
        environment = {**os.environ, **self.shim.server["env"], "LD_PRELOAD": self.shim.server["preload"]}
        done = subprocess.run([self.program, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True)
        expect(done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def serve(self, *settings):
        return Server(self.program, "--mode", "production", "--loops", "2", *settings, store="sqlite:./obie-tokens.db",
                      cwd=self.folder, **self.shim.server)


class Grant:
    """A token, the code that it came from, and a code that nobody has exchanged: of one bank, provider and consent."""

    def __init__(self, operator, client, consent, bank=BANKS[0], provider=PROVIDERS[0]):
        self.consent, self.bank, self.provider, self.basic = consent, bank, provider, operator.basics[bank]
        self.take_ccg_token(client)
        self.code, self.unspent = self.make_code(client), self.make_code(client)
        self.token = sandbox.token_of(self.exchange(client, self.code))

    def post(self, client, path, body, kind=sandbox.JSON):
        fields = {"Authorization": self.basic, "fi_reference_id": self.bank}
        if getattr(self, "ccg_token", None):
            fields["ccg_token"] = self.ccg_token
        return client.ask(sandbox.post(path, body, kind, **fields))

    def take_ccg_token(self, client):
        self.ccg_token = None
        body = {"grant_type": "client_credentials", "psp_id": self.provider}
        self.ccg_token = sandbox.token_of(self.post(client, sandbox.TOKENS, body))

    def make_code(self, client):
        return sandbox.code_of(self.post(client, sandbox.CODES, sandbox.code_body(self.consent, redirect_uri=CALLBACK)))

    def exchange(self, client, code):
        return self.post(client, sandbox.TOKENS, {"redirect_uri": CALLBACK, "auth_code": code})

    def revoke(self, client):
        status = self.post(client, sandbox.REVOKE, f"token={self.token}", sandbox.FORM).status
        expect(status == 200, f"/oauth2/revoke says {status}")

    def is_active(self, client, token=None):
        return b'"active":true' in self.post(client, sandbox.INTROSPECT, f"token={token or self.token}", sandbox.FORM).body

    def comes_to_life(self, client):
        """Whether the unspent code becomes a token that is alive, for somebody with a fresh CCG token."""
        self.take_ccg_token(client)
        answer = self.exchange(client, self.unspent)
        return answer.status == 201 and self.is_active(client, sandbox.token_of(answer))


def settings(*flags):
    """A spell of other settings, which what was issued before is too old for."""
    def spell(operator, is_over):
        time.sleep(0 if is_over else 1.1)
        return () if is_over else flags
    return spell


def clock(seconds):
    """A spell in which the clock of the machine is wrong."""
    def spell(operator, is_over):
        operator.shim.move_clock(0 if is_over else seconds)
        return ()
    return spell


def disabled(kind, references):
    def spell(operator, is_over):
        for reference in references:
            operator.command(kind, "enable" if is_over else "disable", reference)
        return ()
    return spell


SPELLS = {
    "no spell": settings(),
    "tokens of a second": settings("--access-token-lifetime", 1),
    "codes of a second": settings("--code-lifetime", 1),
    "an hour slow": clock(-HOUR),
    "an hour fast": clock(HOUR),
    "institutions disabled": disabled("fi", BANKS),
    "providers disabled": disabled("psp", PROVIDERS),
}
CODES_OF_MINUTES = ("--code-lifetime", 600)


def hold(operator, name, spell):
    """Everything is ended during the spell; nothing may be alive after it, but what nobody has ended."""
    with operator.serve(*CODES_OF_MINUTES) as server, Client(server.port) as client:
        kept = Grant(operator, client, "kept")
        ended = {
            "/oauth2/revoke": Grant(operator, client, "one"),
            "--consent": Grant(operator, client, "two"),
            "--consent --fi": Grant(operator, client, "three"),
            "--fi": Grant(operator, client, "four", bank=BANKS[1]),
            "--psp": Grant(operator, client, "five", provider=PROVIDERS[1])}
        replayed = Grant(operator, client, "six")
        expect(all(grant.is_active(client) for grant in [kept, replayed, *ended.values()]), "a new token is not alive")
    changed = spell(operator, False)
    with operator.serve(*changed) as server, Client(server.port) as client:
        ended["/oauth2/revoke"].revoke(client)
        for options in (["--consent", "two"], ["--consent", "three", "--fi", BANKS[0]], ["--fi", BANKS[1]],
                        ["--psp", PROVIDERS[1]]):
            operator.command("tokens", "revoke", *options, "--yes")
        if name in ("no spell", "tokens of a second", "codes of a second"):
            replayed.exchange(client, replayed.code)
            ended["replay"] = replayed
        lively = [way for way, grant in ended.items() if grant.is_active(client)]
        expect(not lively, f"{name}: alive at once after {', '.join(lively)}")
    spell(operator, True)
    with operator.serve(*CODES_OF_MINUTES) as server, Client(server.port) as client:
        lively = [way for way, grant in ended.items() if grant.is_active(client)]
        expect(not lively, f"{name}: alive again after {', '.join(lively)}")
        lively = [way for way, grant in ended.items()
                  if way not in ("replay", "/oauth2/revoke") and grant.comes_to_life(client)]
        expect(not lively, f"{name}: a code of before came to life after {', '.join(lively)}")
        expect(kept.is_active(client), f"{name}: a token that nobody had ended is dead")
    return f"{name}: {len(ended)} ways"


def check_revoking(program, folder):
    def one(name, spell):
        def call():
            own = os.path.join(folder, name.replace(" ", "-"))
            os.mkdir(own)
            with Shim() as shim:
                return hold(Operator(program, own, shim), name, spell)
        return call
    return "what was ended stays ended: " + each(*(one(name, spell) for name, spell in SPELLS.items()))
