"""Thirteen months of fifty institutions in a store: how long their export takes, and that older days go."""
import datetime
import os
import resource
import sqlite3
import subprocess
import time

from harness import expect

INSTITUTIONS, DAYS, ENDPOINTS = 50, 397, 5
SECONDS_MAX = 2.0
# Pairs of numbers: buckets passed over, and a count, in groups of seven bits.
DURATIONS = bytes([60]) + bytes([0x90, 0x4E, 0] * 39 + [0x90, 0x4E])


def fill(path, today):
    database = sqlite3.connect(path)
    database.execute("DELETE FROM report_days")
    rows = ((day, f"PSDGB-FCA-{number:06}", endpoint, 1, 400_000, 4, 800_000_000, DURATIONS)
            for day in range(today - DAYS - 2, today) for number in range(INSTITUTIONS) for endpoint in range(ENDPOINTS))
    database.executemany("INSERT INTO report_days VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    database.execute("INSERT INTO report_runs VALUES (1, '', ?, ?, ?)",
                     ((today - 390) * 86_400_000, today * 86_400_000, today * 86_400_000))
    database.commit()
    database.close()


def check(options, folder, serve, reports):
    path = os.path.join(folder, "store.db")
    today = (datetime.datetime.now(datetime.timezone.utc).date() - datetime.date(1970, 1, 1)).days
    fill(path, today)
    first = (datetime.date.today() - datetime.timedelta(days=DAYS)).isoformat()
    words = [reports.program, "report", "kpi", "--from", first, "--to", reports.first, "--store", reports.store]
    times = {}
    for form in ("csv", "json", "table"):
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = subprocess.run([*words, "--format", form], cwd=folder, check=False, capture_output=True)
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        # On a machine that does something else, too, the CPU's time is what it would take alone.
        times[form] = min(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        expect(ended.returncode == 0, lambda: f"the export ended with {ended.returncode}: {ended.stderr}")
        lines = ended.stdout.count(b"PSDGB-FCA")
        expect(lines >= DAYS * INSTITUTIONS * ENDPOINTS, f"{lines} lines were exported")
        expect(times[form] <= SECONDS_MAX, f"the export as {form} of {lines} lines took {times[form]:.2f} s")
    with serve(options, folder):
        time.sleep(1.5)
    database = sqlite3.connect(path)
    oldest, = database.execute("SELECT min(day) FROM report_days").fetchone()
    database.close()
    expect(oldest == today - DAYS, f"the oldest day is {today - oldest} days old")
    size = os.path.getsize(path) / 1e6
    print(f"kpi test: {DAYS} days of {INSTITUTIONS} institutions, {size:.0f} MB, are exported in "
          + ", ".join(f"{seconds:.2f} s as {form}" for form, seconds in times.items()) + "; what is older is gone")
