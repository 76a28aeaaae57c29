#!/usr/bin/env python3
"""Three servers on a cluster that loses its primary, its network and its mind, under load: is every promise kept?

    Tests/cluster/failover_test.py --server .build/release/obie-tokens [--rounds 1] [--faults kill lose …] [--seed N]
    Tests/cluster/failover_test.py --server .build/release/obie-tokens --refused 10000

The servers reach the database in three ways: all hosts named, through HAProxy, and through a relay that loses replies. In
each round, each fault once, in random order:

    kill        the primary's machine dies (SIGKILL to PostgreSQL and Patroni)
    lose        the same, and what it wrote in the last 50 ms has never left it
    postmaster  only its PostgreSQL dies
    switchover  as for maintenance
    hole        the standby stops receiving, and an operator cancels every wait for it
    hole-lose   the primary stops sending, every wait is cancelled, and then its machine dies
    reply       the replies of commits are lost, and the connection with them
    silence     the network is silent for 4 s, then cuts every connection
    server      one of the servers is killed, and started again
    freeze      (where asked for) the primary's Patroni stands still, and another leads while its PostgreSQL goes on

After each, every server must write within 2 s after a plain client that reaches the database by the same way, what got
503 is tried again, and some of the newest tokens are looked up everywhere and their codes replayed. At the end every
token is looked up on every server, and the whole history is checked. With --control the standby is asynchronous, and the
checker must find what was lost. With --refused the rounds go on until so many codes were refused with 503: codes live
longer, and under a fault everybody exchanges. Each of them must be exchanged later.
"""
import argparse
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import programs  # noqa: E402
from check_history import check  # noqa: E402
from checks import Failure, expect  # noqa: E402
from cluster import Cluster  # noqa: E402
from database import SERVING_ROLE  # noqa: E402
from fleet import Fleet  # noqa: E402
from history import Recorder  # noqa: E402
from load import LIFE, Load  # noqa: E402
from programs import HOST  # noqa: E402
from reference import Reference  # noqa: E402
from relay import Relay  # noqa: E402

LOST_SECONDS, LOST_SECONDS_OF_CONTROL = 0.05, 0.2
WRITE_SECONDS = 2.0
MEMORY_BYTES = 2 << 30
PAUSE_SECONDS_MAX, MEASUREMENTS = 0.5, 3  # where a sleeping thread was not let run for so long, nothing can be measured
LOSSES_SEEN = {"dead", "refused", "twice", "revived"}


class Faults:
    """Each method is a fault. It returns what it did, once the database is there again."""

    def __init__(self, cluster, fleet, relay, load, chance):
        self.lost_seconds = LOST_SECONDS if cluster.synchronous else LOST_SECONDS_OF_CONTROL
        self.cluster, self.fleet, self.relay, self.load, self.chance = cluster, fleet, relay, load, chance
        self.ways = {"a": [node.port for node in cluster.nodes], "b": [cluster.proxy_port], "c": [relay.port]}

    def kill(self):
        return f"{self.cluster.kill_primary().name} died"

    def lose(self):
        return f"{self.cluster.kill_primary(self.lost_seconds).name} died with its last {self.lost_seconds * 1000:.0f} ms"

    def postmaster(self):
        return f"PostgreSQL of {self.cluster.kill_postmaster().name} died"

    def switchover(self):
        return f"{self.cluster.switch_over().name} took over"

    def hole(self):
        node = self.cluster.stop_receiving()
        count = self.cluster.cancel_waits(self.chance.uniform(1, 2))
        expect(count, "no write waited for the standby")
        node.send("walreceiver", signal.SIGCONT)
        return f"{node.name} received nothing, {count} waits cancelled"

    def hole_lose(self):
        node = self.cluster.stop_sending()
        count = self.cluster.cancel_waits(self.chance.uniform(0.5, 1))
        node.die()
        return f"{node.name} sent nothing, {count} waits cancelled, then it died"

    def freeze(self):
        """Two take themselves for the primary. One server may still ask the old one."""
        node, other = self.cluster.freeze_primary()
        for _ in range(5):
            self.load.end_some(["b", "c"], 20)
            time.sleep(self.chance.uniform(0.3, 0.7))
        node.thaw()
        return f"Patroni of {node.name} stood still and {other.name} led"

    def reply(self):
        before, count = self.relay.lost, self.chance.randint(3, 10)
        self.relay.lose_replies(count)
        self.load.wait(lambda: self.relay.lost >= before + count, "no replies to lose", 20)
        return f"{count} replies of commits lost"

    def silence(self):
        self.relay.silence(4.0)
        return f"silent for 4 s, {self.relay.cut()} connections cut"

    def server(self):
        name = self.chance.choice(list(self.fleet.stores))
        self.fleet.kill(name)
        self.load.killed(name)
        time.sleep(0.5)
        self.fleet.start(name)
        return f"server {name} died"


