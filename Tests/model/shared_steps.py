"""The steps of whoever runs two servers on one database, besides those that a single server has."""
import threading
import time

import sandbox
from bank import CALLBACK
from harness import Client, expect
from operators import ROTATIONS_MAX
from rules import CONSENTS
from steps import HOLDER, Steps

# About files, which a database has none of.
LEFT_OUT = ("back_up", "restore", "lose_a_file", "keep_registry")
WEIGHTS = {**dict.fromkeys(LEFT_OUT, 0), "end_connections": 1, "restart_database": 0.15, "crash_database": 0.15,
           "kill_amid_exchanges": 0.4, "crash_amid_exchanges": 0.15, "end_connections_amid_exchanges": 0.4,
           "forget_a_server": 0.3}
BURST_CODES, BURST_THREADS = 64, 4


class SharedSteps(Steps):
    """Servers live by the database's clock, so their own may be wrong at any time."""

    def before_start(self):
        self.model.lag = 0

    def rotate(self):
        """Every server opens a key before any seals with it."""
        if self.rotations < ROTATIONS_MAX:
            self.rotations += 1
            for _ in range(2):
                self.bank.commands.succeed("keys", "rotate")
                self.restart()

    def kill(self):
        name = self.bank.kill_one()
        self.look_at_some()
        self.bank.come_back(name)
        self.look_at_some()

    # The database

    def end_connections(self):
        self.bank.end_connections()
        self.look_at_some()

    def restart_database(self):
        self.bank.restart_database()
        self.look_at_some()

    def crash_database(self):
        self.bank.crash_database()
        self.look_at_some()

    def forget_a_server(self):
        """Somebody removes the servers' rows: a command still waits for them."""
        with self.bank.database.superuser() as connection:
            connection.query("DELETE FROM nodes WHERE name IS NOT NULL")
        party = self.psp()
        if party.exists:
            party.enabled = not party.enabled
            outcome = self.bank.outcome("psp", "enable" if party.enabled else "disable", party.reference)
            expect(outcome == "in_force", f"two servers are running, and a change is {outcome}")
            self.look_at_some()

    # Amid exchanges

    def kill_amid_exchanges(self):
        self.trouble_amid_exchanges(self.bank.kill_one, self.bank.come_back)

    def crash_amid_exchanges(self):
        self.trouble_amid_exchanges(self.bank.crash_database)

    def end_connections_amid_exchanges(self):
        self.trouble_amid_exchanges(self.bank.end_connections)

    def trouble_amid_exchanges(self, make, mend=lambda _: None):
        """A token that was answered is alive on every server, at once and afterwards. A code that was answered 503 is
        good; of one that was not answered nobody knows."""
        fi = next((fi for fi in self.model.fis.values() if fi.counts), None)
        psp = next((psp for psp in self.model.psps.values() if psp.counts), None)
        if not fi or not psp:
            return
        codes = []
        for _ in range(BURST_CODES):
            consent = self.chance.choice(CONSENTS)
            text, answer = self.bank.issue(fi, psp, consent, "burst")
            expect(text, lambda answer=answer: f"a code: {answer!r}")
            codes.append(self.model.issued(text, fi.reference, psp.reference, consent, "burst", self.now))
        self.bank.in_trouble()
        fields, ports, wrong = self.bank.fields(fi, self.bank.ccg[fi.reference, psp.reference]), self.bank.ports, []
        doubtful = set()
        threads = [threading.Thread(target=self.exchange_some, args=(ports[number % 2], fields, codes[number::BURST_THREADS],
                                                                     wrong, doubtful)) for number in range(BURST_THREADS)]
        for thread in threads:
            thread.start()
        time.sleep(self.chance.random() * 0.02)
        made = make()
        for thread in threads:
            thread.join()
        expect(not wrong, lambda: f"amid an exchange: {wrong}")
        tokens = [code.token for code in codes if code.token]
        for token in tokens[:8]:
            self.look_at(token)
        mend(made)
        for token in tokens:
            self.look_at(token)
        self.model.codes = [code for code in self.model.codes if code not in doubtful]
        for code in codes:
            if not code.token and code not in doubtful:
                self.try_code(code, fi, psp, CALLBACK)

    def exchange_some(self, port, fields, codes, wrong, doubtful):
        """A thread."""
        client = None
        for code in codes:
            try:
                client = client or Client(port)
                body = {"redirect_uri": CALLBACK, "auth_code": code.text} | HOLDER.members()
                answer = client.ask(sandbox.post(sandbox.TOKENS, body, **fields))
            except OSError:
                doubtful.add(code)
                client = None
                continue
            if answer.status == 201:
                self.model.exchanged(code, sandbox.token_of(answer), self.now, HOLDER)
            elif answer.status != 503:
                wrong.append(answer)
            if answer.closes:
                client = None
