"""Two production servers on one PostgreSQL, which lives by the same clock. Each request goes to one of them at random."""
import json
import os
import random
import sys
import time

from bank import Bank
from harness import ROOT, Client, Server, expect, wait_until

sys.path.insert(0, str(ROOT / "Tests/cluster"))

import programs  # noqa: E402
from database import SERVING_ROLE, Database  # noqa: E402

NAMES = ("a", "b")
SETTINGS, KEYS = "store.conf", "keys"
SETTLE_SECONDS = 20
# So long after something was done to servers or database, 503 may come: what it refuses is good afterwards.
TROUBLE_SECONDS = 20
COUNTED_OUT_MS = 6_000


class SharedBank(Bank):
    store = ("--config", SETTINGS)

    def __init__(self, program, folder, timepiece, seed):
        super().__init__(program, folder, timepiece)
        programs.give(timepiece.path)
        self.chance = random.Random(seed)  # its own, since how often it asks again is not the seed's business
        self.database = Database(environment=timepiece.env | {"LD_PRELOAD": timepiece.library, "CLOCK_IS_TRUE": "1"})
        self.servers, self.refusals, self.trouble_ends = {}, 0, 0.0
        self.database.__enter__()
        with open(os.path.join(folder, SETTINGS), "w", encoding="ascii") as file:
            file.write(f"store = {self.database.serving_url}\nkeys-file = {KEYS}\naudit-log = none\n")
        migration = self.commands.run("store", "migrate", "--store", self.database.owner_url, "--serving-role", SERVING_ROLE)
        expect(migration.returncode == 0, migration.stderr)
        created = self.commands.run("keys", "create", KEYS)
        expect(created.returncode == 0, created.stderr)

    # The processes

    def start(self, names=NAMES):
        self.in_trouble()
        for name in names:
            flags = [part for setting in self.settings.items() for part in setting]
            self.servers[name] = Server(
                self.program, "--mode", "production", "--loops", "1", *self.store, *flags, store=None, cwd=self.folder,
                env=self.timepiece.env, preload=self.timepiece.library)
            self.servers[name].start()
        self.settle()

    def stop(self, names=NAMES):
        self.hang_up()
        for name in names:
            server = self.servers.pop(name)
            status = server.stop()
            expect(status == 0, lambda server=server: f"a server ended with {status}: {server.log_text()}")

    def restart(self):
        """One after the other, so that clients always find one."""
        for name in NAMES:
            self.stop([name])
            self.start([name])

    def kill_one(self):
        """Returns its name."""
        name = self.chance.choice(sorted(self.servers))
        self.hang_up()
        self.servers.pop(name).kill()
        self.in_trouble()
        return name

    def come_back(self, name):
        """Its row is of no interest any more when it starts again."""
        self.hang_up()
        self.timepiece.pass_(COUNTED_OUT_MS)
        self.settle()
        self.start([name])

    def end(self):
        """Whatever has happened."""
        for server in self.servers.values():
            if server.is_running():
                server.kill()
        self.database.__exit__()

    def log_text(self):
        return "\n".join(f"server {name}: {server.log_text()[-1500:]}" for name, server in self.servers.items())

    def settle(self):
        """Until each server has the newest registry, as it says."""
        self.in_trouble()
        for server in self.servers.values():
            wait_until(lambda server=server: server.metrics()["obie_tokens_registry_current"] == 1,
                       lambda: f"a server does not learn the registry: {self.log_text()}", SETTLE_SECONDS)

    def in_trouble(self):
        self.trouble_ends = time.monotonic() + TROUBLE_SECONDS

    # Requests

    def client(self):
        if not self.clients:
            self.clients = [Client(server.port) for server in self.servers.values() for _ in range(2)]
        return self.chance.choice(self.clients)

    def ask(self, data, client=None):
        """The answer; 503 is no answer, and changes nothing, so the same is asked again."""
        while True:
            answer = (client or self.client()).ask(data)
            if answer.closes and not client:
                self.hang_up()
            if answer.status != 503:
                expect(answer.status < 500, f"an answer that nobody expected: {answer!r}")
                return answer
            self.refusals += 1
            expect(time.monotonic() < self.trouble_ends, lambda: f"503, and nothing has happened: {answer!r}")
            time.sleep(0.02)

    @property
    def ports(self):
        return [server.port for server in self.servers.values()]

    # The database

    def end_connections(self):
        with self.database.superuser() as connection:
            connection.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{SERVING_ROLE}'")
        self.in_trouble()

    def restart_database(self):
        self.database.stop()
        self.database.start()
        self.settle()

    def crash_database(self):
        self.database.kill()
        self.database.start()
        self.settle()

    def outcome(self, *words):
        """What a command says of its change, for programs."""
        return json.loads(self.commands.succeed(*words, "--json"))["outcome"]
