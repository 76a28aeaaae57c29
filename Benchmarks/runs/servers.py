"""Starts one of the servers under test, watches it through /proc (Linux) and stops it by pid.

The only place that starts a server, and that knows where things stand: import `client` from here.
"""
import dataclasses
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

RUNS = os.path.dirname(os.path.abspath(__file__))
BENCHMARKS = os.path.dirname(RUNS)
CEILINGS_FOLDER = os.path.join(BENCHMARKS, "ceilings")
CLIENTS_FOLDER = os.path.join(BENCHMARKS, "clients")
sys.path.insert(0, CLIENTS_FOLDER)

import client  # stands in clients, so only now

TICK = os.sysconf("SC_CLK_TCK")
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
PRODUCTION = "obie-tokens-production"
ON_DISK = ("obie-tokens-sqlite", PRODUCTION)
BESIDE = "beside"  # another program that does the exchange
SHARED = "obie-tokens-postgres"  # its store is a URL, and its keys are in the folder
START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 30  # under callgrind it takes its time
CODE_SECONDS = 3600  # how long codes live: they are made before they are used
# Nobody resumes: obie-tokens offers no tickets, and so nginx is not to, unless that is what is measured. OpenSSL
# would still send two of another kind, which takes 4 % of a handshake.
NGINX_TLS = """ssl_certificate {0}/server.pem; ssl_certificate_key {0}/server.key;
        ssl_protocols TLSv1.3; ssl_session_tickets {1}; ssl_session_cache off;"""
NGINX_NO_TICKETS = "ssl_conf_command NumTickets 0;"
NGINX_CLIENTS = "ssl_client_certificate {0}/ca.pem; ssl_verify_client on;"
NEIGHBOUR = "127.0.0.2"  # who asks before anybody listens must not get the very port as its own: it would meet itself


def command(name, program, port, admin_port, folder, store, closes=False, connections=4096, loops=1, audit="none",
            strict=False, tls=None, clients=False, tickets=False, access_log=False):
    """What to run for a server. nginx's configuration is written into the folder. bare must be told that each
    connection asks for one answer only; nginx makes room for all its connections at start. tls: the folder with
    server.pem, server.key and ca.pem; clients: they must have a certificate; tickets: nginx resumes sessions."""
    if name == BESIDE:
        return [program, str(port), str(CODE_SECONDS)]
    if name == "bare":
        return [program, str(port), *(["close"] if closes else [])]
    if name == "nginx":
        with open(os.path.join(CEILINGS_FOLDER, "nginx.conf")) as file:
            text = file.read()
        for key, value in (("@PORT@", port), ("@DIR@", folder), ("@CONNECTIONS@", connections),
                           ("@SSL@", "ssl" if tls else ""), ("@WORKERS@", loops),
                           ("@SHARED@", "reuseport" if loops > 1 else ""),
                           ("@TLS@", ((NGINX_TLS + NGINX_NO_TICKETS * (not tickets) + NGINX_CLIENTS * clients)
                                      if tls else "").format(
                               tls, "on" if tickets else "off"))):
            text = text.replace(key, str(value))
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w") as file:
            file.write(text)
        return [program, "-p", folder, "-c", path, "-e", os.path.join(folder, "nginx-error.log")]
    return [program, "serve", "--mode", "production" if name == PRODUCTION else "sandbox",
            "--listen", f"127.0.0.1:{port}", "--admin-listen", f"127.0.0.1:{admin_port}",
            "--store", f"sqlite:{store}" if name in ON_DISK else store if name == SHARED else "memory",
            *(["--keys-file", os.path.join(folder, "keys")] if name == SHARED else []), "--audit-log", audit,
            *(["--tls-certificate", f"{tls}/server.pem", "--tls-key", f"{tls}/server.key"] if tls else []),
            *(["--tls-client-ca", f"{tls}/ca.pem", "--tls-client-auth", "required"] if clients else []),
            "--loops", str(loops), "--code-lifetime", str(CODE_SECONDS), *(["--audit", "strict"] if strict else []),
            *(["--access-log"] if access_log else []),
            "--no-throttle"]  # soak asks for what must fail; what succeeds never meets the throttle


def register(program, store):
    """Makes the registry of a production server, as an operator does; returns the bank without its CCG token. A store
    in memory has none that a command could fill, so production is measured on SQLite alone."""
    def run(*arguments):
        return subprocess.run([program, *arguments, "--store", f"sqlite:{store}"], check=True, capture_output=True,
                              text=True).stdout

    made = json.loads(run("fi", "add", client.INSTITUTION, "--json"))
    run("psp", "add", client.PROVIDER, "--redirect-uri", client.REDIRECT_URI)
    return client.bank(made["client_id"], made["client_secret"])


