#!/usr/bin/env python3
"""Servers are exchanged for others one after the other, under load, and nobody notices.

    Tests/cluster/upgrade_test.py --old OLD/obie-tokens --new NEW/obie-tokens [--rounds 1] [--seed N]

Two servers on one PostgreSQL. In each round one after the other is stopped, as its service manager does, and started as
the new version; then the same back to the old one. The new version migrates the database first, while the old one serves.
No request may fail: connections that a server refuses while it is away are made again, as a balancer does.

Where both programs are the same, the test stands in for the next version: it adds a column to each table of tokens, and
gives the tables the next version, as a migration would.
"""
import argparse
import filecmp
import os
import random
import signal
import sys
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import programs  # noqa: E402
from check_history import check  # noqa: E402
from checks import Failure, expect  # noqa: E402
from database import SERVING_ROLE, Database  # noqa: E402
from fleet import Fleet  # noqa: E402
from history import Recorder  # noqa: E402
from load import LIFE, Load  # noqa: E402

SERVERS = ("a", "b")
PAUSE_SECONDS = 0.5
TABLES = ("codes", "tokens", "ccg_tokens", "revoked_consents")


def migrate_as_the_next(database):
    """What the next version's migration may do: it adds, in one transaction, while the old one serves."""
    with database.superuser() as connection:
        version = int(connection.value("SELECT convert_from(value, 'UTF8') FROM meta WHERE name = 'schema_version'"))
        columns = "".join(f"ALTER TABLE {table} ADD COLUMN added_by_the_next bytea;" for table in TABLES)
        connection.query(f"BEGIN; SET LOCAL lock_timeout = '10s'; {columns} UPDATE meta SET value = '{version + 1}'"
                         " WHERE name = 'schema_version'; COMMIT")
    return f"tables of version {version} and of {version + 1}, which is made up"


def roll(fleet, load, program):
    """Every server, one after the other, becomes the program."""
    for name in fleet.stores:
        fleet.stop(name)
        fleet.start(name, program)
        load.calm(mark="rolled")
        time.sleep(PAUSE_SECONDS)


def run(options, folder):
    path = options.keep or os.path.join(folder, "history.jsonl")
    old, new = os.path.abspath(options.old), os.path.abspath(options.new)
    with Database() as database:
        stores = {name: database.serving_url for name in SERVERS}
        with Fleet(old, stores, database.owner_url, folder) as fleet:
            recorder = Recorder(path, SERVERS, LIFE, options.seed)
            with Load(fleet.addresses, fleet.banks, recorder, options.seed, options.rate, options.connections) as load:
                load.calm()
                fleet.program = new
                fleet.command("store", "migrate", "--store", database.owner_url, "--serving-role", SERVING_ROLE)
                tables = "two programs"
                if filecmp.cmp(old, new, shallow=False):
                    tables = migrate_as_the_next(database)
                for number in range(1, options.rounds + 1):
                    began = time.monotonic()
                    roll(fleet, load, new)
                    roll(fleet, load, old)
                    print(f"round {number}: there and back in {time.monotonic() - began:.1f} s", flush=True)
                load.finish()
    judge = check(path, no_failures=True)
    expect(not judge.faults, "the history breaks a promise")
    return f"{options.rounds} rolling upgrades there and back ({tables}), no failed request"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", required=True)
    parser.add_argument("--new", required=True)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--rate", type=float, default=300, help="requests a second")
    parser.add_argument("--connections", type=int, default=16, help="to each server")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--keep", metavar="FILE", help="where the history is written to, to be kept")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"upgrade test: {options.rounds} rounds, seed {options.seed}", flush=True)
    folder = programs.make_folder()
    try:
        print(f"upgrade test: {run(options, folder)}")
        return 0
    except (Failure, OSError) as failure:
        print(f"upgrade test: FAILED {failure}; again with --seed {options.seed}", file=sys.stderr)
        return 1
    finally:
        programs.remove(folder)


if __name__ == "__main__":
    sys.exit(main())
