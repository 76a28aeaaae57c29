#!/usr/bin/env python3
"""PostgreSQL on several machines, as a bank has it: Patroni, etcd and HAProxy, with a synchronous standby.

    with Cluster() as cluster:
        Server(program, "--mode", "production", store=cluster.serving_url)
        cluster.kill_primary(lose_seconds=0.05)
        cluster.heal()

    Tests/cluster/cluster.py --run COMMAND [--nodes 3] [--asynchronous]

--run runs a command with TEST_POSTGRES_URL, the owner's URL with all hosts, and TEST_POSTGRES_PROXY_URL, the same
through HAProxy. All is on loopback, in a folder of its own, without systemd; it is ready in about ten seconds. Faults
return when they are done; `heal` when the cluster is whole again.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import programs  # noqa: E402
from checks import Failure, expect, wait_until  # noqa: E402
from client import get  # noqa: E402
from database import NAME, OWNER_ROLE, ROLES, Roles  # noqa: E402
from nodes import Node  # noqa: E402
from programs import HOST, Program, free_ports, make_folder, remove  # noqa: E402
from wire import QueryError  # noqa: E402

READY_SECONDS, HEAL_SECONDS, FAIL_OVER_SECONDS = 60, 60, 30
PROXY = """\
global
  maxconn 400
defaults
  mode tcp
  timeout connect 1s
  timeout client 1h
  timeout server 1h
