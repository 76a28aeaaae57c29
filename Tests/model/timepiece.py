"""The time that the server and the commands see: it can pass at once, and the wall clock can be wrong."""
import os
import struct
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LAYOUT = struct.Struct("=qq")


class Timepiece:
    """Milliseconds. `now` is the true time of the model; the wall clock of the processes differs by `wall`."""

    def __init__(self, folder):
        self.library = os.path.join(folder, "clock.so")
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", self.library,
                        os.path.join(HERE, "clock.c"), "-ldl"], check=True)
        self._file = tempfile.NamedTemporaryFile(prefix="clock-", dir=folder, buffering=0, delete=False)
        self.passed = self.wall = 0
        self._write()
        self.path = self._file.name
        self.env = {"CLOCK_CONTROL": self.path}

    @property
    def now(self):
        return int(time.monotonic() * 1000) + self.passed

    def pass_(self, milliseconds):
        self.passed += milliseconds
        self._write()

    def set_wall(self, milliseconds):
        """How far the wall clock is ahead of the true time."""
        self.wall = milliseconds
        self._write()

    def _write(self):
        os.pwrite(self._file.fileno(), LAYOUT.pack(self.passed, self.wall), 0)
