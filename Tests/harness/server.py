"""The program as a process: started on free ports, heard, measured, and ended in any event."""
import json
import os
import re
import resource
import shutil
import signal
import tempfile
import threading
import time

from checks import Failure, came_true, expect
from client import get

LISTENING = r"listening on http://[^:]+:(\d+), probes on http://[^:]+:(\d+)"
START_SECONDS = 20
KIB = 1024
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Server:
    """`with Server(program, "--loops", "1") as server:` runs the sandbox on free ports of 127.0.0.1.

    flags     what stands behind `serve`; --listen and --admin-listen are added where they are missing
    env       variables of its environment; besides these it has PATH alone
    limits    resource limits by name: {"nofile": 24} is RLIMIT_NOFILE, soft and hard
    preload   a library for LD_PRELOAD
    store     --store; a relative file stands in cwd
    throttle  True leaves --no-throttle out
    cwd       its working folder; without it a new one, which goes when the `with` ends
    awaited   False returns at once; True when it listens, and raises Failure where it does not

    The `with` ends it with SIGTERM and raises Failure where its status is not 0. It does not look at the status of a
    server whose end was waited for inside, by wait(), stop() or kill(). After an exception it is killed.
    """

    def __init__(self, program, *flags, env=None, limits=None, preload=None, store="memory", throttle=False, cwd=None,
                 awaited=True):
        self.program, self.flags = os.path.abspath(shutil.which(program) or program), [str(flag) for flag in flags]
        self.env, self.limits, self.preload, self.store = dict(env or {}), dict(limits or {}), preload, store
        self.throttle, self.awaited = throttle, awaited
        self._temporary = None if cwd else tempfile.TemporaryDirectory(prefix="obie-tokens-test-")
        self.cwd = os.path.abspath(cwd or self._temporary.name)
        self.pid, self.status, self._end_is_known = None, None, False
        self._news = threading.Condition()

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
            self.remove_folder()

    def remove_folder(self):
        if self._temporary:
            self._temporary.cleanup()

    # Start and end

    def start(self):
        """Starts it, for the first time or again; then its log begins anew. Raises Failure where it does not listen."""
        self.status, self._end_is_known, self._ports = None, False, None
        self._lines, self._log_has_ended = [], False
        reading, writing = os.pipe()
        arguments = self.arguments()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(arguments, writing)
        os.close(writing)
        self._reader = threading.Thread(target=self._read_log, args=(reading,), daemon=True)
        self._reader.start()
        if self.awaited:
            try:
                self._wait_until_it_listens()
            except BaseException:
                self.kill()
                raise

    def arguments(self):
        arguments = [self.program, "serve", *self.flags]
        if not self.throttle:
            arguments.append("--no-throttle")
        if self.store and "--store" not in arguments:
            arguments += ["--store", self.store]
        for flag in ("--listen", "--admin-listen"):
            if flag not in arguments and not self.is_handed_over(flag):
                arguments += [flag, "127.0.0.1:0"]
        return arguments

    def is_handed_over(self, flag):
        """True where the socket of this flag comes from whoever starts the server. For subclasses."""
        return False

    def before_program(self, environment):
        """Runs in the child, before the program: changes the environment, places descriptors, and returns how many
        behind the first three stay open. For subclasses."""
        return 0

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
            os.execve(self.program, arguments, environment)
        except BaseException as error:
            os.write(2, f"cannot start {self.program}: {error}\n".encode())
        finally:
            os._exit(127)

    def signal(self, number):
        """Sends a signal, if it is still there."""
        if self.is_running():
            os.kill(self.pid, number)

    def is_running(self):
        return self.poll() is None

    def poll(self):
        """Its exit status, negative where a signal ended it; None while it runs."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                self._reader.join(5)
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
        """The lines that it has written to stderr so far."""
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

    def _wait_until_it_listens(self):
        if not self._ports:
            try:
                self._ports = [int(port) for port in self.wait_for(LISTENING, START_SECONDS).groups()]
            except Failure:
                raise Failure(f"the server did not start: {self.log_text()}") from None
        return self._ports

    @property
    def port(self):
        return self._wait_until_it_listens()[0]

    @property
    def admin_port(self):
        return self._wait_until_it_listens()[1]

    def metrics(self):
        """Every counter and gauge: its name, with its labels as they stand on the page, and its value."""
        status, page = get(self.admin_port, "/metrics")
        expect(status == 200, f"/metrics says {status}")
        samples = (line.rpartition(" ") for line in page.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def audit(self):
        """The lines of the file of --audit-log, parsed; none where it is not there yet."""
        path = os.path.join(self.cwd, self.flags[self.flags.index("--audit-log") + 1])
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.endswith("\n")]

    # What it costs

    def memory(self):
        """Resident bytes."""
        return int(self._proc("statm").split()[1]) * PAGE

    def memory_peak(self):
        """The most bytes that were resident so far."""
        return int(re.search(r"VmHWM:\s+(\d+) kB", self._proc("status"))[1]) * KIB

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self):
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def thread(self, name):
        """The id of the thread of that name."""
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            if self._proc(f"task/{thread}/comm").strip() == name:
                return int(thread)
        raise Failure(f"there is no thread '{name}'")

    def _proc(self, name):
        with open(f"/proc/{self.pid}/{name}", encoding="ascii") as file:
            return file.read()
