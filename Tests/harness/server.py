"""obie-tokens as a server on free ports: what it is started with, where it listens, what it counts."""
import json
import os
import shutil

from checks import Failure, expect
from client import Client, get, request
from encrypted import EncryptedClient
from process import Process

LISTENING = r"listening on https?://[^:]+:(\d+), probes on https?://[^:]+:(\d+)"
START_SECONDS = 20


class Server(Process):
    """`with Server(program, "--loops", "1") as server:` runs the sandbox on free ports of 127.0.0.1.

    flags     what stands behind `serve`; --listen and --admin-listen are added where they are missing
    store     --store, where the flags have none; a relative file stands in cwd
    throttle  True leaves --no-throttle out
    tls       an Encryption: the public address speaks TLS, and so do clients that are made by client()
    awaited   False returns at once; True when it listens, and raises Failure where it does not

    env, limits, preload and cwd are those of Process, which also says how it ends.
    """

    def __init__(self, program, *flags, env=None, limits=None, preload=None, store="memory", throttle=False, cwd=None,
                 awaited=True, tls=None):
        super().__init__(env, limits, preload, cwd)
        self.program, self.flags = os.path.abspath(shutil.which(program) or program), [str(flag) for flag in flags]
        self.store, self.throttle, self.awaited, self.tls = store, throttle, awaited, tls

    def arguments(self):
        arguments = [self.program, "serve", *self.flags, *(self.tls.flags if self.tls else [])]
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

    def start(self):
        self._ports = None
        super().start()
        if self.awaited:
            try:
                self._wait_until_it_listens()
            except BaseException:
                self.kill()
                raise

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

    @property
    def scheme(self):
        return "https" if self.tls else "http"

    def client(self, port=None, **options):
        """A new connection to the public address, or to another port that speaks as it does."""
        port = port or self.port
        return EncryptedClient(self.tls.context, port, **options) if self.tls else Client(port, **options)

    def get(self, path, port=None, timeout=5):
        """(status, text) of a GET on a connection of its own."""
        return request(port or self.port, "GET", path, timeout=timeout, tls=self.tls and self.tls.context)

    def metrics(self):
        """Every sample: its name, with its labels as they stand on the page, and its value."""
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
