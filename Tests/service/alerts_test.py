#!/usr/bin/env python3
"""Each alert is fired by a real fault, and each expression of the dashboard returns data, in a real Prometheus.

    Tests/service/alerts_test.py --server .build/release/obie-tokens

Real servers, with each kind of store; one of them is well throughout. Prometheus scrapes them every second. Before a fault
its alert is silent; afterwards it fires. The alerts are those of Deploy, with less patience: `for` is a second. Prints a line
for each; ends with 1 where one is silent, where the server that is well is accused, or where a panel is empty. As root,
since a small volume is mounted. Traffic stays on 127.0.0.1; a minute in all.
"""
import argparse
import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
for place in ("Tests/harness", "Tests/faults", "Tests/cluster", "Tests/crash"):
    sys.path.insert(0, str(ROOT / place))

import damage_test  # noqa: E402
import programs  # noqa: E402
from authority import Authority  # noqa: E402
from database import Database  # noqa: E402
from fleet import BANKS, Fleet  # noqa: E402
from harness import Client, Failure, Server, came_true, expect, sandbox  # noqa: E402
from shim import Shim  # noqa: E402
from watching import Prometheus, alerts, expressions  # noqa: E402

FIRE_SECONDS, WELL = 60, "well"
VOLUME_BYTES, WRONG = 4 << 20, 40


class Site:
    """The servers by their names, and what else the faults need."""

    def __init__(self, program, folder, stack):
        self.program, self.folder, self.stack, self.servers = program, folder, stack, {}
        self.clock = stack.enter_context(Shim())
        self.add(WELL, store="sqlite:store.db")
        self.add("down")
        self.add("full", store="sqlite:store.db")
        self.add("damaged", "--code-lifetime", "3600", store="sqlite:store.db")
        self.token = self.prepare_damage()
        self.add("clock", **self.clock.server)
        self.add("guessed", throttle=True)
        self.add("volume", "--audit-log", os.path.join(self.mount(), "audit.log"))
        self.add_tls()
        self.database = stack.enter_context(Database(folder=self.shared()))
        self.other_clock = stack.enter_context(Shim())
        stores = {name: self.database.serving_url for name in ("a", "b")}
        self.fleet = stack.enter_context(Fleet(program, stores, self.database.owner_url, self.shared(),
                                               shims={"b": self.other_clock.server}))

    def shared(self):
        """A folder that the account of PostgreSQL can use as well."""
        folder = programs.make_folder()
        self.stack.callback(programs.remove, folder)
        return folder

    def place(self, name):
        folder = os.path.join(self.folder, name)
        os.makedirs(folder, exist_ok=True)
        return folder

    def add(self, name, *flags, store="memory", **more):
        server = Server(self.program, "--loops", "1", *flags, store=store, cwd=self.place(name), **more)
        self.servers[name] = server
        server.start()
        self.stack.callback(server.kill)

    def add_tls(self):
        """One whose certificate, clients' CA and revocation list all end soon."""
        subprocess.run([self.program, "tls", "self-signed", "--days", "7"], cwd=self.place("tls"), check=True, capture_output=True)
        clients = Authority(os.path.join(self.folder, "clients"), days=7)
        self.add("tls", "--tls-certificate", "tls.pem", "--tls-key", "tls.key", "--tls-client-auth", "optional",
                 "--tls-client-ca", clients.certificate, "--tls-client-crl", clients.revoke(hours=6))

    def mount(self):
        place = self.place("small")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={VOLUME_BYTES}", "obie-tokens-test", place], check=True)
        self.stack.callback(subprocess.run, ["umount", "--lazy", place], check=True)
        return place

    def prepare_damage(self):
        """Ends the server, so that its store is whole in one file, and starts it again."""
        server = self.servers["damaged"]
        with Client(server.port) as client:
            tokens = [sandbox.token_of(client.ask(sandbox.exchange(sandbox.code_of(client.ask(sandbox.make_code())))))
                      for _ in range(400)]
        server.stop()
        server.start()
        return tokens[0]

    def ports(self):
        return {**{name: server.admin_port for name, server in self.servers.items()},
                **{name: port for name, (_, port) in self.fleet.ports.items()}}

    def traffic(self):
        """Something of everything that the dashboard shows."""
        with Client(self.servers[WELL].port) as client:
            code = sandbox.code_of(client.ask(sandbox.make_code()))
            for _ in range(2):
                client.ask(sandbox.exchange(code))
            client.ask(sandbox.client_credentials())
            client.ask(sandbox.get("/nowhere"))
        with contextlib.suppress(OSError):
            with Client(self.servers["tls"].port, timeout=2) as client:  # no TLS
                client.ask(sandbox.client_credentials())
        subprocess.run(["curl", "-sk", "-o", "/dev/null", f"https://127.0.0.1:{self.servers['tls'].port}/healthz"], check=True)


