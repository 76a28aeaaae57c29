#!/usr/bin/env python3
"""Kills obie-tokens at random moments under load, and looks for what it had promised.

    Tests/crash/crash_test.py --server .build/release/obie-tokens --rounds 100 [--power-cut] [--seed N]

Each round: start on the same file, issue and exchange on many connections, run commands beside it, SIGKILL. With
--power-cut, whatever was written since the last sync to disk is thrown away too, in files and in their names. Then start
again and check: every token whose 201 was received is alive, no code that was exchanged can be exchanged again, every
code that was received and not used still works, everything that a command had done when it ended with 0 is done. With
--audit-strict, the line of every 201 that was received is in the audit log, and the log is whole. Ends with 1 at the first
promise broken. Traffic stays on 127.0.0.1; the seed is printed.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))
sys.path.append(str(ROOT / "Tests/cluster"))

import power  # noqa: E402
from harness import Client, Failure, Server, expect, sandbox  # noqa: E402
from history import LOST, History  # noqa: E402
from operating import Operator  # noqa: E402
from promises import FAULTS, Judge  # noqa: E402

CONNECTIONS = 16
LIFE = 3600
SERVER, BANK = "server", "bank"  # as histories call them

LOG = "store.db.audit"  # The power cut is of all files that begin so.


def issue(client, number, promises):
    """A new code."""
    consent = f"consent-{number}"
    answer = promises.ask(client, "issue", sandbox.make_code(consent), consent=consent)
    expect(answer.status == 201, f"asked for a code, got {answer!r}")
    promises.heard(answer)
    return sandbox.code_of(answer)


def exchange(client, code, promises=None):
    """(status, token)."""
    answer = (promises or Promises()).ask(client, "exchange", sandbox.exchange(code), code=code)
    if promises and answer.status == 201:
        promises.heard(answer)
    return answer.status, sandbox.token_of(answer) if answer.status == 201 else None


def is_active(client, token, promises):
    answer = promises.ask(client, "lookup", sandbox.introspect(token), token=token)
    expect(answer.status == 200, f"introspected, got {answer!r}")
    return json.loads(answer.body)["active"]


class Promises:
    """What the server has said, and what it had not answered when it was killed."""

    def __init__(self):
        self.lock = threading.Lock()
        self.fresh, self.spent, self.open = set(), {}, set()
        self.broken, self.ids = [], set()
        self.lines = [{"kind": "plan", "servers": [SERVER], "life": LIFE}]

    def mark(self, kind, **more):
        self.lines.append({"kind": kind, "start": time.monotonic(), **more})

    def ask(self, client, kind, data, **about):
        """Asks, and writes into the history what came of it, as Tests/cluster/history.py has it."""
        line = {"kind": kind, "start": time.monotonic(), "server": SERVER, "bank": BANK, "outcome": LOST, **about}
        try:
            answer = client.ask(data)
            line["outcome"] = answer.status
            if answer.status == 201:
                found = sandbox.code_of(answer) if kind == "issue" else sandbox.token_of(answer)
                line["code" if kind == "issue" else "token"] = found
            elif kind == "lookup" and answer.status == 200:
                line["active"] = json.loads(answer.body)["active"]
            return answer
        finally:
            self.lines.append({**line, "end": time.monotonic()})

    def judge(self):
        """Raises Failure where the history of the round breaks a promise; returns how many attempts there were."""
        history = History(self.lines)
        faults = Judge(history).judge().faults
        expect(not faults, lambda: f"{len(faults)} faults in the history, such as {FAULTS[faults[0][0]]}: {faults[0][1]}")
        return len(history.attempts)

    def heard(self, answer):
        """A 201: by its id it must be found in the audit log, where that is strict."""
        with self.lock:
            self.ids.add(answer.headers["x-request-id"])


def server(options, folder):
    """The server on the file in this folder, to be used by `with`."""
    shim = power.shim(folder) if options.power_cut else {}
    audit = ["--audit-log", LOG, "--audit", "strict"] if options.audit_strict else []
    return Server(options.server, "--loops", "2", "--code-lifetime", LIFE, *audit, store="sqlite:store.db", cwd=folder,
                  **shim)


def load(port, promises, seed):
    """One client at full speed until the server is gone. Half of the codes are exchanged."""
    chance, number = random.Random(seed), seed
    try:
        client = Client(port)
        while True:
            number += 1
            code = issue(client, number, promises)
            with promises.lock:
                promises.fresh.add(code)
            if chance.random() < 0.5:
                continue
            with promises.lock:
                code = chance.choice([code, promises.fresh.pop()]) if promises.fresh else code
                promises.fresh.discard(code)
                promises.open.add(code)
            status, token = exchange(client, code, promises)
            expect(status == 201, f"exchanged a fresh code, got {status}")
            with promises.lock:
                promises.open.discard(code)
                promises.spent[code] = token
    except OSError:
        pass
    except Failure as broken:
        promises.broken.append(broken)


def audited(folder):
    """The ids of the requests whose lines are whole."""
    with open(os.path.join(folder, LOG), "rb") as log:
        lines = [line for line in log if line.endswith(b"\n") and not line.startswith(b"\0")]
    return {json.loads(line).get("request_id") for line in lines}


def check(port, promises):
    """Raises Failure where a promise is broken; returns how many were looked at. Uses everything up."""
    for broken in promises.broken:
        raise broken
    promises.mark("mark", name="calm")
    with Client(port) as client:
        for code in promises.fresh:
            expect(exchange(client, code, promises)[0] == 201, "a code that was never used does not work")
        won = 0
        for code in promises.open:
            status = exchange(client, code, promises)[0]
            expect(status in (201, 403), f"an unanswered exchange, tried again, got {status}")
            won += status == 201
        promises.mark("mark", name="final")
        for token in [line["token"] for line in promises.lines if line["kind"] == "exchange" and line.get("token")]:
            expect(is_active(client, token, promises), "a token whose 201 was received is gone")
        for code in promises.spent:
            expect(exchange(client, code, promises)[0] == 403, "a code was exchanged twice")
    return len(promises.spent), len(promises.fresh), len(promises.open), won


def one_round(number, options, folder, chance):
    """Load and commands, kill, check."""
    promises, operator = Promises(), Operator(options.server, folder, power.shim(folder) if options.power_cut else {})
    with server(options, folder) as victim:
        threads = [threading.Thread(target=load, args=(victim.port, promises, number * 1_000_000 + i * 10_000))
                   for i in range(CONNECTIONS)]
        threads.append(threading.Thread(target=operator.work, args=(number,)))
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0.05, 1.2))
        victim.kill()
        promises.mark("killed", server=SERVER)
        operator.kill()
        for thread in threads:
            thread.join()
    lost = power.cut(folder) if options.power_cut else (0, 0)
    if options.audit_strict:
        missing = promises.ids - audited(folder)
        expect(not missing, f"{len(missing)} of {len(promises.ids)} answers with 201 have no line in the audit log")
    done = operator.check()
    with server(options, folder) as survivor:
        try:
            spent, fresh, unanswered, won = check(survivor.port, promises)
        finally:
            survivor.kill()
            if options.power_cut:
                power.cut(folder)
    attempts = promises.judge()
    if options.audit_strict:
        whole = subprocess.run([os.path.abspath(options.server), "audit", "verify", LOG], cwd=folder, capture_output=True, text=True)
        expect(whole.returncode == 0, f"the audit log is not whole: {whole.stderr}")
        print(f"round {number}: {len(promises.ids)} answers with 201, each with its line in the audit log", flush=True)
    thrown = f", {lost[0]:,} unsynced bytes and {lost[1]} names thrown away" if options.power_cut else ""
    print(f"round {number}: {spent} tokens alive, {fresh} unused codes good, {unanswered} unanswered ({won} had not "
          f"happened), {done} commands done{thrown}; no fault in a history of {attempts} attempts", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--power-cut", action="store_true", help="throw away what was not synced, too")
    parser.add_argument("--audit-strict", action="store_true", help="no 201 may leave before its line is on disk")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"crash test: {options.rounds} rounds, seed {options.seed}"
          f"{', with power cuts' if options.power_cut else ''}", flush=True)
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="obie-tokens-crash-") as folder:
        if options.power_cut:
            power.make_shim(folder)
        try:
            for number in range(1, options.rounds + 1):
                one_round(number, options, folder, chance)
        except (Failure, OSError) as broken:
            print(f"crash test: FAILED {broken}; again with --seed {options.seed}", file=sys.stderr)
            return 1
    print("crash test: every promise kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
