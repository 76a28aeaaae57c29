#!/usr/bin/env python3
"""What servers of one database share besides codes and tokens: who is registered, the keys, the time, the tables.

    Tests/cluster/servers_test.py --server .build/release/obie-tokens

Three servers on one PostgreSQL. Each check below says what it holds them to.
"""
import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path[:0] = [str(ROOT / "Tests/harness"), str(ROOT / "Tests/faults")]

import programs  # noqa: E402
import registry_trouble  # noqa: E402
import relay  # noqa: E402
import sandbox  # noqa: E402
from asking import PROVIDER, said  # noqa: E402
from checks import Failure, expect, wait_until  # noqa: E402
from client import Client  # noqa: E402
from database import SERVING_ROLE, Database  # noqa: E402
from fleet import BANKS, Fleet  # noqa: E402
from server import Server  # noqa: E402
from shim import Shim  # noqa: E402
from wire import Connection, QueryError  # noqa: E402

SERVERS = ("a", "b", "c")
READY_SECONDS = 15
CHANGES = 20


class Site:
    """A fleet, and what is asked of it."""

    def __init__(self, database, fleet, shims):
        self.database, self.fleet, self.shims = database, fleet, shims
        self.bank, self.own = fleet.banks[0], ["--store", database.serving_url, "--audit-log", "none"]

    def ask(self, name, kind, **what):
        """(status, what the answer says)."""
        with Client(self.fleet.ports[name][0]) as client:
            answer = client.ask(self.bank.request(kind, **what))
        return answer.status, said(kind, answer.status, answer.body)

    def token(self, maker, taker):
        """Made on one server, exchanged on another."""
        status, found = self.ask(maker, "issue", consent="consent")
        expect(status == 201, f"server {maker} made no code: {status}")
        status, found = self.ask(taker, "exchange", code=found["code"])
        expect(status == 201, f"server {taker} did not take the code of server {maker}: {status}")
        return found["token"]

    def is_alive(self, name, token):
        return self.ask(name, "lookup", token=token)[1].get("active")

    def run(self, *words):
        return subprocess.run([self.fleet.program, *words], cwd=self.fleet.folder, capture_output=True, text=True,
                              check=False, timeout=60)

    def change(self, *words):
        """What the command says of its change, and how long it took."""
        began = time.monotonic()
        ended = self.run(*words, "--json", *self.own)
        expect(ended.returncode in (0, 75), lambda: f"{' '.join(words)}: {ended.stderr}")
        return json.loads(ended.stdout), time.monotonic() - began

    def keys(self, *words, file=None):
        return self.run("keys", *words, "--keys-file", file or self.fleet.keys, *self.own)

    def refusal(self, keys=None, store=None, status=78):
        """What a server says that must not start."""
        server = Server(self.fleet.program, "--mode", "production", "--keys-file", keys or self.fleet.keys, "--audit-log",
                        "none", store=store or self.database.serving_url, cwd=self.fleet.folder, awaited=False)
        with server:
            ended = server.wait(READY_SECONDS)
            expect(ended == status, lambda: f"it ended with {ended}: {server.log_text()}")
            return server.log_text()

    def restart(self, name):
        self.fleet.stop(name)
        self.fleet.start(name)
        self.await_ready(name)

    def await_ready(self, *names, ready=True):
        began = time.monotonic()
        for name in names or SERVERS:
            wait_until(lambda name=name: self.fleet.is_ready(name) == ready,
                       lambda: f"a server is {'not ' if ready else ''}ready:\n{self.fleet.logs()}", READY_SECONDS)
        return time.monotonic() - began


def role_that_serves_cannot_change_tables(site):
    with Connection(("127.0.0.1", site.database.port), SERVING_ROLE, site.database.name) as connection:
        for statement in ("CREATE TABLE x (a int)", "ALTER TABLE codes ADD a int", "DROP TABLE tokens", "TRUNCATE codes"):
            try:
                connection.query(statement)
            except QueryError:
                continue
            raise Failure(f"the serving role may {statement}")