NAMES = ["kill", "lose", "postmaster", "switchover", "hole", "hole-lose", "freeze", "reply", "silence", "server"]
OF_DATABASE = set(NAMES) - {"reply", "silence", "server"}
HEALING = {"kill", "lose", "postmaster", "hole-lose"}  # afterwards it takes some ten seconds until the cluster is whole
LIFE_OF_REFUSED, WEIGHTS_OF_REFUSED = 900.0, {"withdraw": 0}  # no code may expire, or be void


def one_fault(name, faults, is_crowding):
    """Does it and waits until all is well again. Returns a line, how long each server took to write again, and how long
    a thread was not let run meanwhile."""
    load, cluster = faults.load, faults.cluster
    if name in OF_DATABASE:
        cluster.heal()
    if is_crowding:
        load.stock_up()
    load.is_crowding, began = is_crowding, time.monotonic()
    load.mark(f"fault {name}")
    with Reference(faults.ways if name in OF_DATABASE else {}) as reference:
        said = getattr(faults, name.replace("-", "_"))()
        back = cluster.wait_until_it_writes()
        cluster.revive()
        load.is_crowding = False
        load.calm()
    plain, delays = reference.first(back), load.first_writes(back)
    delays = {server: max(delay - plain.get(server, 0), 0) for server, delay in delays.items()}
    load.look_back(began - 3)
    took = " ".join(f"{delay:.1f}" for _, delay in sorted(delays.items()))
    return f"{said}; the database wrote after {back - began:.1f} s, servers {took} s later", delays, reference.longest_pause


def measured(name, faults, options, number):
    """One fault; again where the machine was too busy to say how long servers took. Returns what they took."""
    for left in reversed(range(MEASUREMENTS)):
        line, delays, pause = one_fault(name, faults, options.refused > 0)
        refused = f"; {len(faults.load.refused):,} codes refused so far" if options.refused else ""
        print(f"round {number} {name}: {line}{refused}", flush=True)
        late = {server: round(delay, 1) for server, delay in delays.items() if delay > WRITE_SECONDS}
        if name not in OF_DATABASE or options.control or not late:
            return delays if name in OF_DATABASE else {}
        expect(left and pause > PAUSE_SECONDS_MAX, f"{name}: servers wrote so many seconds after a plain client did: {late}")
        print(f"round {number} {name}: measured again, for the machine held everybody up for {pause:.1f} s", flush=True)


def in_order(names, number, chance):
    """Shuffled. In every other round what needs no whole cluster comes while one heals, which saves time."""
    names = chance.sample(names, len(names))
    if number % 2 == 0:
        return names
    others = [name for name in names if name not in OF_DATABASE]
    names = [name for name in names if name in OF_DATABASE]
    for name in [name for name in names if name in HEALING][:len(others)]:
        names.insert(names.index(name) + 1, others.pop())
    return names + others


def all_rounds(options, faults, chance):
    slowest, number = {}, 0
    while number < options.rounds or len(faults.load.refused) < options.refused:
        number += 1
        for name in in_order(options.faults, number, chance):
            for server, delay in measured(name, faults, options, number).items():
                slowest[server] = max(slowest.get(server, 0), delay)
    return slowest


def in_memory():
    """A folder whose files are in memory, where there is room; else None. Processes are killed here and no machine, so
    what a database has written is there afterwards, synced or not."""
    place = "/dev/shm"
    return place if os.path.isdir(place) and shutil.disk_usage(place).free > MEMORY_BYTES else None


