"""A program as a process: started with an environment and limits of its own, heard, measured, and ended."""
import os
import re
import resource
import signal
import tempfile
import threading
import time

from checks import Failure, came_true, expect

KIB = 1024
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Process:
    """One program, which can be started again after its end. What it writes to stderr is its log.

    env      variables of its environment; besides these it has PATH alone
    limits   resource limits by name: {"nofile": 24} is RLIMIT_NOFILE, soft and hard
    preload  a library for LD_PRELOAD
    cwd      its working folder; without it a new one, which goes when the `with` ends

    The `with` ends it with SIGTERM and raises Failure where its status is not 0. It does not look at the status of a
    process whose end was waited for inside, by wait(), stop() or kill(). After an exception the process is killed.
    """

    def __init__(self, env=None, limits=None, preload=None, cwd=None):
        self.env, self.limits, self.preload = dict(env or {}), dict(limits or {}), preload
        self._temporary = None if cwd else tempfile.TemporaryDirectory(prefix="obie-tokens-test-")
        self.cwd = os.path.abspath(cwd or self._temporary.name)
        self.pid, self.status, self._end_is_known = None, None, False
        self._lines, self._log_has_ended, self._news = [], False, threading.Condition()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        try:
            if kind:
                self.kill()
            elif not self._end_is_known:
                status = self.stop()
                expect(status == 0, f"the server ended with {status}: {self.log_text()}")
        finally:
            if self._temporary:
                self._temporary.cleanup()

    # For subclasses

    def arguments(self):
        """The path of the program, and what follows it."""
        raise NotImplementedError

    def before_program(self, environment):
        """Runs in the child, before the program: changes the environment, places descriptors, and returns how many
        behind the first three stay open."""
        return 0

    # Start and end

    def start(self):
        """Starts it, for the first time or again; then its log begins anew."""
        self.status, self._end_is_known, self._lines, self._log_has_ended = None, False, [], False
        arguments, (reading, writing) = self.arguments(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(arguments, writing)
        os.close(writing)
        self._reader = threading.Thread(target=self._read_log, args=(reading,), daemon=True)
        self._reader.start()

    def _become(self, arguments, log):
        """In the child. Never returns."""
        try:
            environment = {"PATH": os.environ["PATH"], **self.env}
            if self.preload:
                environment["LD_PRELOAD"] = os.path.abspath(self.preload)
            os.chdir(self.cwd)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and a program inherits that
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(log, 2)
            os.closerange(3 + self.before_program(environment), 1 << 20)
            for name, value in self.limits.items():
                resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (value, value))
            os.execve(arguments[0], arguments, environment)
        except BaseException as error:
            os.write(2, f"cannot start {arguments[0]}: {error}\n".encode())
        finally:
            os._exit(127)

    def signal(self, number):
        """Sends a signal, if it is still there."""
        if self.is_running():
            os.kill(self.pid, number)

    def freeze(self):
        """Stops it until thaw(): returns once every thread of it stands still, which on a busy machine takes a while."""
        self.signal(signal.SIGSTOP)
        if not came_true(lambda: all(self._proc(f"task/{thread}/stat").rpartition(")")[2].split()[0] == "T"
                                     for thread in os.listdir(f"/proc/{self.pid}/task")), 5):
            raise Failure("a thread of the server goes on after SIGSTOP")

    def thaw(self):
        self.signal(signal.SIGCONT)

    def is_running(self):
        return self.poll() is None

    def poll(self):
        """Its exit status, negative where a signal ended it; None while it runs."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                self._reader.join(5)  # so that its log is complete
        return self.status

    def wait(self, seconds=10):
        """Its exit status once it has ended; None where that takes longer."""
        came_true(lambda: not self.is_running(), seconds)
        self._end_is_known = self.status is not None
        return self.status

    def stop(self, seconds=10):
        """Ends it with SIGTERM and returns its exit status. Raises Failure where that takes longer."""
        self.signal(signal.SIGTERM)
        if self.wait(seconds) is None:
            self.kill()
            raise Failure(f"the server did not end within {seconds} s of SIGTERM")
        return self.status

    def kill(self):
        """Ends it with SIGKILL and returns its exit status."""
        self.signal(signal.SIGKILL)
        return self.wait()

    # What it says

    def _read_log(self, descriptor):
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                with self._news:
                    self._lines.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._log_has_ended = True
            self._news.notify_all()

    @property
    def log(self):
        """The lines that have come so far. What it wrote a moment ago may still be on its way."""
        with self._news:
            return list(self._lines)

    def log_text(self):
        return "\n".join(self.log)

    def wait_for(self, pattern, seconds=10):
        """The match of the first line of the log in which the pattern is found. Raises Failure where none comes."""
        end, looked_at = time.monotonic() + seconds, 0
        with self._news:
            while True:
                for line in self._lines[looked_at:]:
                    if found := re.search(pattern, line):
                        return found
                looked_at, rest = len(self._lines), end - time.monotonic()
                if self._log_has_ended or rest <= 0:
                    break
                self._news.wait(rest)
        raise Failure(f"the log has no {pattern!r}: {self.log_text()}")

    # What it costs

    def memory(self):
        """Resident bytes."""
        return int(self._proc("statm").split()[1]) * PAGE

    def memory_peak(self):
        """The most bytes that were resident so far."""
        return int(re.search(r"VmHWM:\s+(\d+) kB", self._proc("status"))[1]) * KIB

    def descriptors(self):
        """How many are open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self):
        """User and system time of all its threads."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def thread(self, name):
        """The id of the thread of that name, which it gives itself a moment after it has begun."""
        found = came_true(lambda: [thread for thread in os.listdir(f"/proc/{self.pid}/task")
                                   if self._proc(f"task/{thread}/comm").strip() == name], 5)
        expect(found, f"there is no thread '{name}'")
        return int(found[0])

    def _proc(self, name):
        with open(f"/proc/{self.pid}/{name}", encoding="ascii") as file:
            return file.read()
