"""Certificates: the clients' own, and those that end a start."""
import json
import signal
import ssl
import subprocess
from urllib.parse import quote

from authority import Authority, self_signed
from bench import GRANT, counted
from harness import Failure, Server, came_true, expect, sandbox, wait_until
from refusal_checks import check_headers, check_lists, check_probe, check_refusals, check_resumption  # noqa: F401
from talk import Wire, context


def refused(bench, server, certificate, reason):
    before = counted(server, reason)
    try:
        with bench.wire(server, certificate) as wire:
            wire.handshake()
            wire.ask(GRANT)
            raise Failure(f"{reason}: the client was served")
    except (ssl.SSLError, ConnectionError):
        pass
    expect(came_true(lambda: counted(server, reason) == before + 1, 5), f"{reason} is not counted: {server.metrics()}")


def check_clients(bench):
    authority, folder = bench.authority, bench.folder
    revoked = authority.issue("revoked")
    crl = authority.revoke(revoked[0])
    same_name = Authority(folder / "same-name")
    wrong = [
        (authority.issue("old", days=-1), "certificate_expired"), (revoked, "certificate_revoked"),
        (Authority(folder / "other", "Other CA").issue("other"), "certificate_untrusted"),
        (same_name.issue("impostor"), "certificate_untrusted"), (self_signed(folder, "alone"), "certificate_untrusted"),
        (authority.issue("a-server", "serverAuth"), "certificate_purpose"),
    ]
    flags = ["--tls-client-ca", authority.certificate, "--tls-client-crl", crl]
    for mode in ("required", "optional"):
        with bench.server(*flags, "--tls-client-auth", mode, "--access-log") as server:
            for certificate, reason in wrong:
                refused(bench, server, certificate, reason)
            with bench.wire(server, bench.client) as wire:
                wire.handshake()
                expect(wire.ask(GRANT).status == 201, "a good certificate is refused")
            if mode == "required":
                refused(bench, server, None, "certificate_missing")
            else:
                with bench.wire(server) as wire:
                    wire.handshake()
                    expect(wire.ask(GRANT).status == 201, "optional refuses a client without a certificate")
            wait_until(lambda: "thumbprint" in server.log_text(), "the access log has no thumbprint", 5)  # noqa: B023
    return f"{len(wrong)} certificates refused, each with its reason; the good one is taken"


def run(bench, *words):
    return subprocess.run([bench.program, *words], cwd=bench.folder, capture_output=True, text=True, timeout=20, check=False)


def check_starts(bench):
    """Each file that is wrong ends the start with 78, and a sentence that names the file."""
    certificate, key = bench.identity
    other, old = bench.authority.issue("more", "serverAuth"), bench.authority.issue("gone", "serverAuth", days=-1)
    junk, readable = bench.folder / "junk.pem", bench.folder / "readable.key"
    junk.write_text("junk\n", encoding="ascii")
    readable.write_bytes(key.read_bytes())
    readable.chmod(0o644)
    nowhere = bench.folder / "none.pem"
    rows = [((nowhere, key), "cannot read"), ((certificate, nowhere), "cannot read"), ((junk, key), "has no certificate"),
            ((certificate, junk), "other users may read"), ((certificate, other[1]), "does not belong"), (old, "ended on"),
            ((certificate, readable), "chmod 600")]
    for pair, words in rows:
        done = run(bench, "serve", "--store", "memory", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
                   "--tls-certificate", pair[0], "--tls-key", pair[1])
        expect(done.returncode == 78 and words in done.stderr, f"{pair}: {done.returncode} {done.stderr}")
        expect(done.stderr.count("\n") == 1, f"more than one line: {done.stderr}")
    with bench.server(identity=bench.authority.issue("soon", "serverAuth", days=13)) as server:
        expect("a certificate in" in server.log_text() and " ends on" in server.log_text(), "a certificate that ends soon is not told of")
    with bench.server("--tls-client-auth", "optional", "--tls-client-ca", old[0]) as server:
        expect("a CA in" in server.log_text() and " ended on" in server.log_text(), "a CA that has ended is not told of")
    made = run(bench, "tls", "self-signed")
    expect(made.returncode == 0, made.stderr)
    again = run(bench, "tls", "self-signed")
    expect(again.returncode == 73 and "is there already" in again.stderr, f"{again.returncode} {again.stderr}")
    with bench.server(identity=(bench.folder / "tls.pem", bench.folder / "tls.key")) as server:
        with Wire(server.port, context(bench.folder / "tls.pem")) as wire:
            wire.handshake()
            expect(wire.ask(GRANT).status == 201, "a certificate of tls self-signed does not serve")
    for words, status in ((("one", "one"), 64), (("one", "./one"), 73), (("/none/one", "one"), 73)):
        half = run(bench, "tls", "self-signed", "--certificate", words[0], "--key", words[1])
        expect(half.returncode == status and not (bench.folder / "one").exists(), f"{words}: {half}")
    return f"{len(rows)} wrong files told; self-signed serves and never overwrites"


