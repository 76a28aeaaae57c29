#!/usr/bin/env python3
"""`obie-tokens report` of two servers on one PostgreSQL.

    Tests/kpi/several_test.py --server .build/release/obie-tokens

Requests are added up over servers. While one of them is away the service is not down. It is down while the database is away,
and while both servers are killed; each is reported to the second, and what failed meanwhile is counted for whom it was.
"""
import argparse
import csv
import datetime
import io
import json
import os
import signal
import sys
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path[:0] = [str(ROOT / "Tests/harness"), str(ROOT / "Tests/cluster")]

import programs  # noqa: E402
from checks import Failure, expect, wait_until  # noqa: E402
from client import Client, get  # noqa: E402
from database import Database  # noqa: E402
from fleet import Fleet  # noqa: E402
from one_day import begin_within_a_day  # noqa: E402

TOKENS, CODES = "/v1/obie/tokens", "/v1/obie/authorization_codes"
COUNT, AWAY_SECONDS, READY_SECONDS = 50, 8, 20
RUN_SECONDS = 240  # half a minute, and what a busy machine adds
# The servers notice the loss of a database within two seconds, and say that it began when one of their connections last had an
# answer. That was half a second before, and more on a busy machine.
LOSS_SECONDS, IDLE_SECONDS = 1.0, 2.0


def day():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Site:
    def __init__(self, fleet):
        self.fleet, self.bank, self.first = fleet, fleet.banks[0], day()

    def report(self, kind, form):
        return self.fleet.command("report", kind, "--from", self.first, "--to", day(), "--format", form, "--store",
                                  self.fleet.stores["a"])

    def row(self, endpoint):
        rows = csv.DictReader(io.StringIO(self.report("kpi", "csv")))
        found = [row for row in rows if row["institution"] == self.bank.reference and row["endpoint"] == endpoint]
        expect(len(found) == 1, f"{len(found)} lines for {endpoint}")
        return {name: found[0][name] for name in ("requests", "errors_5xx", "down_planned_seconds", "down_unplanned_seconds")}

    def ask(self, name, kind, **what):
        with Client(self.fleet.ports[name][0]) as client:
            return client.ask(self.bank.request(kind, **what))

    def wait_until_ready(self):
        for _, port in self.fleet.ports.values():
            wait_until(lambda port=port: get(port, "/readyz")[0] == 200, "a server is not ready", READY_SECONDS)


def check_sums(site):
    """Codes of one server, exchanged on the other; then one is away."""
    before = int(site.row(TOKENS)["requests"]) if "/tokens" in site.report("kpi", "csv") else 0
    for number in range(COUNT):
        answer = site.ask("ab"[number % 2], "issue", consent=f"consent-{number}")
        code = json.loads(answer.body)["data"]["redirect_uri"]["parameters"]["code"]
        expect(site.ask("ba"[number % 2], "exchange", code=code).status == 201, "a code was not taken")
    for name in "ab":
        site.fleet.servers[name].stop(15)
        time.sleep(2)
        expect(site.ask("b" if name == "a" else "a", "issue", consent="x").status == 201, "the other one does not serve")
        site.fleet.start(name)
        site.wait_until_ready()
    codes, tokens = site.row(CODES), site.row(TOKENS)
    # Since the second stop there has been no flush of what the other one was asked then.
    expect(COUNT <= int(codes["requests"]) <= COUNT + 2 and int(tokens["requests"]) - before in (COUNT, COUNT + 1),
           f"{COUNT} codes were made and exchanged; reported are {codes} and {tokens}")
    down = codes["down_planned_seconds"], codes["down_unplanned_seconds"], codes["errors_5xx"]
    expect(down == ("0", "0", "0"), f"one server was away at a time, and the service was never down: {codes}")


def check_database(site, database):
    time.sleep(4)  # a server that has just begun is told apart from one that is down only after some seconds
    before, failed = time.time(), 0
    database.stop()
    began = time.time()
    while time.time() - began < AWAY_SECONDS:
        for name in "ab":
            failed += site.ask(name, "issue", consent="away").status == 503
        time.sleep(0.1)
    database.start()
    back = time.time()
    site.wait_until_ready()
    ready = time.time()
    wait_until(lambda: sum(one["end"] is not None for one in json.loads(site.report("incidents", "json"))) >= 2,
               "the outage was not written down", 30)
    found = json.loads(site.report("incidents", "json"))
    expect(len({one["server"] for one in found}) == len(found) == 2, f"two servers were down: {found}")
    for one in found:
        expect(one["all_servers"] and not one["planned"], f"nobody answered: {one}")
        expect(before - IDLE_SECONDS <= moment(one["start"]) <= began + LOSS_SECONDS and back - 0.5 <= moment(one["end"]) <= ready + 1,
               f"it was away from {began} to {back}..{ready}: {one}")
    # As the figures come on the next flush.
    wait_until(lambda: int(site.row(CODES)["errors_5xx"]) == failed, f"{failed} requests failed", 30)
    down = int(site.row(CODES)["down_unplanned_seconds"])
    expect(back - began - LOSS_SECONDS - 0.5 <= down <= ready - before + IDLE_SECONDS + 1.5,
           f"it was away for {back - began:.1f} s, reported are {down}")
    return ready - began, down, failed


def check_kill(site):
    for name in "ab":
        site.fleet.servers[name].kill()
    killed = time.time()
    time.sleep(6)
    found = [one for one in json.loads(site.report("incidents", "json")) if one["end"] is None]
    expect(len(found) == 1 and abs(moment(found[0]["start"]) - killed) <= 1.5, f"both were killed at {killed}: {found}")
    begun = time.time()
    for name in "ab":
        site.fleet.start(name)
    site.wait_until_ready()
    up = time.time()
    found = [one for one in json.loads(site.report("incidents", "json")) if "without a clean stop" in one["cause"]]
    expect(len(found) == 1 and begun - 0.5 <= moment(found[0]["end"]) <= up + 0.5, f"they were started at {begun}: {found}")
    return begun - killed, found[0]["seconds"]


def run(site, database):
    site.wait_until_ready()
    check_sums(site)
    away, down, failed = check_database(site, database)
    gone, reported = check_kill(site)
    return (f"{COUNT} codes and exchanges on two servers are added up, one away at a time is no downtime; the database away "
            f"for {away:.1f} s is {down} s, with {failed} failed requests; both killed for {gone:.1f} s are {reported} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    begin_within_a_day("kpi test, several servers", RUN_SECONDS)
    folder = programs.make_folder()
    try:
        with Database() as database, Fleet(os.path.abspath(options.server), {name: database.serving_url for name in "ab"},
                                           database.owner_url, folder) as fleet:
            print(f"kpi test, several servers: {run(Site(fleet), database)}")
        return 0
    except (Failure, OSError) as broken:
        print(f"kpi test, several servers: FAILED {broken}", file=sys.stderr)
        return 1
    finally:
        programs.remove(folder)


if __name__ == "__main__":
    sys.exit(main())
