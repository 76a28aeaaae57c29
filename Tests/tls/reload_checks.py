"""Certificates that change while the server serves: no request fails, and nothing is left behind."""
import signal
import threading
import time

from authority import openssl
from bench import GRANT, s_client
from harness import Failure, expect, wait_until
from talk import Wire

KIB = 1024
CLIENTS = 3
# The first second of load is warm-up: the allocator takes what each thread and connection needs.
WARM_UP = 2
LOADED_KIB_MAX = KIB
RELOADS, RELOADS_KIB_MAX = 400, 2 * KIB


def load(bench, server, end, results):
    """Grants on kept connections and on new ones, until `end` is set."""
    asked, made = 0, bench.context()
    try:
        while not end.is_set():
            with Wire(server.port, made) as wire:
                wire.handshake()
                for _ in range(20):
                    expect(wire.ask(GRANT).status == 201, "a request failed")
                    asked += 1
                wire.finish_sending()
        results.append(asked)
    except (Failure, OSError) as failure:
        results.append(failure)


class Files:
    """The files that a server reads, and two pairs that take turns in them."""

    def __init__(self, bench, name):
        self.folder = bench.folder / name
        self.folder.mkdir()
        self.files = self.folder / "tls.pem", self.folder / "tls.key"
        self.identities = [bench.identity, bench.authority.issue(f"second-{name}", "serverAuth")]
        self.place(self.identities[0])

    def place(self, identity):
        for source, target in zip(identity, self.files):
            draft = target.with_suffix(".new")
            draft.write_bytes(source.read_bytes())
            draft.chmod(0o600)
            draft.rename(target)


def loaded(bench, server, files):
    """Requests that were answered while certificates changed every second, and the KiB that memory grew by."""
    end, results = threading.Event(), []
    threads = [threading.Thread(target=load, args=(bench, server, end, results)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for number in range(bench.seconds):
        if number == WARM_UP:
            before = server.memory()
        files.place(files.identities[(number + 1) % 2])
        server.signal(signal.SIGHUP)
        time.sleep(1)
    growth = (server.memory() - before) // KIB
    end.set()
    for thread in threads:
        thread.join()
    failed = [result for result in results if not isinstance(result, int)]
    expect(not failed, f"under SIGHUP requests failed: {failed}")
    return sum(results), growth


def check_reload(bench):
    files = Files(bench, "live")
    identities = files.identities
    with bench.server(identity=files.files) as server, bench.wire(server) as old:
        old.handshake()
        descriptors = server.descriptors()
        asked, growth = loaded(bench, server, files)
        wait_until(lambda: server.descriptors() <= descriptors, lambda: f"{server.descriptors()} descriptors stay open", 5)
        expect(growth <= LOADED_KIB_MAX, f"memory grew by {growth} KiB")
        expect(old.ask(GRANT).status == 201, "an open connection did not go on")
        before = served(server)
        files.place((identities[0][0], identities[1][1]))
        server.signal(signal.SIGHUP)
        wait_until(lambda: "stay in use" in server.log_text(), "a pair that does not fit is not told of", 10)
        expect(served(server) == before, "a wrong pair is served with")
        expect(server.metrics()["obie_tokens_tls_reload_failures_total"] == 1, "a wrong pair is not counted")
        files.place(identities[1])
        server.signal(signal.SIGHUP)
        wait_until(lambda: served(server) == serial(identities[1][0]), "the new certificate is not served", 10)
    return (f"{asked:,} requests while certificates changed every second for {bench.seconds} s, none failed; memory "
            f"{growth:+} KiB (at most {LOADED_KIB_MAX}), no descriptor is left; a wrong pair changes nothing")


def check_reload_leak(bench):
    """Reloads alone, good ones and wrong ones: a context that stays is some 25 KiB."""
    files, crl = Files(bench, "often"), bench.authority.revoke()
    wrong = files.identities[0][0], files.identities[1][1]
    flags = ["--tls-client-auth", "optional", "--tls-client-ca", bench.authority.certificate, "--tls-client-crl", crl]
    with bench.server(*flags, identity=files.files) as server:
        told = 0
        for number in range(RELOADS):
            if number == RELOADS // 4:
                before, descriptors = server.memory(), server.descriptors()
            files.place(wrong if number % 2 else files.identities[number // 2 % 2])
            told += 1
            server.signal(signal.SIGHUP)
            wait_until(lambda: server.log_text().count("reloaded: no setting") == told, "SIGHUP is not heard", 10)  # noqa: B023
        growth, left = (server.memory() - before) // KIB, server.descriptors() - descriptors
        failures = server.metrics()["obie_tokens_tls_reload_failures_total"]
        expect(failures == RELOADS // 2, f"{failures} of {RELOADS // 2} wrong pairs are counted")
        expect(growth <= RELOADS_KIB_MAX and not left,
               f"memory grew by {growth} KiB (at most {RELOADS_KIB_MAX}), {left} descriptors are left")
    return f"{RELOADS} reloads, half of them wrong: memory {growth:+} KiB (at most {RELOADS_KIB_MAX}), no descriptor is left"


def serial(certificate):
    return openssl("x509", "-noout", "-serial", "-in", certificate).strip()


def served(server):
    """The serial number of the certificate that connections get."""
    return openssl("x509", "-noout", "-serial", text=s_client(server, data="Q\n").stdout).strip()