def other_tables_are_refused(site):
    with site.database.superuser() as connection:
        def versions(newest, reader):
            for name, number in (("schema_version", newest), ("minimum_reader", reader)):
                connection.query(f"UPDATE meta SET value = '{number}' WHERE name = '{name}'")
        known = int(connection.value("SELECT convert_from(value, 'UTF8') FROM meta WHERE name = 'schema_version'"))
        versions(known - 1, 0)
        expect("store migrate" in site.refusal(), "an old version is not refused with what to do")
        versions(known + 1, known + 1)
        expect("newer program" in site.refusal(), "a version that must not be used is used")
        versions(known + 1, 1)
        site.restart("c")
        versions(known, 1)


def changes_are_in_force_when_the_command_returns(site):
    token, took = site.token("a", "b"), []
    for number in range(CHANGES):
        state = "disable" if number % 2 == 0 else "enable"
        outcome, seconds = site.change("fi", state, BANKS[0])
        took.append(seconds)
        expect(outcome["outcome"] == "in_force" and not outcome["late"], f"the change is {outcome}")
        for name in SERVERS:
            alive = site.is_alive(name, token)
            expect(bool(alive) == (state == "enable"), f"server {name} goes by the registry of before: {state}, {alive}")
    registry_trouble.expect_soon(took, "a change")
    return f"{CHANGES} changes, the slowest in {max(took) * 1000:.0f} ms"


def change_whose_reply_is_lost_is_found_out(site):
    """The database has committed, and the command never hears of it."""
    relay.WRITES = re.compile(rb"^Q....COMMIT")
    with relay.Relay(("127.0.0.1", site.database.port)) as between:
        store = ["--store", site.database.url(SERVING_ROLE, between.port), "--audit-log", "none", "--json"]
        for state in ("disable", "enable"):
            between.lose_replies(1)
            ended = site.run("fi", state, BANKS[0], *store)
            expect(ended.returncode == 0, lambda: f"it ended with {ended.returncode}: {ended.stderr}")
            expect(json.loads(ended.stdout)["outcome"] == "in_force", f"it is {ended.stdout}")
        expect(between.lost == 2, f"{between.lost} replies were lost")


def kill_switches_reach_every_server(site):
    for words in (("--consent", "consent"), ("--fi", BANKS[0]), ("--psp", PROVIDER)):
        token = site.token("b", "c")
        site.change("tokens", "revoke", *words, "--yes")
        for name in SERVERS:
            expect(not site.is_alive(name, token), f"{words} has not reached server {name}")
        site.bank.take_ccg_token(site.fleet.ports["a"][0])


def server_that_hangs_serves_nobody_by_an_old_registry(site):
    token = site.token("a", "c")
    site.fleet.servers["b"].freeze()
    try:
        outcome, seconds = site.change("fi", "disable", BANKS[0])
        expect(outcome["outcome"] == "in_force", f"the change is {outcome}")
    finally:
        site.fleet.servers["b"].thaw()
    status, found = site.ask("b", "lookup", token=token)
    expect(not found.get("active"), "it says that a token of a disabled institution is alive")
    site.change("fi", "enable", BANKS[0])
    site.await_ready()
    return f"the command counted it out after {seconds:.1f} s, and it said {status} first"


