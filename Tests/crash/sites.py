"""Production servers to lose answers of: one on a SQLite file, or two on one PostgreSQL; with two institutions and two
providers."""
import json
import os
import subprocess
import sys

from checks import ROOT, Failure, expect, wait_until
from free_ports import free_ports
from server import Server

sys.path.append(str(ROOT / "Tests/cluster"))

from asking import CALLBACK, PROVIDER, Bank  # noqa: E402
from database import Database  # noqa: E402
from fleet import BANKS, Fleet  # noqa: E402

OTHER_PROVIDER, OTHER_CALLBACK = "PSDGB-FCA-444444", "https://other.example/callback"


class Site:
    """`ports` of all servers; `bank` and `other_bank`."""

    def prepare(self):
        """Behind the start: what commands add."""
        self.command("psp", "add", OTHER_PROVIDER, "--redirect-uri", OTHER_CALLBACK)
        self.command("psp", "add-redirect-uri", PROVIDER, OTHER_CALLBACK)
        self.other_ccg_token = self.ccg_token(self.bank, OTHER_PROVIDER)

    def ccg_token(self, bank, provider):
        twin = Bank(bank.reference, "")
        twin.fields = dict(bank.fields)
        twin.take_ccg_token(self.ports[0], provider)
        return twin.fields["ccg_token"]

    def command(self, *words):
        ended = subprocess.run([self.program, *words, "--store", self.store, "--audit-log", "none"], cwd=self.folder,
                               env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False, timeout=60)
        expect(ended.returncode == 0, lambda: f"{' '.join(words)} ended with {ended.returncode}: {ended.stderr}")
        return ended.stdout


class SQLiteSite(Site):
    """One server with two loops."""

    store = "sqlite:store.db"

    def __init__(self, program, folder, flags):
        self.program, self.folder, self.flags = os.path.abspath(program), folder, flags
        self.ports, self.server = free_ports(1), None

    def __enter__(self):
        secrets = [json.loads(self.command("fi", "add", reference, "--json"))["client_secret"] for reference in BANKS]
        self.command("psp", "add", PROVIDER, "--redirect-uri", CALLBACK)
        self.start()
        try:
            self.bank, self.other_bank = (Bank(reference, secret) for reference, secret in zip(BANKS, secrets))
            for bank in (self.bank, self.other_bank):
                bank.take_ccg_token(self.ports[0])
            self.prepare()
        except BaseException:
            self.server.kill()
            raise
        return self

    def __exit__(self, kind, *_):
        self.server.kill() if kind else self.server.stop(15)

    def start(self):
        self.server = Server(self.program, "--mode", "production", "--loops", "2", "--audit-log", "none", "--listen",
                             f"127.0.0.1:{self.ports[0]}", *self.flags, store=self.store, cwd=self.folder)
        for attempt in range(3):
            try:
                return self.server.start()
            except Failure as failure:  # a client's connection has the port for a moment
                if attempt == 2 or "in use" not in str(failure):
                    raise

    def rest(self):
        """Nobody works on for a command that was killed."""

    def kill_one(self, _):
        self.server.kill()
        self.start()


class PostgresSite(Site):
    """Two servers of one loop each."""

    def __init__(self, program, folder, flags):
        self.program, self.folder, self.flags = os.path.abspath(program), folder, flags
        self.database = Database(folder=folder)

    def __enter__(self):
        self.database.__enter__()
        try:
            stores = {name: self.database.serving_url for name in "ab"}
            self.fleet = Fleet(self.program, stores, self.database.owner_url, self.folder, ["--no-throttle", *self.flags])
            self.fleet.__enter__()
        except BaseException:
            self.database.__exit__()
            raise
        self.store, self.ports = self.database.serving_url, list(self.fleet.addresses.values())
        self.bank, self.other_bank = self.fleet.banks
        try:
            self.prepare()
        except BaseException:
            self.__exit__(True)
            raise
        return self

    def __exit__(self, kind, *_):
        try:
            self.fleet.__exit__(kind)
        finally:
            self.database.__exit__()

    def rest(self):
        """Waits until the database has ended what a command that was killed had sent it: it may still commit."""
        changes = "SELECT count(*) FROM pg_locks WHERE relation = 'providers'::regclass AND mode = 'RowExclusiveLock'"
        with self.database.superuser() as connection:
            wait_until(lambda: int(connection.value(changes)) == 0, "a command that was killed goes on", 30)

    def kill_one(self, chance):
        name = chance.choice("ab")
        self.fleet.kill(name)
        self.fleet.start(name)


SITES = {"sqlite": SQLiteSite, "postgres": PostgresSite}
