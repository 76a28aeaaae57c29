"""The shim that makes system calls fail and moves clocks: built once, one control file a server."""
import atexit
import functools
import os
import shutil
import struct
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FUNCTIONS = ("socket", "epoll_create1", "eventfd", "pthread_create", "accept4")
CLOCKS, FAULT = struct.Struct("=qq"), struct.Struct("=6q")
ENDLESS = 1 << 62


@functools.cache
def library():
    """The path of the shim."""
    folder = tempfile.mkdtemp(prefix="obie-tokens-shim-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = os.path.join(folder, "faults.so")
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", path,
                    os.path.join(HERE, "faults.c"), "-ldl", "-lpthread"], check=True)
    return path


class Shim:
    """`with Shim() as shim, Server(program, **shim.server) as server:`; what is set counts from the next call on."""

    def __enter__(self):
        self._file = tempfile.NamedTemporaryFile(prefix="obie-tokens-faults-", buffering=0)
        self._file.write(bytes(CLOCKS.size + FAULT.size * len(FUNCTIONS)))
        self.server = {"preload": library(), "env": {"FAULTS_CONTROL": self._file.name}}
        return self

    def __exit__(self, *_):
        self._file.close()

    def move_clock(self, seconds):
        """The wall clock differs from the true time by so much."""
        os.pwrite(self._file.fileno(), struct.pack("=q", seconds), 0)

    def suspend(self, seconds):
        """The machine has slept for so long: the wall clock and the clock since boot have gone on."""
        os.pwrite(self._file.fileno(), CLOCKS.pack(seconds, seconds), 0)

    def fail(self, function, error, first=None, last=ENDLESS, every=1):
        """The calls of these numbers fail with this errno; without `first`, from the next one on."""
        first = first or self.calls(function) + 1
        os.pwrite(self._file.fileno(), struct.pack("=4q", first, last, every, error), self._offset(function))

    def heal(self, function):
        os.pwrite(self._file.fileno(), bytes(32), self._offset(function))

    def calls(self, function):
        return self._read(function)[4]

    def failures(self, function):
        return self._read(function)[5]

    def _read(self, function):
        return FAULT.unpack(os.pread(self._file.fileno(), FAULT.size, self._offset(function)))

    def _offset(self, function):
        return CLOCKS.size + FAULT.size * FUNCTIONS.index(function)
