#!/usr/bin/env python3
"""`store copy`: from a file into a database and back, by the program itself and with a real PostgreSQL.

    Tests/cluster/copy_test.py --server .build/release/obie-tokens [--tokens 600000]

A store is filled by a server and by commands, copied into a database, and copied back: the rows are the same. Servers on
the copies then go on as the first one would have. What must not be copied is refused. A copy that is killed leaves
nothing, and one of many tokens takes little memory.
"""
import argparse
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import programs  # noqa: E402
import relay  # noqa: E402
from asking import CALLBACK, PROVIDER, Bank, said  # noqa: E402
from checks import expect, wait_until  # noqa: E402
from client import Client  # noqa: E402
from database import SERVING_ROLE, Database  # noqa: E402
from server import Server  # noqa: E402

OPEN, SHUT = "PSDGB-FCA-111111", "PSDGB-FCA-333333"
MEMORY_BYTES_MAX = 120 << 20
TOKEN_TABLES = ("codes", "tokens", "ccg_tokens", "revoked_consents")
REGISTRY_TABLES = ("institutions", "providers", "redirect_uris", "clients", "client_institutions", "removed")


class Site:
    """A folder with a store in a file, and a database."""

    def __init__(self, program, folder, database):
        self.program, self.folder, self.database = program, folder, database
        self.file, self.keys = os.path.join(folder, "store.db"), os.path.join(folder, "store.db.keys")
        self.bank = None

    def run(self, *words, status=0):
        ended = subprocess.run([self.program, *words], cwd=self.folder, capture_output=True, text=True, check=False,
                               env={"PATH": os.environ["PATH"]}, timeout=300)
        expect(ended.returncode == status, lambda: f"{' '.join(words)} ended with {ended.returncode}: {ended.stderr}")
        return ended

    def on_file(self, *words):
        return self.run(*words, "--store", f"sqlite:{self.file}").stdout

    def copy(self, source=None, target=None, status=0, keys=None):
        """Into the database, unless something else is said."""
        ended = self.run("store", "copy", "--from", source or f"sqlite:{self.file}", "--to",
                         target or self.database.serving_url, "--json", "--keys-file", keys or self.keys, status=status)
        return json.loads(ended.stdout) if status == 0 else ended.stderr

    def serve(self, store, *flags):
        return Server(self.program, "--mode", "production", "--loops", "1", "--keys-file", self.keys, "--audit-log", "none",
                      "--code-lifetime", "3600", *flags, store=store, cwd=self.folder)

    def ask(self, server, kind, status=None, **what):
        with Client(server.port) as client:
            answer = client.ask(self.bank.request(kind, **what))
        if status:
            expect(answer.status == status, f"{kind} of {what} got {answer!r}")
        return said(kind, answer.status, answer.body)

    def token(self, server, consent):
        code = self.ask(server, "issue", 201, consent=consent)["code"]
        return code, self.ask(server, "exchange", 201, code=code)["token"]

    def is_alive(self, server, token):
        return self.ask(server, "lookup", 200, token=token)["active"]

    def empty_database(self):
        with self.database.superuser() as connection:
            connection.query("DROP OWNED BY obie_owner; GRANT ALL ON SCHEMA public TO obie_owner")
        self.run("store", "migrate", "--store", self.database.owner_url, "--serving-role", SERVING_ROLE)

    def count(self, table):
        with self.database.superuser() as connection:
            return int(connection.query(f"SELECT count(*) FROM {table}")[0][0])


def fill(site):
    """What a copy must take along, by its name."""
    secret = json.loads(site.on_file("fi", "add", OPEN, "--json"))["client_secret"]
    site.on_file("fi", "add", SHUT)
    site.on_file("psp", "add", PROVIDER, "--redirect-uri", CALLBACK, "--redirect-uri", CALLBACK + "2")
    site.on_file("psp", "add", "PSDGB-FCA-999999", "--redirect-uri", CALLBACK)
    site.on_file("psp", "remove", "PSDGB-FCA-999999", "--yes")
    site.bank = Bank(OPEN, secret)
    made = {}
    with site.serve(f"sqlite:{site.file}") as server:
        site.bank.take_ccg_token(server.port)
        made["alive"] = site.token(server, "alive")
        made["replayed"] = site.token(server, "replayed")
        made["withdrawn"] = site.token(server, "withdrawn")
        made["switched off"] = site.token(server, "switched off \N{EURO SIGN}")
        made["unspent"] = site.ask(server, "issue", 201, consent="unspent")["code"]
        site.ask(server, "consent", consent="withdrawn")
        expect("server" in site.copy(status=71), "a store is copied while a server uses it")
    site.on_file("keys", "rotate", "--keys-file", site.keys)
    with site.serve(f"sqlite:{site.file}") as server:
        made["second key"] = site.token(server, "second key")
    # No server hands this one over to the store.
    site.on_file("tokens", "revoke", "--consent", "switched off \N{EURO SIGN}", "--yes")
    site.on_file("fi", "disable", SHUT)
    return made