# Faults: each makes one, and returns what it did

def down(site):
    site.servers["down"].kill()
    return "the server was killed"


def store_unavailable(site):
    server = site.servers["full"]
    largest = max(os.path.getsize(os.path.join(server.cwd, name)) for name in os.listdir(server.cwd))
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
    with Client(server.port) as client:
        expect(came_true(lambda: client.ask(sandbox.make_code()).status == 503, 20), "the full disk was not noticed")
    return "its files could not grow"


def store_damaged(site):
    server = site.servers["damaged"]
    path = os.path.join(server.cwd, "store.db")
    with open(path, "r+b") as file:
        pages = [start for start in range(damage_test.PAGE, os.path.getsize(path), damage_test.PAGE)
                 if file.seek(start) == start and file.read(1) == bytes([damage_test.LEAF])]
        for start in pages:
            file.seek(start)
            file.write(b"\0" * damage_test.PAGE)
    with Client(server.port) as client:
        answer = client.ask(sandbox.introspect(site.token))
    expect(answer.status == 503, f"a token in a damaged file: {answer!r}")
    return f"{len(pages)} pages of its file were overwritten"


def fill_volume(site):
    with open(os.path.join(site.folder, "small", "filler"), "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    return "something else filled the volume of its audit log"


def audit_dropped(site):
    with Client(site.servers["volume"].port) as client:
        for _ in range(200):
            for _ in range(20):
                client.send(sandbox.exchange(sandbox.UNKNOWN_CODE))
            for _ in range(20):
                client.read()
    return "4,000 refused exchanges, while the audit log could not grow"


def clock_set(site):
    site.clock.move_clock(3600)
    return "its clock was set an hour ahead"


def guessing(site):
    wrong = sandbox.post(sandbox.TOKENS, {"grant_type": "client_credentials"}, Authorization=sandbox.basic(sandbox.CLIENT, "x"))
    end, count = time.monotonic() + 6, 0
    with Client(site.servers["guessed"].port) as client:
        while time.monotonic() < end:
            for _ in range(WRONG):
                client.ask(wrong)
            count += WRONG
            time.sleep(0.2)
    return f"{count} wrong secrets"


def certificates_refused(site):
    server = site.servers["tls"]
    with open(os.path.join(server.cwd, "tls.pem"), "a", encoding="ascii") as file:
        file.write("----BEGIN CERTIFICATE-----\n")
    server.signal(signal.SIGHUP)
    return "a mistyped line was added to its certificate, and SIGHUP sent"


def nothing_new(what):
    return lambda site: what


def registry_set_back(site):
    saved = "SELECT value FROM meta WHERE name = 'registry_{}'"
    with site.database.superuser() as connection:
        stamp = connection.value(saved.format("stamp"))
        version = int(bytes.fromhex(connection.value(saved.format("version"))[2:]))
        site.fleet.command("fi", "disable", BANKS[0], "--store", site.database.serving_url, "--audit-log", "none")
        connection.query(f"""BEGIN; UPDATE institutions SET disabled = false;
            UPDATE meta SET value = '{version}' WHERE name = 'registry_version';
            UPDATE meta SET value = '{stamp}' WHERE name = 'registry_stamp'; COMMIT""")
    return "the database was given the registry of before a change"


def database_clock(site):
    site.other_clock.move_clock(5)
    return "the clock of one server's machine was set 5 s ahead"


def registry_not_current(site):
    site.database.stop()
    return "the database was stopped"


# In this order: those that need the database come before its end.
FAULTS = {
    "ObieTokensCertificateEnds": (nothing_new("its certificate is good for 7 days"), "tls"),
    "ObieTokensClientCAEnds": (nothing_new("the CA of its clients is good for 7 days"), "tls"),
    "ObieTokensRevocationListEnds": (nothing_new("its revocation list is good for 6 hours"), "tls"),
    "ObieTokensNoStandby": (nothing_new("its database has no standby"), None),
    "ObieTokensCertificatesRefused": (certificates_refused, "tls"),
    "ObieTokensDatabaseClock": (database_clock, "b"), "ObieTokensRegistrySetBack": (registry_set_back, "a"),
    "ObieTokensClockSet": (clock_set, "clock"), "ObieTokensGuessing": (guessing, "guessed"),
    "ObieTokensStoreUnavailable": (store_unavailable, "full"), "ObieTokensStoreDamaged": (store_damaged, "damaged"),
    "ObieTokensVolumeFilling": (fill_volume, "volume"), "ObieTokensAuditEventsDropped": (audit_dropped, "volume"),
    "ObieTokensRegistryNotCurrent": (registry_not_current, "a"), "ObieTokensDown": (down, "down"),
}
FROM_THE_START = {"ObieTokensCertificateEnds", "ObieTokensClientCAEnds", "ObieTokensRevocationListEnds", "ObieTokensNoStandby"}


def check_alerts(site, prometheus):
    """Makes all faults first and then waits, since Prometheus takes a while for each."""
    missing = set(alerts()) ^ set(FAULTS)
    expect(not missing, f"alerts without a fault, or faults without an alert: {missing}")
    early = {name for name, _ in prometheus.firing()} - FROM_THE_START
    expect(not early, f"before there is any fault, there is {early}")
    for name, (fault, instance) in FAULTS.items():
        what, began = fault(site), time.monotonic()
        fires = came_true(lambda name=name, instance=instance: (name, instance) in prometheus.firing(), FIRE_SECONDS)
        expect(fires, f"{name} is silent, though {what}; firing are {prometheus.firing()}")
        print(f"alerts: {name}: fired {time.monotonic() - began:.0f} s after {what}", flush=True)
    accused = {name for name, instance in prometheus.firing() if instance == WELL}
    expect(not accused, f"of the server that is well is said {accused}")


def check_dashboard(site, prometheus):
    """While everything works: a panel that is empty then shows nobody anything."""
    left = list(expressions())
    count, end = len(left), time.monotonic() + FIRE_SECONDS
    while left and time.monotonic() < end:
        site.traffic()
        time.sleep(1)
        left = [(panel, text) for panel, text in left if not prometheus.query(text)]
    expect(not left, f"no data for {left}")
    print(f"dashboard: each of {count} expressions returns data", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary")
    program = os.path.abspath(parser.parse_args().server)
    if os.geteuid() != 0:
        print("alerts: left out, they need root: a small volume is mounted")
        return 0
    try:
        with tempfile.TemporaryDirectory(prefix="obie-tokens-alerts-") as folder, contextlib.ExitStack() as stack:
            site = Site(program, folder, stack)
            os.makedirs(os.path.join(folder, "prometheus"))
            with Prometheus(os.path.join(folder, "prometheus"), site.ports()) as prometheus:
                check_dashboard(site, prometheus)
                check_alerts(site, prometheus)
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        print(f"alerts: FAILED {failure}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
