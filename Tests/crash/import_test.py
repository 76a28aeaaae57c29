#!/usr/bin/env python3
"""Lists of providers are imported beside servers under load: killed at any moment, and without delaying a request.

    Tests/crash/import_test.py --server .build/release/obie-tokens [--store postgres] [--rounds 10] [--seed N]

First `psp import` is killed at random moments, in turn with one of two lists that differ in every way. After each kill
the registry has the list of before or the new one, whole, and all servers go on; what the audit log says is so: no line
tells of a change that was not made. Then it is not killed, and the list is there. At last one client asks for codes on a
timetable while 100,000 providers come in and are withdrawn: no answer takes longer than 50 ms, or 150 with PostgreSQL,
less what its threads waited for a CPU, in one of three tries. The store is in memory (/dev/shm) for that, where there
is such a folder: how long a disk takes, Benchmarks/runs/large_registry.py measures. A machine that makes it wait half
as long without an import cannot tell: then it says so, and that alone is no failure. With --store postgres there are
two servers on one database. Traffic stays on 127.0.0.1; the seed is printed.
"""
import argparse
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from harness import Client, Failure, expect  # noqa: E402
from sites import SITES  # noqa: E402

LOG = "import.audit"
COMMAND_SECONDS, EVERY_SECONDS, ALONE_SECONDS = 120, 0.005, 2
TRIES = 3  # a disk or a machine that stalls lengthens an answer now and then, and a fault one in each try
LONGEST_MS = {"sqlite": 50, "postgres": 150}  # in the second case the waits of the database's processes are in it
WATCHER = "registry"  # the name of the thread that reads it


def provider(number, version):
    """An entry of one of two lists: of each three providers one differs in its URIs, and all in what they may do."""
    uris = [f"https://psp-{number}.example/{version if number % 3 == 0 else 0}"]
    return {"reference": f"IMPORT-{number:06d}", "status": "withdrawn" if (number + version) % 2 else "authorised",
            "services": ["accounts"] if version else ["payments"], "redirect_uris": uris, "name": f"No. {number}.{version}"}


