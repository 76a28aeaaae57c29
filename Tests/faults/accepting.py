"""An accept that fails costs no client its connection; only many in a row make the server pause, and it says so."""
import errno
import threading
import time

import sandbox
from harness import Client, Server, came_true, expect, get
from outcomes import each
from shim import Shim

METRIC = "obie_tokens_accept_errors_total"
CLIENTS, REQUESTS = 8, 50
EVERY = 20
SLOW_SECONDS = 0.09  # a pause is 0.1 s
# libuv does not tell of these: it tries again itself.
UNTOLD = {errno.ECONNABORTED, errno.EINTR}
TRANSIENT = (errno.EPERM, errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.ENOPROTOOPT, errno.EHOSTDOWN, errno.ENONET,
             errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENETUNREACH, errno.EINTR)


def counted(server):
    """The metric, over all its labels; None where there is none."""
    values = [value for name, value in server.metrics().items() if name.partition("{")[0] == METRIC]
    return sum(values) if values else None


class Clients:
    """Each request is a connection of its own."""

    def __init__(self, server):
        self.port, self.failures, self.took = server.port, [], []
        threads = [threading.Thread(target=self.run) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.took.sort()

    def run(self):
        for _ in range(REQUESTS):
            began = time.monotonic()
            try:
                with Client(self.port, timeout=5) as client:
                    expect(client.ask(sandbox.get("/healthz")).status == 200, "a client was refused")
            except OSError as error:
                self.failures.append(error)
            self.took.append(time.monotonic() - began)


def one_in_twenty(program, error):
    name = errno.errorcode[error]
    with Shim() as shim, Server(program, "--loops", "2", **shim.server) as server:
        server.port  # it listens
        shim.fail("accept4", error, every=EVERY)
        clients = Clients(server)
        shim.heal("accept4")
        failed = shim.failures("accept4")
        expect(not clients.failures, f"{name} {failed} times: {len(clients.failures)} of {CLIENTS * REQUESTS} clients got "
                                     f"{clients.failures[:1]}")
        expect(failed >= CLIENTS * REQUESTS // EVERY, f"{name}: accept failed only {failed} times; this shows nothing")
        late = sum(took > SLOW_SECONDS for took in clients.took)
        expect(late < failed / 2, f"{name} {failed} times: {late} clients waited for more than {SLOW_SECONDS} s")
        told = counted(server)
        expect(told is not None, f"{name}: there is no {METRIC}")
        expect(0 <= told <= failed if error in UNTOLD else told == failed, f"{name} {failed} times: {METRIC} is {told:g}")
    return f"{name} {failed}"


def many_in_a_row(program, error):
    """For a second every call fails."""
    name = errno.errorcode[error]
    with Shim() as shim, Server(program, "--loops", "1", **shim.server) as server:
        expect(get(server.port, "/healthz")[0] == 200, "it does not serve")
        said, before, cpu = len(server.log), shim.calls("accept4"), server.cpu_seconds()
        shim.fail("accept4", error)
        waiting = []
        knock(server, waiting)
        time.sleep(1)
        calls, failed, cpu = shim.calls("accept4") - before, shim.failures("accept4"), server.cpu_seconds() - cpu
        shim.heal("accept4")
        expect(calls < 1000 and cpu < 0.3, f"{name}: {calls} calls and {cpu:.2f} s of CPU in a second: it does not pause")
        expect(came_true(lambda: serves(server), 2), f"{name}: two seconds after it was over it does not serve")
        lines = server.log[said:]  # that it pauses, and maybe that it is over
        expect(1 <= len(lines) <= 2, f"{name} {failed} times in a row: the log has {len(lines)} lines about it: {lines}")
        # libuv calls twice before it tells of EMFILE.
        told = counted(server)
        expect(told and told <= shim.failures("accept4"), f"{name} {failed} times in a row: {METRIC} is {told}")
        for client in waiting:
            client.close()
    return f"{name} {failed} in a row, one log line"


def knock(server, clients):
    """Some clients come; whether they are refused or wait is no matter here."""
    for _ in range(10):
        try:
            clients.append(Client(server.port))
        except OSError:
            pass
        time.sleep(0.01)


def serves(server):
    try:
        return get(server.port, "/healthz", timeout=1)[0] == 200
    except OSError:
        return False


def check_accepts(program):
    transient = [lambda error=error: one_in_twenty(program, error) for error in TRANSIENT]
    return "failing accepts cost no client anything, and are counted: " + each(
        *transient, lambda: many_in_a_row(program, errno.EMFILE), lambda: many_in_a_row(program, errno.EPERM))