def run(options, folder, path):
    chance = random.Random(options.seed)
    base = in_memory() if options.memory else None
    with Cluster(options.nodes, synchronous=not options.control, folder=base) as cluster, \
            Relay((HOST, cluster.proxy_port), options.seed) as relay:
        print(f"fail-over test: {options.nodes} nodes ready in {cluster.ready_seconds:.1f} s", flush=True)
        stores = {"a": cluster.serving_url, "b": cluster.url_at(SERVING_ROLE, cluster.proxy_port),
                  "c": cluster.url_at(SERVING_ROLE, relay.port)}
        life, weights = (LIFE_OF_REFUSED, WEIGHTS_OF_REFUSED) if options.refused else (LIFE, {})
        with Fleet(options.server, stores, cluster.owner_url, folder, ["--code-lifetime", f"{life:.0f}"]) as fleet:
            recorder = Recorder(path, list(stores), life, options.seed)
            with Load(fleet.addresses, fleet.banks, recorder, options.seed, options.rate, options.connections,
                      options.stock, weights, life) as load:
                try:
                    load.calm()
                    slowest = all_rounds(options, Faults(cluster, fleet, relay, load, chance), chance)
                    cluster.heal()
                    load.finish(60 + len(load.tokens) * len(stores) / 300)
                except Exception:
                    print(fleet.logs(), file=sys.stderr)
                    raise
    return slowest


def verdict(options, judge):
    kinds = {kind for kind, _ in judge.faults}
    if options.control:
        expect(kinds & LOSSES_SEEN, "the control lost nothing: does the test see anything?")
        expect(kinds <= LOSSES_SEEN, f"the control broke other promises than it should: {kinds - LOSSES_SEEN}")
        return "without a synchronous standby the checker found what was lost"
    expect(not judge.faults, "the history breaks a promise")
    if not options.refused:
        return "every promise kept"
    refused, later = judge.counts["503 codes"], judge.counts["503 codes exchanged later"]
    said = f"of {refused:,} codes refused under fault {later:,} were exchanged later, {refused - later:,} not"
    expect(refused == later >= options.refused, said)
    return f"every promise kept; {said}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--rounds", type=int, default=1, help="how often each fault comes")
    parser.add_argument("--faults", nargs="+", choices=NAMES)
    parser.add_argument("--refused", type=int, default=0, metavar="N", help="go on until N codes were refused")
    parser.add_argument("--nodes", type=int, choices=(2, 3), default=2)
    parser.add_argument("--rate", type=float, help="requests a second")
    parser.add_argument("--connections", type=int, help="to each server")
    parser.add_argument("--memory", action="store_true", help="databases in memory, if there is room: saves a quarter of the time")
    parser.add_argument("--control", action="store_true", help="no synchronous standby: something must be found")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--keep", metavar="FILE", help="where the history is written to, to be kept")
    options = parser.parse_args()
    # Who has asked a server that dies does not know what has become of his code.
    options.faults = options.faults or [name for name in NAMES if name not in ("freeze", "server" if options.refused else "")]
    options.rate = options.rate or (900 if options.refused else 300)
    options.connections = options.connections or (160 if options.refused else 40)
    options.stock = options.connections * (20 if options.refused else 8)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"fail-over test: {options.rounds} × {', '.join(options.faults)}; seed {options.seed}", flush=True)
    folder, began = programs.make_folder(), time.monotonic()
    try:
        path = options.keep or os.path.join(folder, "history.jsonl")
        slowest = run(options, folder, path)
        said = verdict(options, check(path))
        took = ", ".join(f"{server} {delay:.1f} s" for server, delay in sorted(slowest.items()))
        print(f"fail-over test: {said}; writes went on at the latest after: {took}; {time.monotonic() - began:.0f} s")
        return 0
    except (Failure, OSError) as failure:
        print(f"fail-over test: FAILED {failure}; again with --seed {options.seed}", file=sys.stderr)
        return 1
    finally:
        programs.remove(folder)


if __name__ == "__main__":
    sys.exit(main())
