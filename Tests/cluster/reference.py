"""Plain clients beside the servers: when does a write succeed again, by the very way that each server goes?

    with Reference({"a": [5432, 5433], "b": [6000]}) as reference:    # ports that are tried in turn
        ...                                                           # a fault
        reference.first(moment)      # {"a": 0.3, "b": 0.5}: seconds after that moment
        reference.longest_pause      # how long a thread that only sleeps was not let run

What a server takes longer than its plain client is its own. Where a sleeper was held up, the machine was too busy for
any of it to be measured.
"""
import threading
import time

from database import NAME, SERVING_ROLE
from programs import HOST
from wire import Connection, QueryError

# Needs no table, and is a commit that the standby must have.
WRITE = "SET synchronous_commit = on; SELECT pg_logical_emit_message(true, 'reference', '')"
STEP_SECONDS, TIMEOUT_SECONDS, PULSE_SECONDS = 0.03, 1, 0.02


class Reference:
    def __init__(self, ways):
        self.writes, self.longest_pause, self.is_over = {name: [] for name in ways}, 0.0, False
        self.threads = [threading.Thread(target=self._write, args=way, daemon=True) for way in ways.items()]
        self.threads.append(threading.Thread(target=self._pulse, daemon=True))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        for thread in self.threads:
            thread.join(3 * TIMEOUT_SECONDS)

    def first(self, since):
        """For each way, how long after that moment its first write succeeded."""
        first = {name: next((moment - since for moment in moments if moment > since), None)
                 for name, moments in self.writes.items()}
        return {name: delay for name, delay in first.items() if delay is not None}

    def _write(self, name, ports):
        turn = 0
        while not self.is_over:
            try:
                with Connection((HOST, ports[turn % len(ports)]), SERVING_ROLE, NAME, TIMEOUT_SECONDS) as connection:
                    while not self.is_over:
                        connection.query(WRITE)
                        self.writes[name].append(time.monotonic())
                        time.sleep(STEP_SECONDS)
            except (OSError, QueryError):
                turn += 1
                time.sleep(STEP_SECONDS)

    def _pulse(self):
        while not self.is_over:
            began = time.monotonic()
            time.sleep(PULSE_SECONDS)
            self.longest_pause = max(self.longest_pause, time.monotonic() - began - PULSE_SECONDS)
