"""One machine of the cluster: a Patroni and its PostgreSQL, which die together or apart."""
import os
import signal
import time

import programs
from client import get, request
from checks import came_true, expect
from database import NAME, OWNER_ROLE, SERVING_ROLE, SUPERUSER
from programs import HOST, POSTGRES, Program
from wire import Connection, QueryError

REPLICATION_ROLE, REWIND_ROLE = "replicator", "rewinder"
CONFIGURATION = """\
scope: obie
name: {name}
restapi: {{listen: "{host}:{rest}", connect_address: "{host}:{rest}"}}
etcd3: {{host: "{host}:{etcd}"}}
bootstrap:
  dcs:
    ttl: 6
    loop_wait: 1
    retry_timeout: 2
    maximum_lag_on_failover: 1048576
    synchronous_mode: {synchronous}
    synchronous_mode_strict: {strict}
    postgresql:
      use_pg_rewind: true
      parameters: {{synchronous_commit: "on", max_connections: 100, shared_buffers: 64MB, fsync: "on", wal_log_hints: "on",
        restart_after_crash: "off"}}
  initdb: [{{encoding: UTF8}}, {{locale: C}}, data-checksums]
postgresql:
  listen: "{host}:{port}"
  connect_address: "{host}:{port}"
  data_dir: {data}
  bin_dir: {programs}
  pgpass: {folder}/pgpass
  use_unix_socket: true
  basebackup: [checkpoint: fast]
  authentication:
    superuser: {{username: {superuser}}}
    replication: {{username: {replication}}}
    rewind: {{username: {rewind}}}
  parameters: {{unix_socket_directories: {folder}, dynamic_shared_memory_type: mmap}}
  pg_hba:
    - local all {superuser} trust
    - host {database} {roles} 127.0.0.1/32 trust
    - host replication {replication} 127.0.0.1/32 trust
    - host postgres {rewind} 127.0.0.1/32 trust
"""


class Node:
    """`port` is PostgreSQL's, `rest` Patroni's."""

    def __init__(self, name, folder, ports, etcd, synchronous, strict):
        self.name, (self.port, self.rest) = name, ports
        self.folder = os.path.join(folder, name)
        self.data = os.path.join(self.folder, "data")
        os.mkdir(self.folder, 0o700)
        programs.give(self.folder)
        self.file, self.patroni = os.path.join(self.folder, "patroni.yml"), None
        with open(self.file, "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(
                name=name, host=HOST, rest=self.rest, etcd=etcd, synchronous=str(synchronous).lower(),
                strict=str(strict).lower(), port=self.port, data=self.data, programs=POSTGRES, folder=self.folder,
                superuser=SUPERUSER, replication=REPLICATION_ROLE, rewind=REWIND_ROLE, database=NAME,
                roles=f"{OWNER_ROLE},{SERVING_ROLE}"))
        programs.give(self.file)

    def start(self):
        self.patroni = Program("patroni", [programs.program("patroni"), self.file], self.folder)

    def is_up(self):
        return bool(self.patroni and self.patroni.is_running())

    def is_(self, role):
        """What Patroni says: "primary", "replica", "synchronous"."""
        try:
            return get(self.rest, f"/{role}", timeout=1)[0] == 200
        except OSError:
            return False

    def order(self, path, body):
        """(status, text) of a request to Patroni."""
        return request(self.rest, "POST", path, body, {"Content-Type": "application/json"}, timeout=20)

    def superuser(self, database="postgres", timeout=2):
        return Connection(os.path.join(self.folder, f".s.PGSQL.{self.port}"), SUPERUSER, database, timeout)

    def writes(self):
        """Whether a write is taken and, where there is a synchronous standby, has reached it, within a second."""
        try:
            with self.superuser(timeout=1) as connection:
                connection.query("SET synchronous_commit = on; UPDATE probe SET n = n + 1")
                return True
        except (OSError, QueryError):
            return False

    def followers(self):
        """How many standbys receive what it writes."""
        try:
            with self.superuser() as connection:
                return int(connection.value("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"))
        except (OSError, QueryError):
            return 0

    # Its processes

    def postmaster(self):
        return programs.postmaster(self.data)

    def processes(self, word):
        """The pids of PostgreSQL's processes of a kind: "walsender", "walreceiver"."""
        pid = self.postmaster()
        return [child for child in programs.children(pid) if f" {word} " in f"{programs.title(child)} "] if pid else []

    def send(self, word, number):
        """A signal to those of a kind. Returns how many there were."""
        return hit(self.processes(word), number)

    def die(self, lose_seconds=0.0):
        """The machine is gone, with all that runs on it. What it wrote within the last `lose_seconds` has never left it."""
        if lose_seconds:
            self.send("walsender", signal.SIGSTOP)
            time.sleep(lose_seconds)
        if self.is_up():
            self.patroni.kill()
        self.kill_postgres()

    def freeze(self):
        """Patroni no longer runs, as where a machine has no memory left; PostgreSQL goes on without it."""
        hit([self.patroni.pid], signal.SIGSTOP)

    def thaw(self):
        """What was stopped goes on, wherever it is stopped."""
        hit([*self.postgres_pids(), *([self.patroni.pid] if self.is_up() else [])], signal.SIGCONT)

    def postgres_pids(self):
        pid = self.postmaster()
        return [pid, *programs.children(pid)] if pid else []

    def kill_postgres(self):
        """All of PostgreSQL's processes; Patroni, where it lives, finds out. First the one that makes others stands still:
        a new one that was left alive would wait for the locks of the dead, and keep their memory from the next start."""
        hit([pid for pid in [self.postmaster()] if pid], signal.SIGSTOP)
        pids = self.postgres_pids()
        hit(pids, signal.SIGKILL)
        came_true(lambda: not any(programs.title(pid) for pid in pids), 5)

    def kill_postmaster(self):
        pid = self.postmaster()
        expect(pid, f"no PostgreSQL runs on {self.name}")
        hit([pid], signal.SIGKILL)


def hit(pids, number):
    count = 0
    for pid in pids:
        try:
            os.kill(pid, number)
            count += 1
        except ProcessLookupError:
            pass
    return count
