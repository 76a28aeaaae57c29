"""Servers with certificates, and the clients that they are tried with."""
import subprocess
from pathlib import Path

from authority import Authority
from harness import Server, sandbox
from talk import Wire, context

GRANT = sandbox.client_credentials()
FAILURES = "obie_tokens_tls_failures_total"


class Bench:
    """Certificates of all kinds, and servers with them."""

    def __init__(self, program, folder, sslyze, seconds=6):
        self.program, self.folder, self.sslyze, self.seconds = program, Path(folder), sslyze, seconds
        self.authority = Authority(self.folder / "ca")
        self.identity = self.authority.issue("server", "serverAuth")
        self.client = self.authority.issue("bank")

    def server(self, *more, identity=None, **options):
        certificate, key = identity or self.identity
        return Server(self.program, "--loops", "1", "--tls-certificate", certificate, "--tls-key", key, *more, **options)

    def context(self, certificate=None, **options):
        return context(self.authority.certificate, certificate, **options)

    def wire(self, server, certificate=None, **options):
        return Wire(server.port, self.context(certificate, **options))


def curl(bench, server, *words):
    return subprocess.run(
        ["curl", "--silent", "--show-error", "--cacert", str(bench.authority.certificate), "--max-time", "10", *map(str, words),
         f"https://localhost:{server.port}/errors"], capture_output=True, text=True, check=False)


def s_client(server, *words, data="", seconds=10):
    return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", *map(str, words)], input=data,
                          capture_output=True, text=True, timeout=seconds, check=False)


def counted(server, reason):
    return server.metrics()[f'{FAILURES}{{reason="{reason}"}}']