def check_revoked_client(bench):
    """A client that must show a certificate loses it: also on connections that are open, and behind a proxy."""
    crl, store, name, header = bench.folder / "clients.crl", f"sqlite:{bench.folder}/clients.db", "PSDGB-FCA-111111", "x-ssl-client-cert"
    flags = ["--mode", "production", "--tls-client-ca", bench.authority.certificate, "--tls-client-crl", crl, "--tls-client-auth",
             "optional"]
    proxy = ["--client-certificate-header", header, "--trusted-proxies", "127.0.0.0/8"]
    for match in ("thumbprint", "subject"):
        for is_proxied in (False, True):
            client = bench.authority.issue(f"bank-{match}-{is_proxied}")
            ca = ["--certificate-ca", bench.authority.certificate] if match == "subject" else []
            run(bench, "fi", "remove", name, "--yes", "--store", store)
            made = run(bench, "fi", "add", name, "--store", store, "--json", "--certificate", client[0], "--certificate-match", match, *ca)
            expect(made.returncode == 0, made.stderr)
            run(bench, "psp", "add", "psp", "--store", store)
            fields = {"Authorization": sandbox.basic(name, json.loads(made.stdout)["client_secret"]), "fi_reference_id": name}
            if is_proxied:
                fields[header] = quote(client[0].read_text(encoding="ascii"))
            ask = sandbox.post(sandbox.TOKENS, {"grant_type": "client_credentials", "psp_id": "psp"}, **fields)
            crl.write_bytes(bench.authority.revoke().read_bytes())
            with bench.server(*flags, *(proxy if is_proxied else []), store=store) as server:
                with bench.wire(server, None if is_proxied else client) as wire:
                    wire.handshake()
                    first = wire.ask(ask)
                    expect(first.status == 201, f"{match}: a good certificate is refused: {first}")
                    crl.write_bytes(bench.authority.revoke(client[0]).read_bytes())
                    server.signal(signal.SIGHUP)
                    wait_until(lambda: "read again" in server.log_text(), "not read again", 10)  # noqa: B023
                    expect(wire.ask(ask).status == 401, f"{match}: revoked, and served")
    return "revoked certificates count no more, on open connections and behind a proxy"


