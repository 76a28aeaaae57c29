"""Programs of Debian's packages as processes: where they stand, as whom they run, on which ports, and how they end."""
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from checks import Failure, came_true, expect

POSTGRES = "/usr/lib/postgresql/15/bin"
ACCOUNT = "postgres"  # PostgreSQL does not run as root
HOST = "127.0.0.1"
PORTS = range(25600, 25800)  # below those that the system gives to clients: nobody takes the port of a dead node
PREFIX = "obie-tokens-cluster-"
OWNER = "owner.json"


def is_root():
    return os.geteuid() == 0


def program(name):
    """The path of a program. Raises Failure with the package that is missing."""
    path = shutil.which(name, path=f"{POSTGRES}:{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    expect(path, f"there is no {name}; it comes with: Scripts/install-tools.sh postgresql-15 patroni etcd-server haproxy")
    return path


def as_account(command, ends_with_us=None):
    """The command, run as the account that servers run as. `ends_with_us` is the signal that it gets when we die."""
    options = [f"--pdeathsig={ends_with_us}"] if ends_with_us else []
    if is_root():
        options = ["--reuid", ACCOUNT, "--regid", ACCOUNT, "--init-groups", *options]
    return ["setpriv", *options, *command] if options else list(command)


def give(path):
    """Makes a path the account's own, where we are root."""
    if is_root():
        account = pwd.getpwnam(ACCOUNT)
        os.chown(path, account.pw_uid, account.pw_gid)


def free_ports(count):
    """Different ports of PORTS, which are free now. Begins at a random one, as several tests may run at once."""
    first, sockets = random.SystemRandom().randrange(len(PORTS)), []
    try:
        for step in range(len(PORTS)):
            opened = socket.socket()
            try:
                opened.bind((HOST, PORTS[(first + step) % len(PORTS)]))
                sockets.append(opened)
            except OSError:
                opened.close()
            if len(sockets) == count:
                return [opened.getsockname()[1] for opened in sockets]
        raise Failure(f"no {count} ports are free from {PORTS[0]} to {PORTS[-1]}")
    finally:
        for opened in sockets:
            opened.close()


class Program:
    """One program in the background. Its output goes to a file of its name in the folder."""

    def __init__(self, name, command, folder, environment=None, ends_with="TERM"):
        self.name, self.log = name, os.path.join(folder, f"{name}.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                as_account(command, ends_with), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
                env={**os.environ, **(environment or {})}, start_new_session=True)

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, number=signal.SIGTERM, seconds=10):
        """Ends it by a signal, and by SIGKILL where that takes longer."""
        if self.is_running():
            self.process.send_signal(number)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def tail(self, lines=15):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])


def run(command, folder, seconds=60):
    """A command that ends, as the account. Returns its output; raises Failure where it fails."""
    done = subprocess.run(as_account(command, "KILL"), cwd=folder, capture_output=True, text=True, timeout=seconds,
                          check=False)
    expect(done.returncode == 0,
           lambda: f"{os.path.basename(command[0])} ended with {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


# Folders, which also vanish after a test that crashed

def start_of(pid):
    """When a process started, in ticks since boot; None where there is none. A pid alone may be another's by now."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[19])
    except (OSError, IndexError):
        return None


def children(pid):
    """The pids of the children of a process."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                if int(file.read().rpartition(")")[2].split()[1]) == pid:
                    found.append(int(name))
        except (OSError, ValueError, IndexError):
            pass
    return found


def title(pid):
    """The command line of a process; PostgreSQL's children say there what they are."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def postmaster(data):
    """The pid of the server of a data folder; None where none runs."""
    try:
        with open(os.path.join(data, "postmaster.pid"), encoding="ascii") as file:
            pid = int(file.readline())
    except (OSError, ValueError):
        return None
    return pid if data in title(pid) else None


def end_postmaster(data, seconds=10):
    """Ends the server of a data folder at once, if there is one."""
    pid = postmaster(data)
    if pid:
        below = children(pid)
        try:
            os.kill(pid, signal.SIGQUIT)
            if not came_true(lambda: not os.path.exists(f"/proc/{pid}"), seconds):
                for one in [pid, *below]:
                    os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            pass


def make_folder(base=None):
    """A new folder that the account can use. First removes those whose tests are dead, with what runs in them."""
    base = base or os.environ.get("OBIE_CLUSTER_FOLDER") or tempfile.gettempdir()
    sweep(base)
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=base)
    give(folder)
    unfinished = os.path.join(folder, f"{OWNER}.new")  # others must never read the half of it
    with open(unfinished, "w", encoding="ascii") as file:
        json.dump({"pid": os.getpid(), "start": start_of(os.getpid())}, file)
    os.rename(unfinished, os.path.join(folder, OWNER))
    return folder


def sweep(base):
    """Removes the folders of tests that are dead. Others' folders, and those that vanish meanwhile, are left alone."""
    for name in os.listdir(base):
        folder = os.path.join(base, name)
        try:
            is_ours = name.startswith(PREFIX) and os.lstat(folder).st_uid in {os.geteuid(), account_id()}
            if is_ours and not has_owner(folder):
                remove(folder)
        except FileNotFoundError:
            pass


def has_owner(folder):
    """Whether the process that made it lives, or may still be making it."""
    try:
        with open(os.path.join(folder, OWNER), encoding="ascii") as file:
            owner = json.load(file)
        return start_of(owner["pid"]) == owner["start"]
    except ValueError:
        return False
    except OSError:
        return time.time() - os.stat(folder).st_mtime < 60


def remove(folder):
    """A folder of a test, and the PostgreSQL servers that still run in it."""
    for place, names, files in os.walk(folder):
        if "postmaster.pid" in files:
            end_postmaster(place)
            names.clear()
    shutil.rmtree(folder, ignore_errors=True)


def account_id():
    return pwd.getpwnam(ACCOUNT).pw_uid if is_root() else os.geteuid()