def keys_turn_in_two_steps(site):
    keys, before = site.fleet.keys, site.fleet.keys + ".before"
    shutil.copy(keys, before)
    site.run("keys", "create", keys + ".foreign")
    site.refusal(keys=keys + ".foreign")
    expect(site.keys("rotate").returncode == 0, "the first step is refused")
    expect("server" in site.keys("rotate").stderr, "the second step comes before all servers open the key")
    first, second = Path(keys).read_text(encoding="ascii").split()
    Path(keys + ".hand").touch(0o600)
    Path(keys + ".hand").write_text(f"{second}\n{first}\n", encoding="ascii")
    site.refusal(keys=keys + ".hand")
    for name in SERVERS:
        expect(site.keys("rotate").returncode != 0, "the second step comes before all servers open the key")
        site.restart(name)
    expect(site.keys("rotate").returncode == 0, "the second step is refused though all servers open the key")
    for name in SERVERS:
        site.restart(name)
        for maker in SERVERS:
            for taker in SERVERS:
                site.token(maker, taker)
    site.refusal(keys=before)
    listed = json.loads(site.keys("list", "--json").stdout)
    expect([key["state"] for key in listed] == ["seals", "opens"], f"the keys are {listed}")


def servers_go_by_the_database_clock(site):
    token = site.token("a", "b")
    site.shims["b"].move_clock(-5)
    site.restart("b")
    site.shims["c"].move_clock(5)
    site.restart("c")
    for name in ("b", "c"):
        expect("the database's clock is" in site.fleet.servers[name].log_text(), f"server {name} tells nobody")
        offset = site.fleet.servers[name].metrics()["obie_tokens_database_clock_offset_seconds"]
        expect(4.5 < abs(offset) < 5.5, f"server {name} is {offset} s off")
    for maker in SERVERS:
        for taker in SERVERS:
            site.token(maker, taker)
    with site.database.superuser() as connection:
        rows = connection.query("SELECT max(issued_at) - (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM codes")
        ahead = int(rows[0][0])
        expect(-5000 < ahead < 100, f"the newest code was made in {ahead} ms")
    expect(site.is_alive("c", token), "a token has ended early")
    site.shims["b"].move_clock(40)
    site.await_ready("b", ready=False)
    for name in ("b", "c"):
        site.shims[name].move_clock(0)
        site.restart(name)


def servers_begin_and_go_on_without_the_database(site):
    token = site.token("a", "b")
    site.database.kill()
    site.fleet.kill("c")
    site.fleet.start("c")
    for name in SERVERS:
        expect(site.ask(name, "issue", consent="consent")[0] == 503, f"server {name} does not say 503")
    wrong = dict(site.bank.fields, Authorization=sandbox.basic("nobody", "wrong"))
    with Client(site.fleet.ports["c"][0]) as client:
        status = client.ask(sandbox.post(sandbox.TOKENS, "{}", **wrong)).status
    expect(status == 503, f"who is unknown gets {status} before anybody can be known")
    site.await_ready(ready=False)
    time.sleep(1)
    site.database.start()
    seconds = site.await_ready()
    for name in SERVERS:
        expect(site.is_alive(name, token), f"server {name} does not know the token")
        site.token(name, "c")
    return f"ready {seconds:.2f} s after the database"


CHECKS = (role_that_serves_cannot_change_tables, other_tables_are_refused, changes_are_in_force_when_the_command_returns,
          change_whose_reply_is_lost_is_found_out, kill_switches_reach_every_server, server_that_hangs_serves_nobody_by_an_old_registry,
          *registry_trouble.CHECKS, keys_turn_in_two_steps, servers_go_by_the_database_clock,
          servers_begin_and_go_on_without_the_database)


def run(program, folder):
    with Database() as database, Shim() as one, Shim() as two:
        shims = {"b": one, "c": two}
        stores = {name: database.serving_url for name in SERVERS}
        with Fleet(program, stores, database.owner_url, folder, ["--no-throttle"],
                   {name: shim.server for name, shim in shims.items()}) as fleet:
            site = Site(database, fleet, shims)
            site.await_ready()
            for check in CHECKS:
                print(f"servers test: {check.__name__.replace('_', ' ')}: {check(site) or 'ok'}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = programs.make_folder()
    try:
        run(os.path.abspath(options.server), folder)
        return 0
    except (Failure, OSError) as failure:
        print(f"servers test: FAILED {failure}", file=sys.stderr)
        return 1
    finally:
        programs.remove(folder)


if __name__ == "__main__":
    sys.exit(main())