listen primary
  bind {host}:{port}
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server inter 500ms fastinter 200ms fall 2 rise 1 on-marked-down shutdown-sessions
"""


class Cluster(Roles):
    """`nodes` machines; with three, no write is taken that is on one alone (strict). Not `synchronous`: what a
    primary had acknowledged dies with it, as a control of the tests."""

    def __init__(self, nodes=2, synchronous=True, folder=None):
        self.count, self.synchronous, self.base = nodes, synchronous, folder
        self.folder, self.nodes, self.etcd, self.proxy = None, [], None, None

    def __enter__(self):
        self.folder = make_folder(self.base)
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            if node.is_up():
                node.patroni.kill()  # at once, as nothing is to be kept
            node.thaw()
        for node in self.nodes:
            programs.end_postmaster(node.data)
        for program in (self.proxy, self.etcd):
            if program:
                program.stop()
        remove(self.folder)

    def _start(self):
        ports = free_ports(3 + 2 * self.count)
        self.proxy_port, etcd = ports[0], ports[1]
        self.etcd = Program("etcd", self._etcd_command(etcd, ports[2]), self.folder)
        pairs = list(zip(ports[3::2], ports[4::2]))
        strict = self.synchronous and self.count > 2
        self.nodes = [Node(name, self.folder, pair, etcd, self.synchronous, strict) for name, pair in zip("abc", pairs)]
        self.proxy = Program("haproxy", [programs.program("haproxy"), "-db", "-f", self._proxy_file()], self.folder)
        began = time.monotonic()
        for node in self.nodes:
            node.start()
            if node is self.nodes[0]:
                wait_until(lambda: self.nodes[0].is_("primary"), self._state, READY_SECONDS)
        self.standby(READY_SECONDS)
        self._make_roles()
        self._wait_until_whole(READY_SECONDS - (time.monotonic() - began))
        self.ready_seconds = time.monotonic() - began

    def _etcd_command(self, port, peer_port):
        url, peer = f"http://{HOST}:{port}", f"http://{HOST}:{peer_port}"
        return [programs.program("etcd"), "--name", "e1", "--data-dir", os.path.join(self.folder, "etcd"),
                "--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peer,
                "--initial-advertise-peer-urls", peer, "--initial-cluster", f"e1={peer}",
                "--heartbeat-interval", "100", "--election-timeout", "1000"]

    def _proxy_file(self):
        path = os.path.join(self.folder, "haproxy.cfg")
        with open(path, "w", encoding="ascii") as file:
            file.write(PROXY.format(host=HOST, port=self.proxy_port))
            for node in self.nodes:
                file.write(f"  server {node.name} {HOST}:{node.port} check port {node.rest}\n")
        programs.give(path)
        return path

    def _make_roles(self):
        with self.nodes[0].superuser(timeout=20) as connection:
            for statement in [*ROLES, "CREATE TABLE probe (n bigint)", "INSERT INTO probe VALUES (0)"]:
                connection.query(statement)

    # Where it is

    def url(self, role):
        hosts = ",".join(f"{HOST}:{node.port}" for node in self.nodes)
        return f"postgres://{role}@{hosts}/{NAME}"

    def url_at(self, role, port):
        """Through a proxy or a relay."""
        return f"postgres://{role}@{HOST}:{port}/{NAME}"

    def primary(self, seconds=FAIL_OVER_SECONDS):
        """The node that is primary now."""
        return wait_until(lambda: next((node for node in self.nodes if node.is_up() and node.is_("primary")), None),
                          self._state, seconds)

    def standby(self, seconds=HEAL_SECONDS):
        """The synchronous standby, or any where none is synchronous."""
        role = "synchronous" if self.synchronous else "replica"
        return wait_until(lambda: next((node for node in self.nodes if node.is_(role)), None), self._state, seconds)

    def wait_until_it_writes(self, seconds=FAIL_OVER_SECONDS):
        """The moment, by time.monotonic(), at which a write was taken."""
        wait_until(lambda: any(node.writes() for node in self.nodes), self._state, seconds)
        return time.monotonic()

    # Faults

    def kill_primary(self, lose_seconds=0.0):
        """SIGKILL to the primary with its Patroni, as when a machine dies. Returns the node."""
        node = self.primary()
        node.die(lose_seconds)
        return node

    def kill_postmaster(self):
        """SIGKILL to the primary's PostgreSQL alone: Patroni starts it again, or lets another lead."""
        node = self.primary()
        node.kill_postmaster()
        return node

    def switch_over(self):
        """The standby takes over, as for maintenance. Returns the new primary."""
        old, new, said = self.primary(), self.standby(), None

        def is_ordered():
            nonlocal said  # Patroni learns a little later than PostgreSQL that the standby is synchronous
            said = old.order("/switchover", json.dumps({"leader": old.name, "candidate": new.name}))
            return said[0] == 200

        wait_until(is_ordered, lambda: f"switchover: {said}", 10)
        wait_until(lambda: new.is_("primary"), self._state, FAIL_OVER_SECONDS)
        return new

    def freeze_primary(self):
        """Its Patroni stops, so that another node takes over while its PostgreSQL still takes itself for the primary.
        Returns both nodes, once the other one writes."""
        node = self.primary()
        node.freeze()
        other = wait_until(lambda: next((one for one in self.nodes if one is not node and one.writes()), None), self._state,
                           FAIL_OVER_SECONDS)
        return node, other

    def stop_receiving(self):
        """The standby no longer takes what it is sent: every write waits. Returns the node."""
        node = self.standby()
        expect(node.send("walreceiver", signal.SIGSTOP), f"no WAL receiver on {node.name}")
        return node

    def stop_sending(self):
        """What the primary writes no longer leaves it: every write waits. Returns the node."""
        node = self.primary()
        expect(node.send("walsender", signal.SIGSTOP), f"no WAL sender on {node.name}")
        return node

    def cancel_waits(self, seconds):
        """Cancels, as an operator may, every wait for the standby: what waited is committed on the primary alone, and
        its client gets a warning. Returns how many."""
        count, end, node = 0, time.monotonic() + seconds, self.primary()
        try:
            with node.superuser() as connection:
                while time.monotonic() < end:
                    count += sum(row[0] == "t" for row in connection.query(
                        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
                        " AND backend_type = 'client backend'"))
                    time.sleep(0.02)
        except (OSError, QueryError) as error:
            raise Failure(f"the waits could not be cancelled: {error}") from error
        return count

    def revive(self):
        """Lets go on what was stopped, and starts what is dead. Does not wait for it."""
        for node in self.nodes:
            node.thaw()
            if not node.is_up():
                node.start()

    def heal(self, seconds=HEAL_SECONDS):
        """The same, and waits until one leads and all others follow."""
        self.revive()
        self._wait_until_whole(seconds)

    def _wait_until_whole(self, seconds):
        def is_whole():
            following = sum(node.is_("replica") for node in self.nodes)
            in_step = not self.synchronous or any(node.is_("synchronous") for node in self.nodes)
            return following == self.count - 1 and in_step and any(
                node.writes() and node.followers() == self.count - 1 for node in self.nodes)
        wait_until(is_whole, self._state, seconds)

    def _state(self):
        """For the complaint: what each Patroni says of itself, and its last lines."""
        said = []
        for node in self.nodes:
            try:
                said.append(f"{node.name}: {get(node.rest, '/patroni', timeout=1)[1]}")
            except OSError as error:
                said.append(f"{node.name}: {error}")
            if node.patroni:
                said.append(node.patroni.tail())
        return "the cluster is not as it should be: " + "\n".join(said) + self.etcd.tail(3)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True, metavar="COMMAND", help="what the shell runs while it is up")
    parser.add_argument("--nodes", type=int, choices=(2, 3), default=2)
    parser.add_argument("--asynchronous", action="store_true", help="without a synchronous standby")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Cluster(options.nodes, not options.asynchronous) as cluster:
        print(f"cluster: {options.nodes} nodes ready in {cluster.ready_seconds:.1f} s in {cluster.folder}", file=sys.stderr)
        environment = {**os.environ, "TEST_POSTGRES_URL": cluster.owner_url,
                       "TEST_POSTGRES_PROXY_URL": cluster.url_at(OWNER_ROLE, cluster.proxy_port)}
        shell = ["setpriv", "--pdeathsig=TERM", "sh", "-c", options.run]
        return subprocess.run(shell, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
