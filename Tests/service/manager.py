"""A service manager to test against: starts the server as systemd would, hears what it says, stops single threads of it."""
import ctypes
import errno
import os
import re
import signal
import socket
import time


class Failure(Exception):
    """What a check found."""


def expect(truth, complaint):
    if not truth:
        raise Failure(complaint)


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


class Manager:
    """One server, with a notify socket; its log is a file."""

    def __init__(self, program, folder, *arguments, watchdog=None, watchdog_pid=None, sockets=(), listen_pid=None):
        self.program, self.folder = program, folder
        self.arguments, self.watchdog, self.watchdog_pid = list(arguments), watchdog, watchdog_pid
        self.listen_pid = listen_pid
        self.notices, self.status = [], None
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify_path = os.path.join(folder, f"notify-{time.monotonic_ns()}")
        self.listener.bind(self.notify_path)
        self.names, self.sockets = [], []
        for name in sockets:
            name, _, kind = name.partition(":")
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind else socket.SOCK_STREAM)
            opened.bind(("127.0.0.1", 0))
            if not kind:
                opened.listen(4096)
            self.names.append(name)
            self.sockets.append(opened)
        self.socket_ports = [opened.getsockname()[1] for opened in self.sockets]
        self.restart()

    def restart(self):
        """Starts it; its sockets are the same as before."""
        self.notices, self.status = [], None
        self.log_path = os.path.join(self.folder, f"log-{time.monotonic_ns()}")
        arguments = [self.program, "serve", "--no-throttle", *self.arguments]
        if "--store" not in arguments:
            arguments += ["--store", "memory"]
        for name, flag in (("http", "--listen"), ("admin", "--admin-listen")):
            if name not in self.names or self.listen_pid:
                arguments += [flag, "127.0.0.1:0"]
        self.pid = os.fork()
        if self.pid == 0:
            self.become(arguments)

    def become(self, arguments):
        """In the child. Never returns."""
        try:
            environment = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": self.notify_path}
            if self.watchdog:
                environment["WATCHDOG_USEC"] = str(int(self.watchdog * 1_000_000))
                environment["WATCHDOG_PID"] = str(self.watchdog_pid or os.getpid())
            if self.sockets:
                environment["LISTEN_PID"] = str(self.listen_pid or os.getpid())
                environment["LISTEN_FDS"] = str(len(self.sockets))
                environment["LISTEN_FDNAMES"] = ":".join(self.names)
            log = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 2)
            # High first: the places to be may be taken by each other.
            high = [os.dup2(opened.fileno(), 100 + index) for index, opened in enumerate(self.sockets)]
            for index, descriptor in enumerate(high):
                os.dup2(descriptor, 3 + index, inheritable=True)
                os.close(descriptor)
            os.execve(self.program, arguments, environment)
        finally:
            os._exit(127)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.running():
            os.kill(self.pid, signal.SIGKILL)
            self.wait(5)
        self.listener.close()
        for opened in self.sockets:
            opened.close()

    def signal(self, number):
        os.kill(self.pid, number)

    def running(self):
        return self.poll() is None

    def poll(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def wait(self, seconds):
        wait_until(lambda: self.poll() is not None, seconds)
        return self.status

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    @property
    def port(self):
        return self.listening()[0]

    @property
    def admin_port(self):
        return self.listening()[1]

    def listening(self):
        pattern = r"listening on http://127.0.0.1:(\d+), probes on http://127.0.0.1:(\d+)"
        expect(wait_until(lambda: re.search(pattern, self.log()), 10), f"it does not listen: {self.log()}")
        return [int(port) for port in re.search(pattern, self.log()).groups()]

    def receive(self, seconds):
        """The next notice, or None."""
        self.listener.settimeout(max(seconds, 0.001))
        try:
            notice = self.listener.recv(4096).decode()
        except TimeoutError:
            return None
        self.notices.append(notice)
        return notice

    def wait_notice(self, assignment, seconds=10):
        """The next notice with the assignment in it; what comes before is passed over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and (self.running() or self.notices):
            notice = self.receive(min(end - time.monotonic(), 0.2))
            if notice and assignment in notice.split("\n"):
                return notice
        raise Failure(f"no {assignment} in {self.notices}; the log: {self.log()}")

    def count_notices(self, assignment, seconds):
        end, count = time.monotonic() + seconds, 0
        while (rest := end - time.monotonic()) > 0:
            notice = self.receive(rest)
            count += bool(notice) and assignment in notice.split("\n")
        return count

    def thread(self, name):
        """The id of the thread of that name."""
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{thread}/comm", encoding="ascii") as file:
                if file.read().strip() == name:
                    return int(thread)
        raise Failure(f"there is no thread '{name}'")


LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000


class Stopped:
    """One thread stands still inside of the `with`, all others go on."""

    def __init__(self, thread):
        self.thread = thread

    def __enter__(self):
        for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
            if LIBC.ptrace(request, self.thread, None, None) != 0:
                raise Failure(f"cannot stop a thread: {os.strerror(ctypes.get_errno())}; run this as root")
        os.waitpid(self.thread, WALL)
        return self

    def has_ended(self):
        """True once it is gone with its process; that stays a zombie until somebody has looked."""
        pid, status = os.waitpid(self.thread, WALL | os.WNOHANG)
        return pid != 0 and not os.WIFSTOPPED(status)

    def __exit__(self, *_):
        if LIBC.ptrace(PTRACE_DETACH, self.thread, None, None) != 0 and ctypes.get_errno() != errno.ESRCH:
            raise Failure(f"cannot let a thread go on: {os.strerror(ctypes.get_errno())}")
