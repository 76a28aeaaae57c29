#!/usr/bin/env python3
"""A PostgreSQL 15 of its own, from Debian's package: on loopback, in a folder of its own, fsync on.

    with Database() as database:             # ready, with the database and both roles
        Server(program, "--mode", "production", store=database.serving_url)

    Tests/cluster/database.py --run 'swift test --filter Postgres'

--run runs a command with TEST_POSTGRES_URL, the owner's URL, and TEST_POSTGRES_SERVING_URL, the serving role's, in its
environment, and ends with its status; the owner may do everything then. `initdb` is run once; then its outcome is copied. The roles need no
password, but the superuser is let in through a socket in the folder alone. Root is needed nowhere; where root runs it,
PostgreSQL runs as `postgres`. It ends with whoever started it, and what a killed test left is removed by the next one.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import programs  # noqa: E402
from checks import came_true, expect, wait_until  # noqa: E402
from programs import HOST, POSTGRES, Program, as_account, free_ports, make_folder, remove  # noqa: E402
from wire import Connection, QueryError  # noqa: E402

SUPERUSER, NAME, OWNER_ROLE, SERVING_ROLE = "postgres", "obie", "obie_owner", "obie_serving"
START_SECONDS = 30
TEMPLATE = "obie-tokens-postgres-15-template"
RULES = f"""local all {SUPERUSER} trust
host {{databases}} {OWNER_ROLE},{SERVING_ROLE} 127.0.0.1/32 trust
"""
# CREATEROLE: tests make roles of their own.
ROLES = [f"CREATE ROLE {OWNER_ROLE} LOGIN CREATEROLE", f"CREATE ROLE {SERVING_ROLE} LOGIN",
         f"CREATE DATABASE {NAME} OWNER {OWNER_ROLE}"]


def template():
    """A data folder as `initdb` leaves it, made by the first who asks."""
    place = os.path.join(tempfile.gettempdir(), f"{TEMPLATE}-{programs.account_id()}")
    if os.path.isdir(place):
        expect(os.lstat(place).st_uid == programs.account_id(), f"{place} is somebody else's: remove it")
        return place
    making = tempfile.mkdtemp(prefix=f"{TEMPLATE}-making-")
    programs.give(making)
    programs.run([f"{POSTGRES}/initdb", "--pgdata", making, "--username", SUPERUSER, "--auth", "trust", "--encoding", "UTF8",
                  "--locale", "C", "--data-checksums"], "/")
    try:
        os.rename(making, place)
    except OSError:  # another was faster
        shutil.rmtree(making)
    return place


class Roles:
    """The two roles' URLs, of whatever has `url(role)`."""

    @property
    def owner_url(self):
        return self.url(OWNER_ROLE)

    @property
    def serving_url(self):
        return self.url(SERVING_ROLE)


class Database(Roles):
    """One PostgreSQL. `settings` are those of postgresql.conf, on top; `environment` is its own.

    every    the roles may use every database, not this one alone
    """

    def __init__(self, settings=None, folder=None, name=NAME, every=False, environment=None):
        self.settings, self.base, self.name = dict(settings or {}), folder, name
        self.every, self.environment = every, environment
        self.program = self.folder = None

    def __enter__(self):
        self.folder = make_folder(self.base)
        try:
            self.data, self.port = os.path.join(self.folder, "data"), free_ports(1)[0]
            subprocess.run(as_account(["cp", "--archive", template(), self.data]), check=True)
            with open(os.path.join(self.data, "pg_hba.conf"), "w", encoding="ascii") as file:
                file.write(RULES.format(databases="all" if self.every else NAME))
            self.start()
            with self.superuser("postgres") as connection:
                for statement in ROLES:
                    connection.query(statement)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.program:
            self.stop()
        remove(self.folder)

    def start(self):
        settings = {"listen_addresses": HOST, "port": self.port, "unix_socket_directories": self.folder, "fsync": "on",
                    "max_connections": 100, "logging_collector": "off", **self.settings}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.program = Program("postgres", [f"{POSTGRES}/postgres", "-D", self.data, *words], self.folder,
                               self.environment, ends_with="QUIT")
        try:
            wait_until(self.answers, lambda: f"PostgreSQL did not start: {self.program.tail()}", START_SECONDS)
        except BaseException:
            self.program.kill()
            raise

    def answers(self):
        try:
            self.superuser("postgres").close()
            return True
        except (OSError, QueryError):
            return False

    def stop(self):
        """Ends it as its operator does: who is connected is thrown out."""
        self.program.stop(signal.SIGINT)

    def kill(self):
        """All of its processes, as when the machine dies."""
        below = programs.children(self.program.pid)
        for pid in [self.program.pid, *below]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.program.process.wait()
        came_true(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in below), 5)

    def superuser(self, database=None):
        return Connection(os.path.join(self.folder, f".s.PGSQL.{self.port}"), SUPERUSER, database or self.name)

    def url(self, role, port=None):
        return f"postgres://{role}@{HOST}:{port or self.port}/{self.name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True, metavar="COMMAND", help="what the shell runs while it is up")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Database() as database:
        with database.superuser() as connection:  # tests end processes, and set what the whole server does
            connection.query(f"ALTER ROLE {OWNER_ROLE} SUPERUSER")
        environment = {**os.environ, "TEST_POSTGRES_URL": database.owner_url,
                       "TEST_POSTGRES_SERVING_URL": database.serving_url}
        shell = ["setpriv", "--pdeathsig=TERM", "sh", "-c", options.run]
        return subprocess.run(shell, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
