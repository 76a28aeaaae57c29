#!/usr/bin/env python3
"""A registry change amid a fail-over: once the database writes again, how long until every server goes by it?

    Tests/cluster/change_test.py --server .build/release/obie-tokens [--rounds 1]

An operator disables a bank, or enables it, while the primary dies, loses its PostgreSQL or hands over, and tries again
until the command ends with 0. Every server must go by the change when the command ends, and within a second after the
database writes again for a plain client: the median of each fault, and none takes two.
"""
import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import programs  # noqa: E402
from checks import Failure, expect, wait_until  # noqa: E402
from client import Client  # noqa: E402
from cluster import Cluster  # noqa: E402
from database import SERVING_ROLE  # noqa: E402
from fleet import Fleet  # noqa: E402

IN_FORCE_SECONDS, SLOWEST_SECONDS = 1.0, 2.0  # the median of each fault; any, since the machine may be busy
COMMAND_SECONDS, TRIES_MAX = 60, 200
FAULTS = ("kill", "postmaster", "switchover")
ANSWERS = {"enable": {201}, "disable": {401, 403}}  # to a bank that wants a code


class Operator(threading.Thread):
    """Runs a command until it ends with 0."""

    def __init__(self, fleet, words):
        super().__init__(daemon=True)
        self.fleet, self.words = fleet, words
        self.tries, self.ended, self.outcome, self.failure = 0, None, None, None

    def run(self):
        command = [self.fleet.program, *self.words, "--json", "--audit-log", "none", "--store",
                   next(iter(self.fleet.stores.values()))]
        while self.tries < TRIES_MAX:
            self.tries += 1
            ended = subprocess.run(command, cwd=self.fleet.folder, capture_output=True, text=True, check=False,
                                   env={"PATH": os.environ["PATH"]}, timeout=COMMAND_SECONDS)
            if ended.returncode == 0:
                self.ended, self.outcome = time.monotonic(), json.loads(ended.stdout)
                return
            self.failure = ended.stderr
            time.sleep(0.05)


def status(fleet, name, bank):
    """What the server answers the bank; None where it does not."""
    try:
        with Client(fleet.ports[name][0], timeout=6) as client:
            return client.ask(bank.request("issue", consent="consent")).status
    except OSError:
        return None


def one_change(cluster, fleet, bank, fault, state):
    """Returns how long after the database the last server went by the change, and the command's tries."""
    operator = Operator(fleet, ("fi", state, bank.reference))
    wanted = ANSWERS[state]
    {"kill": cluster.kill_primary, "postmaster": cluster.kill_postmaster, "switchover": cluster.switch_over}[fault]()
    operator.start()
    back = cluster.wait_until_it_writes()
    operator.join(COMMAND_SECONDS)
    expect(operator.ended, f"{fault}: the command has not ended: {operator.failure}")
    late = operator.outcome["late"] + operator.outcome["silent"]
    for name in fleet.stores:
        found = status(fleet, name, bank)
        if operator.outcome["outcome"] == "in_force" and not late:
            expect(found in wanted | {503}, f"{fault}: {state} is in force, and server {name} answers {found}")
        wait_until(lambda name=name: status(fleet, name, bank) in wanted, f"server {name} never goes by it", 15)
    took = time.monotonic() - back
    cluster.revive()
    cluster.heal()
    return took, operator


def run(options, folder):
    found = {fault: [] for fault in FAULTS}
    with Cluster(2) as cluster:
        stores = {"a": cluster.serving_url, "b": cluster.url_at(SERVING_ROLE, cluster.proxy_port), "c": cluster.serving_url}
        with Fleet(options.server, stores, cluster.owner_url, folder, ["--no-throttle"]) as fleet:
            for name in stores:
                wait_until(lambda name=name: fleet.is_ready(name), "a server is not ready", 15)
            states = ("disable", "enable")
            for number in range(options.rounds * len(FAULTS)):
                fault, state = FAULTS[number % len(FAULTS)], states[number % 2]
                try:
                    took, operator = one_change(cluster, fleet, fleet.banks[1], fault, state)
                except Failure:
                    print(fleet.logs(), file=sys.stderr)
                    raise
                found[fault].append(took)
                print(f"change test: {fault}: {state} in force everywhere {took:.2f} s after the database wrote again, in try "
                      f"{operator.tries} of the command ({operator.outcome['outcome']})", flush=True)
                expect(took <= SLOWEST_SECONDS, f"{fault}: it took {took:.2f} s")
    medians = {fault: statistics.median(took) for fault, took in found.items()}
    expect(max(medians.values()) <= IN_FORCE_SECONDS, f"the median of each fault: {medians}")
    return ", ".join(f"{fault} {took:.2f} s" for fault, took in medians.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = programs.make_folder()
    try:
        print(f"change test: seen by every server after the fail-over's end, by the median: {run(options, folder)}")
        return 0
    except (Failure, OSError) as failure:
        print(f"change test: FAILED {failure}", file=sys.stderr)
        return 1
    finally:
        programs.remove(folder)


if __name__ == "__main__":
    sys.exit(main())
