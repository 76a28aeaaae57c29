"""A service manager to test against: starts the server as systemd would, hears what it says, stops single threads of it."""
import ctypes
import errno
import os
import socket
import time

from harness import Failure, Server


class Manager(Server):
    """One server, with a notify socket, and with listening sockets that stay the same when it starts again.

    `sockets` are names, http or admin; "http:udp" is a socket that cannot listen. The process ids can be another's.
    """

    def __init__(self, program, folder, tls, *flags, watchdog=None, watchdog_pid=None, sockets=(), listen_pid=None,
                 store="memory"):
        super().__init__(program, *flags, cwd=folder, store=store, awaited=False, tls=tls)
        self.watchdog, self.watchdog_pid, self.listen_pid = watchdog, watchdog_pid, listen_pid
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

    def __exit__(self, *_):
        """However it ends: most checks need no more of it, and some stop its threads."""
        self.kill()
        self.listener.close()
        for opened in self.sockets:
            opened.close()

    def start(self):
        self.notices = []
        super().start()

    def is_handed_over(self, flag):
        return {"--listen": "http", "--admin-listen": "admin"}[flag] in self.names and not self.listen_pid

    def before_program(self, environment):
        environment["NOTIFY_SOCKET"] = self.notify_path
        if self.watchdog:
            environment["WATCHDOG_USEC"] = str(int(self.watchdog * 1_000_000))
            environment["WATCHDOG_PID"] = str(self.watchdog_pid or os.getpid())
        if self.sockets:
            environment["LISTEN_PID"] = str(self.listen_pid or os.getpid())
            environment["LISTEN_FDS"] = str(len(self.sockets))
            environment["LISTEN_FDNAMES"] = ":".join(self.names)
        # High first: the places to be may be taken by each other.
        high = [os.dup2(opened.fileno(), 100 + index) for index, opened in enumerate(self.sockets)]
        for index, descriptor in enumerate(high):
            os.dup2(descriptor, 3 + index, inheritable=True)
        return len(high)

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
        while time.monotonic() < end and (self.is_running() or self.notices):
            notice = self.receive(min(end - time.monotonic(), 0.2))
            if notice and assignment in notice.split("\n"):
                return notice
        raise Failure(f"no {assignment} in {self.notices}; the log: {self.log_text()}")

    def count_notices(self, assignment, seconds):
        end, count = time.monotonic() + seconds, 0
        while (rest := end - time.monotonic()) > 0:
            notice = self.receive(rest)
            count += bool(notice) and assignment in notice.split("\n")
        return count


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