def lists(count):
    """The second has providers that the first has not."""
    return [[provider(number, version) for number in range(count + version * count // 10)] for version in (0, 1)]


def write(path, entries):
    with open(path, "w", encoding="ascii") as file:
        for entry in entries:
            file.write(json.dumps(entry) + "\n")
    return path


class Imports:
    """`psp import` at a site, with an audit log of its own."""

    def __init__(self, site, folder):
        self.site, self.folder, self.log = site, folder, os.path.join(folder, LOG)

    def begin(self, path):
        return subprocess.Popen([self.site.program, "psp", "import", path, "--store", self.site.store, "--audit-log", self.log],
                                cwd=self.folder, env={"PATH": os.environ["PATH"]}, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)

    def run(self, path):
        """How long it took until it was in force."""
        began = time.monotonic()
        command = self.begin(path)
        _, said = command.communicate(timeout=COMMAND_SECONDS)
        expect(command.returncode == 0, f"an import ended with {command.returncode}: {said}")
        return time.monotonic() - began

    def kill(self, path, seconds):
        """Whether it had ended before."""
        command = self.begin(path)
        try:
            command.wait(seconds)
        except subprocess.TimeoutExpired:
            command.send_signal(signal.SIGKILL)
        command.communicate()
        self.site.rest()
        return command.returncode == 0

    def registered(self):
        """What the registry has of the lists, as entries of a list."""
        found = json.loads(self.site.command("psp", "list", "--json"))
        return {entry["provider"]: (entry["status"], entry["services"], entry["redirect_uris"], entry["name"])
                for entry in found if entry["provider"].startswith("IMPORT-")}

    def told(self):
        """What the log says of changes, in order."""
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="utf-8") as lines:
            return [json.loads(line)["event"] for line in lines if line.endswith("\n") and '"registry_version"' in line]


def expected(entries):
    return {entry["reference"]: (entry["status"], entry["services"], entry["redirect_uris"], entry["name"])
            for entry in entries}


def answers(site):
    for port in site.ports:
        with Client(port) as client:
            answer = client.ask(site.bank.request("issue", consent="import"))
            expect(answer.status == 201, f"beside an import a code was asked for: {answer!r}")


def killed(site, options, folder, chance):
    """Half of the kills come while it writes, which is when it can go wrong."""
    imports, both = Imports(site, folder), lists(options.providers)
    paths = [write(os.path.join(folder, f"list-{version}"), entries) for version, entries in enumerate(both)]
    # The second has more, so from now on the registry has what both have.
    both[0] = both[0] + both[1][len(both[0]):]
    write(paths[0], both[0])
    imports.run(paths[0])
    took = imports.run(paths[1])
    has, counts = 1, {"old": 0, "new": 0}
    for _ in range(options.rounds):
        wanted = 1 - has
        before = len(imports.told())
        ended = imports.kill(paths[wanted], took * chance.choice((chance.uniform(0, 1.1), chance.uniform(0.4, 0.9))))
        found = imports.registered()
        is_new = found == expected(both[wanted])
        expect(is_new or found == expected(both[has]), "a list that was killed is there in parts")
        expect(is_new or not ended, "an import ended with 0, and its list is not there")
        told = imports.told()[before:]
        expect(is_new or "registry_changed" not in told, "the audit log tells of an import that was never made")
        expect(not is_new or "registry_change_begun" in told, "the audit log knows nothing of an import that was made")
        answers(site)
        has, counts["new" if is_new else "old"] = wanted if is_new else has, counts["new" if is_new else "old"] + 1
    imports.run(paths[1 - has])
    expect(imports.registered() == expected(both[1 - has]), "a list was imported, and is not there")
    whole = subprocess.run([site.program, "audit", "verify", imports.log], capture_output=True, text=True, check=False)
    expect(whole.returncode == 0, f"the audit log is not whole: {whole.stderr}")
    return (f"{options.rounds} imports of {len(both[1]):,} killed within {took:.1f} s: {counts['old']} times the old list, "
            f"{counts['new']} times the new one, never between")


def servers_of(site):
    return [site.server] if hasattr(site, "server") else list(site.fleet.servers.values())


def waits(pids):
    """How long threads were ready to run and had no CPU, in ms: those that a request passes through, and this one. The
    one that reads the registry is none of them."""
    nanoseconds, own = 0, threading.get_native_id()
    for folder in [*(f"/proc/{pid}/task" for pid in pids), "/proc/self/task"]:
        for thread in os.listdir(folder) if "self" not in folder else [str(own)]:
            try:
                with open(f"{folder}/{thread}/comm") as name, open(f"{folder}/{thread}/schedstat") as times:
                    nanoseconds += int(times.read().split()[1]) if name.read().strip() != WATCHER else 0
            except OSError:  # it has ended
                pass
    return nanoseconds / 1e6


class Timetable(threading.Thread):
    """Asks for a code every 5 ms until `stop`; `longest` in ms, without end where one was refused with 503. What it
    waited for a CPU is the machine's doing, and is taken off."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self.site, self.over, self.longest, self.asked, self.broken = site, threading.Event(), 0.0, 0, None
        self.pids = [server.pid for server in servers_of(site)]

    def run(self):
        try:
            clients = [Client(port) for port in self.site.ports]
            while not self.over.wait(EVERY_SECONDS):
                waited, began = waits(self.pids), time.monotonic()
                answer = clients[self.asked % len(clients)].ask(self.site.bank.request("issue", consent="beside"))
                took = (time.monotonic() - began) * 1000 if answer.status != 503 else math.inf
                took -= waits(self.pids) - waited
                self.longest, self.asked = max(self.longest, took), self.asked + 1
                expect(answer.status in (201, 503), f"beside an import a code was asked for: {answer!r}")
        except (Failure, OSError) as broken:
            self.broken = broken

    def stop(self):
        self.over.set()
        self.join()
        if self.broken:
            raise Failure(str(self.broken))
        return self.longest


def beside(site, work):
    """(the longest answer meanwhile, what the work returns)."""
    timetable = Timetable(site)
    timetable.start()
    try:
        outcome = work()
    finally:
        longest = timetable.stop()
    return longest, outcome


def undisturbed(site, options, folder, _):
    imports = Imports(site, folder)
    alone, _ = beside(site, lambda: time.sleep(ALONE_SECONDS))
    for number in range(TRIES):
        first, found = number * options.large, []
        entries = [{**provider(first + one, 0), "status": "authorised"} for one in range(options.large)]
        for status in ("authorised", "withdrawn"):
            path = write(os.path.join(folder, "large"), [{**entry, "status": status} for entry in entries])
            found.append(beside(site, lambda: imports.run(path)))
        longest, most = max(one for one, _ in found), LONGEST_MS[options.store]
        text = (f"{options.large:,} imported in {found[0][1]:.1f} s, withdrawn in {found[1][1]:.1f} s, the longest "
                f"answer meanwhile {longest:.0f} ms (at most {most}; {alone:.0f} before), in try {number + 1}")
        if longest <= most or longest == math.inf:  # a refusal is no chance
            break
    if alone <= most / 2:
        expect(longest <= most, text)
    elif longest > most:
        text += ": the machine is too busy to tell"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--store", choices=SITES, default="sqlite")
    parser.add_argument("--rounds", type=int, default=10, help="kills")
    parser.add_argument("--providers", type=int, default=10_000, help="of the list that is killed")
    parser.add_argument("--large", type=int, default=100_000, help="providers of the list that is not")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"import test: on {options.store}, seed {options.seed}", flush=True)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    try:
        for check, base in ((killed, None), (undisturbed, memory)):
            with tempfile.TemporaryDirectory(prefix="obie-tokens-import-", dir=base) as folder:
                os.chmod(folder, 0o755)  # PostgreSQL may run as somebody else
                with SITES[options.store](options.server, folder, ()) as site:
                    print(f"import test: {check(site, options, folder, random.Random(options.seed))}", flush=True)
        return 0
    except (Failure, OSError) as failure:
        print(f"import test: FAILED {failure}; again with --seed {options.seed}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