def wrong_copies_are_refused(site):
    expect("store migrate" in site.copy(status=78), "a database without tables is taken")
    site.run("store", "migrate", "--store", site.database.owner_url, "--serving-role", SERVING_ROLE)
    site.run("keys", "create", "foreign.keys")
    expect("key file" in site.copy(status=78, keys="foreign.keys"), "keys that open nothing are taken")
    site.copy(source="sqlite:none.db", status=66)
    site.copy(target="sqlite:other.db", status=64)
    site.copy(source="memory", status=64)
    with site.database.superuser() as connection:
        connection.query("INSERT INTO meta VALUES ('mode', 'sandbox')")
        expect("mode" in site.copy(status=78), "a database of the sandbox is taken")
        connection.query("DELETE FROM meta WHERE name = 'mode'")
        connection.query("INSERT INTO removed VALUES (1, 'x')")
        expect("registry" in site.copy(status=73), "a registry is overwritten")
        connection.query("DELETE FROM removed")


def rows(path):
    """Everything in a store's two files that a copy takes along; consents wherever they stand."""
    found = {}
    with sqlite3.connect(path) as store, sqlite3.connect(path + ".registry") as registry:
        for table in TOKEN_TABLES[:3]:
            found[table] = sorted(store.execute(f"SELECT * FROM {table}"), key=repr)
        consents = "SELECT consent, institution, revoked_until FROM revoked_consents"
        found["consents"] = sorted({*store.execute(consents), *registry.execute(consents)})
        found["keys"] = sorted(store.execute("SELECT * FROM meta WHERE name NOT IN ('id', 'registry')"))
        for table in REGISTRY_TABLES:
            found[table] = sorted(registry.execute(f"SELECT * FROM {table}"), key=repr)
        found["numbers"] = sorted(registry.execute("SELECT * FROM meta WHERE name <> 'id'"))
    return found


def copy_and_back_have_the_same_rows(site):
    outcome = site.copy()
    expect(outcome["tokens"] == 5 and outcome["codes"] == 6 and outcome["revoked_consents"] == 2, f"copied {outcome}")
    for table in TOKEN_TABLES:
        expect(site.count(table) == outcome[table], f"{table}: {site.count(table)} of {outcome}")
    expect("already" in site.copy(status=73), "a second copy is taken")
    back = os.path.join(site.folder, "back.db")
    site.copy(site.database.serving_url, f"sqlite:{back}")
    before, after = rows(site.file), rows(back)
    for name, found in before.items():
        expect(found == after[name], lambda name=name: f"{name}: {before[name]}\nand {after[name]}")
    expect("already" in site.copy(site.database.serving_url, f"sqlite:{back}", status=73), "a file is overwritten")
    expect("store copied" in Path(site.file + ".audit").read_text(encoding="utf-8"), "the audit log has no line")


def goes_on(site, store, made, taker):
    """A server on a copy knows what the first one would."""
    with site.serve(store) as server:
        wait_until(lambda: site.is_alive(server, made["alive"][1]), "a token is void after the copy", 15)
        expect(site.is_alive(server, made["second key"][1]), "a token of the newer key is void")
        for name in ("withdrawn", "switched off"):
            expect(not site.is_alive(server, made[name][1]), f"what was {name} is alive")
            site.ask(server, "exchange", 403, code=made[name][0])
        expect(site.is_alive(server, made["replayed"][1]), "it is void before the replay")
        site.ask(server, "exchange", 403, code=made["replayed"][0])
        expect(not site.is_alive(server, made["replayed"][1]), "a replay has revoked nothing")
        site.ask(server, "exchange", 201, code=made["unspent"])
        site.ask(server, "exchange", 403, code=made["unspent"])
        listed = json.loads(site.run("fi", "list", "--json", "--store", store, "--audit-log", "none").stdout)
        expect([fi["institution"] for fi in listed if not fi["enabled"]] == [SHUT], f"registered are {listed}")
        site.run("fi", "add", taker, "--store", store, "--audit-log", "none")
        if store.startswith("postgres"):
            expect("running" in site.copy(store, "sqlite:late.db", status=71), "a database is copied while a server runs")


