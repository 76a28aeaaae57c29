"""A fresh PostgreSQL with the tables of obie-tokens, for one turn of a server; with a synchronous standby beside it where
that is asked for. Both are on this machine, with fsync on, and use whatever CPUs they find."""
import contextlib
import os
import shutil
import signal
import subprocess
import sys

import scenarios
import servers
import turns
from measure import ROOT, figure, ratios, spread

sys.path.insert(0, os.path.join(ROOT, "Tests/cluster"))
from database import SERVING_ROLE, Database  # noqa: E402
import programs  # noqa: E402
from checks import wait_until  # noqa: E402

RATE_LEAST, P99_US_MOST, CPU_MOST = 0.8, 25_000, 1.3  # of SQLite's rate; the p99; of the CPU with the memory store


def is_here():
    """PostgreSQL is installed."""
    return os.access(f"{programs.POSTGRES}/postgres", os.X_OK)


@contextlib.contextmanager
def standby(primary):
    """A copy of the primary that each of its commits waits for; its pid."""
    with open(os.path.join(primary.data, "pg_hba.conf"), "a", encoding="ascii") as file:
        file.write("local replication postgres trust\n")
    with primary.superuser("postgres") as connection:
        connection.query("SELECT pg_reload_conf()")
    data = os.path.join(primary.folder, "standby")
    programs.run([f"{programs.POSTGRES}/pg_basebackup", "--pgdata", data, "--host", primary.folder, "--port",
                  str(primary.port), "--username", "postgres", "--checkpoint=fast", "--write-recovery-conf"], primary.folder)
    settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={data}"]
    program = programs.Program("standby", [f"{programs.POSTGRES}/postgres", "-D", data, *settings], primary.folder,
                               ends_with="QUIT")
    try:
        with primary.superuser("postgres") as connection:
            connection.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.query("SELECT pg_reload_conf()")
            wait_until(lambda: connection.query("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"),
                       lambda: f"the standby does not follow: {program.tail()}", 30)
        yield program.pid
    finally:
        program.stop(signal.SIGINT)
        shutil.rmtree(data, ignore_errors=True)


def prepare(program, database, folder):
    """The tables, and in the folder the keys, where there are none."""
    keys = os.path.join(folder, "keys")
    if not os.path.exists(keys):
        subprocess.run([program, "keys", "create", keys], check=True, capture_output=True)
    subprocess.run([program, "store", "migrate", "--store", database.owner_url, "--serving-role", SERVING_ROLE], check=True,
                   capture_output=True)


def turn(program, options, folder, values, has_standby=False):
    """As turns.turn, for the durable scenario on PostgreSQL."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count()))  # inherited by PostgreSQL
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(Database())
        databases = [database.program.pid]
        if has_standby:
            databases.append(stack.enter_context(standby(database)))
        os.sched_setaffinity(0, own)
        prepare(program, database, folder)
        return turns.turn(servers.SHARED, program, "durable", options, folder, values, databases=databases,
                          store=database.serving_url)


def beside(runs):
    """What is promised of PostgreSQL, beside the other stores of the same rounds: the ratios, and the p99."""
    return {"rate_to_sqlite": figure(ratios(runs, servers.SHARED, scenarios.SANDBOX_ON_DISK, "requests_per_second")),
            "cpu_to_memory": figure(ratios(runs, servers.SHARED, "obie-tokens", "cpu_us")),
            "p99_us": figure([run["p99_us"] for run in runs[servers.SHARED]])}


def sentence(found):
    """The same for people."""
    return (f"PostgreSQL has {spread(found['rate_to_sqlite'], '.2f')} of the rate of SQLite, and "
            f"{spread(found['cpu_to_memory'], '.2f')} of the server's CPU per exchange on the memory store.")
