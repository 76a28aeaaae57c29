"""From the making of the process to its first answer, and the size of the program that has to be read for it."""
import os
import subprocess
import time

import servers
from measure import CEILINGS, spread, table

STARTS = 15  # of each server; the median of so many
NEW = "obie-tokens-sqlite, new file"
ROWS = [(name, name) for name in [*reversed(CEILINGS), "obie-tokens", "obie-tokens-sqlite"]]  # row, server
ROWS.append((NEW, "obie-tokens-sqlite"))


def start_all(programs, folder):
    """Seconds to the first 201, by row. In turn, so that all meet the same machine."""
    old = os.path.join(folder, "start.db")
    with servers.Server("obie-tokens-sqlite", programs["obie-tokens-sqlite"], folder, old):
        pass  # makes the tables
    runs = {row: [] for row, _ in ROWS}
    for number in range(STARTS):
        for row, name in ROWS:
            store = os.path.join(folder, f"start-{number}.db") if row == NEW else old
            with servers.Server(name, programs[name], folder, store) as server:
                runs[row].append({"ready_ms": server.ready_seconds * 1000, "resident_bytes": server.resident_bytes()})
            time.sleep(0.02)  # let the CPU come to rest
    return runs


def startup_table(figures):
    rows = [[name, spread(f["ready_ms"], ".1f"), f"{f['resident_bytes']['median'] / 1e6:.1f}"]
            for name, f in figures.items()]
    return table(["server", "ms to the first answer", "RSS MB then"], rows)


def stripped_bytes(program, folder):
    """Size of the program as it would be shipped. It has the Swift runtime inside."""
    path = os.path.join(folder, "stripped")
    subprocess.run(["strip", "-o", path, program], check=True)
    return os.path.getsize(path)