def numbers_go_on(site, taker):
    with sqlite3.connect(site.file + ".registry") as registry:
        expected = registry.execute("SELECT value FROM meta WHERE name = 'next'").fetchone()[0]
    with site.database.superuser() as connection:
        number = int(connection.query(f"SELECT id FROM institutions WHERE reference = '{taker}'")[0][0])
    expect(number == expected, f"the next number is {number}, and {expected} was due")


def copy_whose_reply_is_lost_says_so(site):
    """The database has committed, and the command never hears of it: the next one does."""
    site.empty_database()
    relay.WRITES = re.compile(rb"^Q....COMMIT")
    with relay.Relay(("127.0.0.1", site.database.port)) as between:
        between.lose_replies(1)
        doubt = site.copy(target=site.database.url(SERVING_ROLE, between.port), status=75)
    expect("nobody knows" in doubt, f"it says {doubt}")
    expect("already" in site.copy(status=73), "what was committed is not there")


def add_tokens(path, count):
    with sqlite3.connect(path) as store:
        store.executemany("INSERT INTO tokens VALUES (?, ?, 1, 3, 1, ?, 'account', NULL, ?, NULL)",
                          ((1_700_000_000_000 + n // 3, os.urandom(32), f"many-{n}", 1_700_000_000_000) for n in range(count)))


def timed(site, source, target, kill_after=None):
    """(seconds, bytes of memory, lines on stderr)."""
    began, log = time.monotonic(), os.path.join(site.folder, "copy.log")
    with open(log, "wb") as errors:
        with subprocess.Popen([site.program, "store", "copy", "--from", source, "--to", target, "--keys-file", site.keys],
                              cwd=site.folder, stdout=errors, stderr=errors, env={"PATH": os.environ["PATH"]}) as program:
            if kill_after:
                wait_until(lambda: kill_after in Path(log).read_text(encoding="utf-8"), "there is no progress", 120)
                os.kill(program.pid, signal.SIGKILL)  # not reaped before: `kill` would do that, too
            _, status, usage = os.wait4(program.pid, 0)
            program.returncode = os.waitstatus_to_exitcode(status)
    text = Path(log).read_text(encoding="utf-8")
    expect(program.returncode == (-9 if kill_after else 0), f"it ended with {program.returncode}: {text}")
    return time.monotonic() - began, usage.ru_maxrss * 1024, text.splitlines()


def many_tokens_are_copied_in_little_memory(site, count):
    site.empty_database()
    file, database = f"sqlite:{site.file}", site.database.serving_url
    add_tokens(site.file, count)
    report = []
    for name, source, target in (("into the database", file, database), ("back", database, "sqlite:many.db")):
        timed(site, source, target, kill_after=" of ")
        if target == database:
            wait_until(lambda: site.count("tokens") == 0, "a copy that was killed has left something", 10)
        else:
            expect(not os.path.exists(os.path.join(site.folder, "many.db")), "a file that is not whole is there")
        wait_until(lambda: not busy(site), "a copy that was killed goes on", 30)
        seconds, memory, lines = timed(site, source, target)
        expect(any(" of " in line and "tokens" in line for line in lines), f"there is no progress: {lines}")
        expect(memory <= MEMORY_BYTES_MAX, f"it took {memory >> 20} MiB")
        report.append(f"{name} {count} tokens in {seconds:.1f} s with {memory >> 20} MiB")
    with sqlite3.connect(os.path.join(site.folder, "many.db")) as store:
        expect(store.execute("PRAGMA integrity_check").fetchone()[0] == "ok", "the new file is damaged")
    return ", ".join(report)


def busy(site):
    with site.database.superuser() as connection:
        return connection.query("SELECT 1 FROM pg_stat_activity WHERE application_name = 'obie-tokens copy'")


def run(program, folder, tokens):
    with Database() as database:
        site = Site(program, folder, database)
        made = fill(site)

        def tell(name, outcome=None):
            print(f"copy test: {name}: {outcome or 'ok'}", flush=True)
        tell("wrong copies are refused", wrong_copies_are_refused(site))
        tell("copy and back have the same rows", copy_and_back_have_the_same_rows(site))
        goes_on(site, database.serving_url, made, "PSDGB-FCA-555555")
        numbers_go_on(site, "PSDGB-FCA-555555")
        tell("the database goes on where the file was")
        goes_on(site, f"sqlite:{folder}/back.db", made, "PSDGB-FCA-777777")
        tell("the file goes on where the database was")
        tell("copy whose reply is lost says so", copy_whose_reply_is_lost_says_so(site))
        tell("many tokens", many_tokens_are_copied_in_little_memory(site, tokens))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--tokens", type=int, default=600_000)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = programs.make_folder()
    try:
        run(os.path.abspath(options.server), folder, options.tokens)
    finally:
        programs.remove(folder)


if __name__ == "__main__":
    main()
