"""The real thing: a production server on a SQLite file, its clients, and the commands of its operator."""
import json
import os
import subprocess
import time

import sandbox
from certificates_of import HEADER, Certificates
from harness import Client, Failure, Server, expect

CALLBACK = "https://psp.example/callback"
COMMAND_SECONDS = 60
CONSENT_REVOKE = "/v1/obie/consents/revoke"
OWN = object()  # the certificate that an institution must show


class Commands:
    """Runs `obie-tokens …` beside the server, under the same clock."""

    def __init__(self, program, folder, timepiece, store):
        self.program, self.folder, self.timepiece, self.store = program, folder, timepiece, store

    def run(self, *arguments):
        env = {"PATH": os.environ["PATH"], "LD_PRELOAD": self.timepiece.library, **self.timepiece.env}
        return subprocess.run([self.program, *arguments], cwd=self.folder, env=env, capture_output=True, text=True,
                              timeout=COMMAND_SECONDS, check=False)

    def succeed(self, *arguments):
        ended = self.run(*arguments, *self.store)
        expect(ended.returncode == 0, f"{' '.join(arguments)} ended with {ended.returncode}: {ended.stderr}")
        return ended.stdout


class Bank:
    """One server, and what institutions ask of it."""

    store = ("--store", "sqlite:store.db")

    def __init__(self, program, folder, timepiece):
        self.program, self.folder, self.timepiece = program, folder, timepiece
        self.commands = Commands(program, folder, timepiece, self.store)
        self.server, self.clients, self.turn = None, [], 0
        self.settings = {"--code-lifetime": "60", "--access-token-lifetime": "never", "--require-cnf": "no",
                         "--client-certificate-header": HEADER, "--trusted-proxies": "127.0.0.0/8"}
        self.ccg, self.certificates = {}, None

    def make_certificates(self, fis, psps):
        self.certificates = Certificates(self.folder, fis, psps)

    @property
    def requires_holder(self):
        return self.settings["--require-cnf"] == "yes"

    # The process

    def make_server(self, awaited=True):
        flags = [part for setting in self.settings.items() for part in setting]
        return Server(self.program, "--mode", "production", "--loops", "2", "--audit-log", "none", *flags,
                      store=self.store[1], cwd=self.folder, env=self.timepiece.env, preload=self.timepiece.library,
                      awaited=awaited)

    def start(self):
        for attempt in range(3):
            self.server = self.make_server()
            try:
                return self.server.start()
            except Failure as failure:
                # A free port was chosen, and somebody else's connection got it before the second loop did.
                if attempt == 2 or "in use by another process" not in str(failure):
                    raise

    def stop(self):
        self.hang_up()
        status = self.server.stop()
        expect(status == 0, f"the server ended with {status}: {self.server.log_text()}")

    def restart(self):
        self.stop()
        self.start()

    def kill(self):
        self.hang_up()
        self.server.kill()

    def end(self):
        """Whatever has happened."""
        if self.server and self.server.is_running():
            self.server.kill()

    def log_text(self):
        return self.server.log_text()[-2000:] if self.server else ""

    def settle(self):
        """Time has passed: timers that are due run."""
        time.sleep(0.05)

    def refuses_to_start(self):
        """Starts it where it must not start, and returns (status, log)."""
        server = self.make_server(awaited=False)
        server.start()
        status = server.wait(10)
        if status is None or status == 0:
            server.kill()
            raise Failure(f"the server started: {server.log_text()}")
        return status, server.log_text()

    # Requests

    def hang_up(self):
        for client in self.clients:
            client.close()
        self.clients = []

    @property
    def ports(self):
        return [self.server.port]

    def client(self):
        """One of four connections, in turn, so that both loops are asked."""
        if not self.clients:
            self.clients = [Client(self.server.port) for _ in range(4)]
        self.turn += 1
        return self.clients[self.turn % len(self.clients)]

    def ask(self, data, client=None):
        answer = (client or self.client()).ask(data)
        expect(answer.status < 500, f"an answer that nobody expected: {answer!r}")
        if answer.closes and not client:
            self.hang_up()
        return answer

    def fields(self, fi, ccg_token=None, shown=OWN):
        fields = {"Authorization": sandbox.basic(fi.reference, fi.secret), "fi_reference_id": fi.reference}
        certificate = fi.certificate if shown is OWN else shown
        if certificate:
            fields[HEADER] = certificate.escaped
        return fields | ({"ccg_token": ccg_token} if ccg_token else {"ccg_token": ""})

    def ccg_token(self, fi, psp):
        """A new CCG token, or None where it is refused."""
        body = {"grant_type": "client_credentials", "psp_id": psp.reference}
        answer = self.ask(sandbox.post(sandbox.TOKENS, body, **self.fields(fi)))
        return sandbox.token_of(answer) if answer.status == 201 else None

    def with_ccg_token(self, fi, psp, make):
        """Asks with the CCG token that is known; where that is not good (any more) with a new one. The last answer; None
        where no CCG token can be had."""
        known = self.ccg.get((fi.reference, psp.reference))
        if known:
            answer = self.ask(make(self.fields(fi, known)))
            if answer.status != 401:
                return answer
        token = self.ccg_token(fi, psp)
        if not token:
            return None
        self.ccg[fi.reference, psp.reference] = token
        return self.ask(make(self.fields(fi, token)))

    def issue(self, fi, psp, consent, account):
        """(code, answer)."""
        body = sandbox.code_body(consent, account, redirect_uri=CALLBACK)
        answer = self.with_ccg_token(fi, psp, lambda fields: sandbox.post(sandbox.CODES, body, **fields))
        return (sandbox.code_of(answer) if answer and answer.status == 201 else None), answer

    def exchange(self, fi, psp, code, redirect_uri=CALLBACK, key="", holder=None):
        """(token, answer)."""
        body, given = {"redirect_uri": redirect_uri, "auth_code": code}, {"x-idempotency-key": key}
        if holder:
            body, given = body | holder.members(), given | holder.fields()
        answer = self.with_ccg_token(fi, psp, lambda fields: sandbox.post(sandbox.TOKENS, body, **fields, **given))
        return (sandbox.token_of(answer) if answer and answer.status == 201 else None), answer

    def introspect(self, fi, token):
        """What introspection says; None where the institution gets no answer but 401."""
        answer = self.ask(sandbox.post(sandbox.INTROSPECT, f"token={token}", sandbox.FORM, **self.fields(fi)))
        if answer.status == 401:
            return None
        expect(answer.status == 200, f"introspection: {answer!r}")
        return json.loads(answer.body)

    def revoke(self, fi, token):
        return self.ask(sandbox.post(sandbox.REVOKE, f"token={token}", sandbox.FORM, **self.fields(fi)))

    def revoke_consent(self, fi, consent):
        return self.ask(sandbox.post(CONSENT_REVOKE, {"consent_id": consent}, **self.fields(fi)))

    # Commands

    def add_fi(self, fi):
        fi.secret = json.loads(self.commands.succeed("fi", "add", fi.reference, "--json"))["client_secret"]

    def set_rule(self, fi):
        words = ["--certificate", fi.certificate.path, "--certificate-match", "thumbprint"] if fi.certificate else [
            "--certificate", "none"]
        self.commands.succeed("fi", "set", fi.reference, *words)

    def add_psp(self, psp):
        self.commands.succeed("psp", "add", psp.reference, "--redirect-uri", CALLBACK)
