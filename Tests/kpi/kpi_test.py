#!/usr/bin/env python3
"""`obie-tokens report` beside the access log: what the two say of the same requests must agree.

    Tests/kpi/kpi_test.py --server .build/release/obie-tokens [--seed 1]

A sandbox on SQLite is asked at random, also while its disk is full. Counts agree exactly, and percentiles within an eighth.
The outage is reported to the second, with the requests that failed in it. A killed server loses a minute at the most, and
its end is known to the second; a stop is planned. A store of 13 months and 50 institutions is exported in 2 s.
"""
import argparse
import csv
import datetime
import io
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import access_log  # noqa: E402
import large  # noqa: E402
from checks import wait_until  # noqa: E402
from harness import Failure, Server, expect, sandbox  # noqa: E402
from load import Load  # noqa: E402
from one_day import begin_within_a_day  # noqa: E402

STORE = "store.db"
CLIENTS = {sandbox.CLIENT: [sandbox.INSTITUTION]}
FLUSH_SECONDS, KEPT_SECONDS = 20, 60
RUN_SECONDS = 300  # without the outage a minute and a half, and what a busy machine adds


def today():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Reports:
    """The command, on one store."""

    def __init__(self, program, folder, store=f"sqlite:{STORE}"):
        self.program, self.folder, self.store = os.path.abspath(program), folder, store
        self.first = today()

    def both(self, *words, status=0):
        """Standard output and standard error."""
        ended = subprocess.run([self.program, "report", *words, "--store", self.store], cwd=self.folder, check=False,
                               capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
        expect(ended.returncode == status, lambda: f"report {' '.join(words)} ended with {ended.returncode}: {ended.stderr}")
        return ended.stdout, ended.stderr

    def run(self, *words, status=0):
        return self.both(*words, status=status)[0 if status == 0 else 1]

    def days(self):
        return "--from", self.first, "--to", today()

    def kpi(self, *more):
        """By day, institution and endpoint; CSV and JSON must say the same."""
        rows = list(csv.DictReader(io.StringIO(self.run("kpi", *self.days(), *more, "--format", "csv"))))
        objects = json.loads(self.run("kpi", *self.days(), *more, "--format", "json"))
        expect(len(rows) == len(objects), "CSV and JSON differ")
        for row, values in zip(rows, objects):
            for name, value in values.items():
                same = row[name] == "" if value is None else row[name] == value or float(row[name]) == value
                expect(same or "availability" in name or "down" in name, f"CSV has {row}, JSON {values}")
        return {(row["day"], row["institution"], row["endpoint"]): row for row in rows}

    def incidents(self):
        return json.loads(self.run("incidents", *self.days(), "--format", "json"))


def serve(options, folder, *flags):
    return Server(options.server, "--loops", "2", "--access-log", "yes", "--log-format", "json", *flags,
                  store=f"sqlite:{STORE}", cwd=folder)


def compare(answers, reported, what):
    """The report has each request of the log once, and no other."""
    expected = access_log.sums(answers)
    found = {key: row for key, row in reported.items() if row["endpoint"] != "no requests"}
    expect(found.keys() == expected.keys(), lambda: f"{what}: the report has {sorted(found)}, the log {sorted(expected)}")
    for key, (durations, failed) in expected.items():
        row = found[key]
        expect((int(row["requests"]), int(row["errors_5xx"])) == (len(durations), failed),
               f"{what}: {key} has {row['requests']} requests, {row['errors_5xx']} failed; the log {len(durations)}, {failed}")
        mean = sum(durations) / len(durations) / 1000
        expect(abs(float(row["time_to_last_byte_mean_ms"]) - mean) <= 0.001, f"{what}: {key}: mean {row}, the log {mean} ms")
        expect(abs(float(row["error_rate_percent"]) - 100 * failed / len(durations)) <= 0.0001, f"{what}: {key}: {row}")
        for share in (0.5, 0.95, 0.99):
            exact = access_log.quantile(durations, share) / 1000
            named = float(row[f"time_to_last_byte_p{share * 100:.0f}_ms"])
            expect(exact <= named <= exact * 1.125 + 0.001, f"{what}: {key}: p{share * 100:.0f} {named}, the log {exact} ms")
    return sum(len(durations) for durations, _ in expected.values())


def fill_up(server, is_full):
    """No file may be written behind its first page, as if the disk were full; or all may again."""
    limit = 4096 if is_full else resource.RLIM_INFINITY
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def check_faults(options, folder, reports):
    """Requests at random, with a full disk in between; then a stop."""
    with serve(options, folder) as server:
        with Load(server, options.seed) as load:
            time.sleep(4)
            fill_up(server, True)
            began = time.time()
            time.sleep(options.outage)
            fill_up(server, False)
            ended = time.time()
            time.sleep(4)
        expect(load.asked > 1000, f"{load.asked} requests only")
        # While it runs the command reads what was flushed.
        reports.run("kpi", *reports.days())
        expect(server.stop() == 0, "the server did not end with 0")
        stopped = time.time()
        answers = access_log.lines(server.log, CLIENTS)
    count = compare(answers, reports.kpi(), "after a stop")
    failed, first, last = access_log.longest_failure(answers, "/v1/obie/tokens")
    expect(failed > 4, "the disk was full, and no exchange failed")
    outages = [one for one in reports.incidents() if not one["planned"]]
    expect(len(outages) == 1, f"one outage was made, and {outages} reported")
    outage = outages[0]
    expect(began - 1 <= moment(outage["start"]) <= first + 1 and abs(moment(outage["end"]) - last) <= 1.5,
           f"the outage was from {first} to {last}, reported are {outage}")
    expect(abs(outage["seconds"] - (ended - began)) <= 2, f"the outage took {ended - began:.1f} s, reported are {outage}")
    expect("the store does not take changes" in outage["cause"], f"the cause is not told: {outage}")
    expect(outage["requests_failed"] >= failed, f"{failed} requests failed at one endpoint, reported are {outage}")
    row = reports.kpi()[(reports.first, sandbox.INSTITUTION, "/v1/obie/tokens")]
    down = int(row["down_unplanned_seconds"])
    expect(abs(down - (ended - began)) <= 2, f"the outage took {ended - began:.1f} s, the day's downtime is {down} s")
    print(f"kpi test: {count} requests agree with the access log; an outage of {ended - began:.1f} s is reported as "
          f"{outage['seconds']} s, {outage['requests_failed']} requests failed: {outage['cause']}")
    return stopped


def check_lost(options, how):
    """An outage that the server does not survive: its figures are lost, and the time is downtime all the same."""
    with tempfile.TemporaryDirectory(prefix="obie-tokens-kpi-") as folder:
        reports = Reports(options.server, folder)
        server = serve(options, folder)
        server.start()
        with Load(server, options.seed, clients=2, pause=0.002):
            time.sleep(2)
            fill_up(server, True)
            began = time.time()
            time.sleep(5)
            getattr(server, how)()
        time.sleep(2)
        with serve(options, folder):
            again = time.time()
            time.sleep(1.5)
            found = reports.incidents()
            expect(len(found) == 1 and not found[0]["planned"] and found[0]["requests_failed"] is None,
                   f"one outage, of which nobody knows how many requests failed, is reported as {found}")
            expect(abs(moment(found[0]["start"]) - began) <= 2.5 and abs(moment(found[0]["end"]) - again) <= 1.5,
                   f"the service was down from {began} to {again}, reported are {found}")
            downs = {int(row["down_unplanned_seconds"]) for row in reports.kpi().values()}
            expect(min(downs) >= again - began - 4, f"of {again - began:.1f} s of downtime the days have {downs}")
            check_copy(reports)
    return found[0]["seconds"]


def check_copy(reports):
    """A backup of a store in use ends with the backup: whoever was alive then is not missed."""
    run = subprocess.run([reports.program, "backup", "copy.db", "--store", reports.store], cwd=reports.folder, check=False,
                         capture_output=True, text=True)
    expect(run.returncode == 0, f"backup: {run.stderr}")
    copy = Reports(reports.program, reports.folder, "sqlite:copy.db")
    time.sleep(2.5)
    expect(all(one["end"] for one in copy.incidents()), f"the copy has an outage that goes on: {copy.incidents()}")
    said = copy.both("incidents", *copy.days())[1]
    expect("nothing is known of the time after" in said, f"a report of a copy does not say where it ends: {said!r}")


def check_kill(options, folder, reports, stopped):
    """A stop of some seconds is planned; then a killed server, and what it leaves."""
    before = {key: int(row["requests"]) for key, row in reports.kpi().items()}
    time.sleep(2.5)
    started = time.time()
    server = serve(options, folder)
    server.start()
    listening = time.time()
    with Load(server, options.seed + 1, clients=2, pause=0.002):
        time.sleep(FLUSH_SECONDS + 4)
        killed = time.time()
        server.kill()
    answers = access_log.lines(server.log, CLIENTS)
    wait_until(lambda: any(one["end"] is None for one in reports.incidents()), "the killed server is not missed", 5)
    open_one = [one for one in reports.incidents() if one["end"] is None]
    expect(len(open_one) == 1 and abs(moment(open_one[0]["start"]) - killed) <= 1.5,
           f"the server was killed at {killed} and is down; reported are {open_one}")
    time.sleep(3)
    begun = time.time()
    with serve(options, folder):
        again = time.time()
        kept = sum(int(row["requests"]) - before.get(key, 0) for key, row in reports.kpi().items())
        old = sum(line.end < killed - KEPT_SECONDS for line in answers)
        flushed = sum(line.end < killed - FLUSH_SECONDS - 1.5 for line in answers)
        expect(old <= kept <= len(answers) and kept >= flushed > 0,
               f"of {len(answers)} requests {kept} were kept; {flushed} were older than {FLUSH_SECONDS} s")
    ends = reports.incidents()
    gap = [one for one in ends if "without a clean stop" in one["cause"]]
    expect(len(gap) == 1 and not gap[0]["planned"] and gap[0]["all_servers"], f"the kill is not told: {ends}")
    expect(abs(moment(gap[0]["start"]) - killed) <= 1.5 and begun - 0.1 <= moment(gap[0]["end"]) <= again + 0.1,
           f"the server was away from {killed} until between {begun} and {again}; reported are {gap}")
    planned = [one for one in ends if one["planned"] and one["end"]]
    expect(len(planned) == 1 and abs(moment(planned[0]["start"]) - stopped) <= 1.5
           and started - 0.1 <= moment(planned[0]["end"]) <= listening + 0.1,
           f"it was stopped from {stopped} to {started}, not as in {ends}")
    print(f"kpi test: of {len(answers)} requests before kill -9, {kept} were kept ({flushed} are older than {FLUSH_SECONDS} s); "
          f"it was away for {begun - killed:.1f} s, reported are {gap[0]['seconds']} s; a stop of {planned[0]['seconds']} s is planned")


def check_refusals(reports):
    for words, part in [(("--from", "2026-02-02", "--to", "2026-02-01"), "is after"), (("--from", "2026-02-30", "--to", "x"), "day"),
                        (("--from", "1970-01-01", "--to", "2026-01-01"), "13 months")]:
        text = reports.run("kpi", *words, status=64)
        expect(part in text, f"{words} got {text}")
    text = reports.run("kpi", *reports.days(), "--fi", "PSDGB-FCA-000000", status=65)
    expect("not registered" in text, text)
    empty = reports.run("kpi", "--from", "2026-01-01", "--to", "2026-01-02")
    expect(empty.count("not counted") == 2, f"two days without a server are not told: {empty}")
    none = reports.kpi("--fi=-")
    expect({row["institution"] for row in none.values()} == {"-"}, f"--fi=- does not show the requests of none alone: {none}")
    for name in "table", "csv", "json":
        told = reports.both("incidents", "--from", "2026-01-01", "--to", "2026-01-02", "--format", name)[1]
        expect("nothing was counted" in told, f"days without a server, as {name}: {told}")
    memory = Reports(reports.program, reports.folder, "memory")
    expect("memory" in memory.run("kpi", *memory.days(), status=64), "a store in memory has no reports, and that is not told")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--outage", type=float, default=6, help="how many seconds the disk is full")
    options = parser.parse_args()
    print(f"kpi test: seed {options.seed}", flush=True)
    begin_within_a_day("kpi test", RUN_SECONDS + options.outage)
    with tempfile.TemporaryDirectory(prefix="obie-tokens-kpi-") as folder:
        reports = Reports(options.server, folder)
        try:
            stopped = check_faults(options, folder, reports)
            check_refusals(reports)
            check_kill(options, folder, reports, stopped)
            seconds = [check_lost(options, how) for how in ("kill", "stop")]
            print(f"kpi test: a full disk until the server is killed, and until it is told to end, are outages of {seconds} s")
            large.check(options, folder, serve, reports)
        except (Failure, OSError) as broken:
            print(f"kpi test: FAILED {broken}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
