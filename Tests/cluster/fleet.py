"""Several obie-tokens on one database: migrated, with banks and a provider, started side by side."""
import json
import os
import subprocess

import programs
from asking import CALLBACK, PROVIDER, Bank
from checks import Failure, expect
from client import get
from database import SERVING_ROLE
from server import Server

BANKS = ("PSDGB-FCA-111111", "PSDGB-FCA-333333")
COMMAND_SECONDS = 60


class Fleet:
    """`stores`: for each server, by its name, the URL that it asks. `folder` is the caller's.

    `shims`: what a server runs under, by its name: `env` and `preload` of Process.
    """

    def __init__(self, program, stores, owner_url, folder, flags=(), shims=None):
        self.shims = dict(shims or {})
        self.program, self.stores, self.owner_url, self.folder = os.path.abspath(program), dict(stores), owner_url, folder
        self.flags, self.keys = list(flags), os.path.join(folder, "keys")
        ports = programs.free_ports(2 * len(stores))
        self.ports = dict(zip(stores, zip(ports[::2], ports[1::2])))
        self.servers, self.banks = {}, []

    def __enter__(self):
        store = ["--store", next(iter(self.stores.values()))]
        self.command("store", "migrate", "--store", self.owner_url, "--serving-role", SERVING_ROLE)
        self.command("keys", "create", self.keys)
        own = [*store, "--audit-log", "none"]
        for reference in BANKS:
            secret = json.loads(self.command("fi", "add", reference, "--json", *own))["client_secret"]
            self.banks.append(Bank(reference, secret))
        self.command("psp", "add", PROVIDER, "--redirect-uri", CALLBACK, *own)
        try:
            for name in self.stores:
                self.start(name)
            for bank in self.banks:
                bank.take_ccg_token(self.ports[next(iter(self.stores))][0])
        except BaseException:
            self.__exit__(True)
            raise
        return self

    def __exit__(self, kind, *_):
        for server in self.servers.values():
            server.kill() if kind else server.stop(15)

    def command(self, *words):
        try:
            ended = subprocess.run([self.program, *words], cwd=self.folder, capture_output=True, text=True, check=False,
                                   env={"PATH": os.environ["PATH"]}, timeout=COMMAND_SECONDS)
        except subprocess.TimeoutExpired as late:
            raise Failure(f"{' '.join(words)} took {COMMAND_SECONDS} s: {late.stderr}") from None
        expect(ended.returncode == 0, lambda: f"{' '.join(words)} ended with {ended.returncode}: {ended.stderr}")
        return ended.stdout

    def start(self, name, program=None):
        """For the first time, or again after kill() or stop()."""
        port, admin_port = self.ports[name]
        folder = os.path.join(self.folder, name)
        os.makedirs(folder, exist_ok=True)
        server = Server(program or self.program, "--mode", "production", "--loops", "1", "--keys-file", self.keys,
                        "--audit-log", f"{name}.audit", "--listen", f"127.0.0.1:{port}", "--admin-listen",
                        f"127.0.0.1:{admin_port}", *self.flags, store=self.stores[name], cwd=folder, **self.shims.get(name, {}))
        server.start()
        self.servers[name] = server

    def stop(self, name):
        status = self.servers[name].stop(15)
        expect(status == 0, lambda: f"server {name} ended with {status}: {self.servers[name].log_text()}")

    def kill(self, name):
        self.servers[name].kill()

    def is_ready(self, name):
        try:
            return get(self.ports[name][1], "/readyz", timeout=2)[0] == 200
        except OSError:
            return False

    @property
    def addresses(self):
        return {name: port for name, (port, _) in self.ports.items()}

    def logs(self, lines=10):
        """The last lines of each server, for a complaint."""
        return "\n".join(f"server {name}: {line}" for name, server in self.servers.items() for line in server.log[-lines:])