def free_ports(count):
    """Ports of 127.0.0.1 that nobody listens on; all different, since they are held until the last is found."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


def stat_fields(pid):
    """/proc/PID/stat from the state on (the name before it may hold anything); nothing where the process is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def thread_times(pid):
    """{thread: (seconds that it ran, seconds that it waited for a CPU)}, to the nanosecond; nothing where the process
    is gone. What a thread that runs has used since the last tick may be missing."""
    found = {}
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                ran, waited, _ = file.read().split()
            found[int(thread)] = int(ran) / 1e9, int(waited) / 1e9
    except OSError:
        pass
    return found


def tree(pid):
    """A process and all its descendants: nginx does its work in a child."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := stat_fields(name)):
            children.setdefault(int(fields[1]), []).append(int(name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def tree_cpu_seconds(pid):
    """(user, system) of a process tree so far, with that of children already waited for; in ticks of 10 ms."""
    user = system = 0
    for one in tree(pid):
        if fields := stat_fields(one):
            user += int(fields[11]) + int(fields[13])
            system += int(fields[12]) + int(fields[14])
    return user / TICK, system / TICK


def cpu_busy_seconds(number):
    """How long a CPU has been busy since boot, whoever used it."""
    with open("/proc/stat") as file:
        for line in file:
            if line.startswith(f"cpu{number} "):
                ticks = [int(x) for x in line.split()[1:9]]
                return (sum(ticks) - ticks[3] - ticks[4]) / TICK  # less idle and iowait
    raise OSError(f"no CPU {number}")


class Server:
    """`with Server(name, program, folder) as server:` runs it on CPU 0, ready to answer, and stops it in any event.
    Then bank is who may ask it, and ready_seconds the time from before its process was made until its first answer was
    here. under: the start of a command line, such as valgrind's, to run it with. environment: settings of obie-tokens that
    the command line does not have."""

    def __init__(self, name, program, folder, store=None, cpus=frozenset({0}), under=(), environment=None, **wanted):
        self.name, self.program, self.folder = name, program, folder
        self.cpus, self.store, self.wanted = cpus, store, wanted
        # Without env where there is nothing to set: it would be one more program to start, and be timed.
        self.under = [*(["env", *(f"{key}={value}" for key, value in environment.items())] if environment else []), *under]
        self.process, self.bank = None, client.SANDBOX

    def __enter__(self):
        self.port, admin_port = free_ports(2)
        self.log_path = os.path.join(self.folder, f"{self.name}.log")
        store = self.store or os.path.join(self.folder, f"{self.port}.db")
        if self.name == PRODUCTION:
            self.bank = register(self.program, store)
        arguments = [*self.under, *command(self.name, self.program, self.port, admin_port, self.folder, store,
                                           **self.wanted)]
        own = os.sched_getaffinity(0)
        try:
            with open(self.log_path, "wb") as log:
                os.sched_setaffinity(0, self.cpus)  # inherited: taskset would be one more program to start, and be timed
                began = time.monotonic()
                try:
                    self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                finally:
                    os.sched_setaffinity(0, own)
            self._wait_until_ready()
            self.ready_seconds = time.monotonic() - began
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait_until_ready(self):
        """Until the first grant; in production that makes the CCG token."""
        asks = client.grant_request(self.bank) if self.name == PRODUCTION else client.constant_request()
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"ended with {self.process.returncode} at start: {self.log()}")
            try:
                status, _, body = client.ask(self.port, asks, NEIGHBOUR)
            except OSError:
                time.sleep(0.0002)  # short beside what is measured
                continue
            if status != 201:
                raise RuntimeError(f"answers {status}")
            if self.name == PRODUCTION:
                self.bank = dataclasses.replace(self.bank, ccg_token=client.ccg_token(body))
            return
        raise RuntimeError(f"gives no answer in {START_SECONDS_MAX} s: {self.log()}")

    def log(self):
        """The end of what it printed."""
        with open(self.log_path, "rb") as file:
            file.seek(max(0, os.path.getsize(self.log_path) - 1000))
            return file.read().decode(errors="replace")

    def cpu_seconds(self):
        """(user, system) of the whole process tree so far: how time is shared out. How much it is, ran_seconds says to
        the nanosecond."""
        return tree_cpu_seconds(self.process.pid)

    def ran_seconds(self):
        """CPU time of the threads that the process tree has now."""
        return sum(ran for pid in tree(self.process.pid) for ran, _ in thread_times(pid).values())

    def resident_bytes(self):
        """RSS, summed over the process tree."""
        total = 0
        for pid in tree(self.process.pid):
            try:
                with open(f"/proc/{pid}/status") as file:
                    kilobytes = re.search(r"VmRSS:\s+(\d+) kB", file.read())
            except OSError:
                continue
            total += int(kilobytes[1]) * 1024 if kilobytes else 0
        return total

    def __exit__(self, *_):
        if not self.process:
            return
        pids = tree(self.process.pid) if self.process.poll() is None else []
        if pids:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in pids:  # its children, should one be left
            if (fields := stat_fields(pid)) and fields[0] != "Z":
                os.kill(pid, signal.SIGKILL)