def check_revoked_behind_a_proxy(bench):
    """However the proxy comes: without TLS, with it, or with a certificate of another CA. SIGHUP brings a list that names it."""
    banks, store, name, header = Authority(bench.folder / "banks", "Banks"), f"sqlite:{bench.folder}/banks.db", "PSDGB-FCA-111112", "x-ssl-client-cert"
    client, crl = banks.issue("bank-behind"), bench.folder / "behind.crl"
    made = run(bench, "fi", "add", name, "--store", store, "--json", "--certificate", client[0], "--certificate-match", "thumbprint")
    expect(made.returncode == 0, made.stderr)
    run(bench, "psp", "add", "psp", "--store", store)
    fields = {"Authorization": sandbox.basic(name, json.loads(made.stdout)["client_secret"]), "fi_reference_id": name,
              header: quote(client[0].read_text(encoding="ascii"))}
    ask = sandbox.post(sandbox.TOKENS, {"grant_type": "client_credentials", "psp_id": "psp"}, **fields)
    flags = ["--mode", "production", "--client-certificate-header", header, "--trusted-proxies", "127.0.0.0/8", "--client-certificate-ca",
             banks.certificate, "--tls-client-crl", crl]
    own = bench.authority.revoke().read_bytes()
    ways = {"plain": (lambda: Server(bench.program, "--loops", "1", *flags, store=store), b"", None),
            "TLS": (lambda: bench.server(*flags, store=store), b"", None),
            "mutual TLS": (lambda: bench.server(*flags, "--tls-client-ca", bench.authority.certificate, "--tls-client-auth", "required",
                                                store=store), own, bench.client)}
    for way, (start, more, proxy) in ways.items():
        crl.write_bytes(more + banks.revoke().read_bytes())
        with start() as server, server.client() if way == "plain" else bench.wire(server, proxy) as wire:
            if way != "plain":
                wire.handshake()
            expect("does nothing" not in server.log_text(), server.log_text())
            expect(wire.ask(ask).status == 201, f"{way}: a good certificate is refused")
            crl.write_bytes(more + banks.revoke(client[0]).read_bytes())
            server.signal(signal.SIGHUP)
            wait_until(lambda: "read again" in server.log_text(), "not read again", 10)  # noqa: B023
            expect(wire.ask(ask).status == 401, f"{way}: revoked, and served")
        (banks.folder / "index.txt").write_text("", encoding="ascii")
    crl.write_text("bogus", encoding="ascii")
    with Server(bench.program, *flags, store=store, awaited=False) as server:
        expect(server.wait() == 78 and "tls-client-crl" in server.log_text(), f"a list that is none: {server.log_text()}")
    return f"{len(ways)} ways: named by a list, a client that a proxy passes on is refused"


def check_credentials(bench):
    """systemd passes all four files."""
    folder = bench.folder / "credentials"
    folder.mkdir()
    (certificate, key), authority = bench.identity, bench.authority
    for name, path in (("tls.pem", certificate), ("tls.key", key), ("ca.pem", authority.certificate), ("crl.pem", authority.revoke())):
        (folder / name).write_bytes(path.read_bytes())
    flags = ["--tls-client-ca", "credential:ca.pem", "--tls-client-crl", "credential:crl.pem", "--tls-client-auth", "required"]
    with bench.server(*flags, identity=("credential:tls.pem", "credential:tls.key"), env={"CREDENTIALS_DIRECTORY": str(folder)}) as server:
        with bench.wire(server, bench.client) as wire:
            wire.handshake()
            expect(wire.ask(GRANT).status == 201, "a good client is refused")
    soon = authority.issue("soon-credential", "serverAuth", days=2)
    for name, path in zip(("tls.pem", "tls.key"), soon, strict=True):
        (folder / name).write_bytes(path.read_bytes())
    with bench.server(identity=("credential:tls.pem", "credential:tls.key"), env={"CREDENTIALS_DIRECTORY": str(folder)}) as server:
        expect("and restart the unit" in server.log_text(), f"what to do is not said: {server.log_text()}")
    return "certificate, key, CA and list can be credentials"


def check_admin(bench):
    certificate, key = bench.identity
    with Server(bench.program, "--admin-tls-certificate", certificate, "--admin-tls-key", key, "--admin-tls-client-ca",
                bench.authority.certificate, "--admin-tls-client-auth", "required") as server:
        with Wire(server.admin_port, bench.context(bench.client)) as wire:
            wire.handshake()
            expect(wire.ask(sandbox.get("/readyz")).status == 200, "the admin address does not answer over TLS")
        check = run(bench, "healthcheck", "--config", config(bench, server.admin_port))
        expect(check.returncode == 1 and "name one with --certificate" in check.stderr, f"healthcheck: {check.stderr}")
        try:
            with Wire(server.admin_port, bench.context()) as wire:
                wire.handshake()
                wire.ask(sandbox.get("/readyz"))
                raise Failure("the admin address answers without a certificate")
        except (ssl.SSLError, ConnectionError):
            pass
    return "probes over TLS, with a certificate only"


def config(bench, port):
    """A file of settings for commands about a server whose admin address speaks TLS."""
    path = bench.folder / "admin.conf"
    certificate, key = bench.identity
    lines = [f"admin-listen = 127.0.0.1:{port}", f"admin-tls-certificate = {certificate}", f"admin-tls-key = {key}", ""]
    path.write_text("\n".join(lines), encoding="ascii")
    return path
