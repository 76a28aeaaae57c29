"""Each wrong certificate on each listener, in each version: the alert that docs/tls.md says, and the reason that is counted."""
import json
import re
import signal
import socket
import ssl
import subprocess

from authority import Authority, self_signed
from bench import FAILURES, GRANT
from harness import Server, came_true, expect, sandbox, wait_until
from talk import Wire

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
LISTENERS = ("public", "admin")
READY = sandbox.get("/readyz")


def wrong_ones(bench, folder):
    """(what is wrong, certificate, alert, reason)."""
    authority = bench.authority
    revoked = authority.issue("revoked-one")
    rows = [
        ("ended", authority.issue("ended", days=-1), "CERTIFICATE_EXPIRED", "certificate_expired"),
        ("revoked", revoked, "CERTIFICATE_REVOKED", "certificate_revoked"),
        ("of another CA", Authority(folder / "o", "Other CA").issue("x"), "UNKNOWN_CA", "certificate_untrusted"),
        ("of a CA with the same name", Authority(folder / "s").issue("x"), "UNKNOWN_CA", "certificate_untrusted"),
        ("of a CA with the same name, without key identifiers", Authority(folder / "n", identifiers=False).issue("x"),
         "DECRYPT_ERROR", "certificate_untrusted"),
        ("self-signed", self_signed(folder, "itself"), "UNKNOWN_CA", "certificate_untrusted"),
        ("not for clients", authority.issue("for-servers", "serverAuth"), "UNSUPPORTED_CERTIFICATE", "certificate_purpose"),
    ]
    return rows, authority.revoke(revoked[0])


class Listener:
    """One of a server's two, both with the same certificates."""

    def __init__(self, bench, server, name):
        self.bench, self.name = bench, name
        self.port = server.port if name == "public" else server.admin_port
        self.question, self.status = (GRANT, 201) if name == "public" else (READY, 200)
        self.admin_port = server.admin_port

    def wire(self, certificate, version):
        context = self.bench.context(certificate, newest=VERSIONS[version])
        context.minimum_version = VERSIONS[version]
        return Wire(self.port, context)

    def ask(self, certificate, version):
        """The status, or the alert."""
        try:
            with self.wire(certificate, version) as wire:
                wire.handshake()
                return wire.ask(self.question).status
        except ssl.SSLError as error:
            return error.reason
        except ConnectionError:
            return "closed"

    def counted(self, reason):
        with Wire(self.admin_port, self.bench.context(self.bench.client)) as wire:
            wire.handshake()
            page = wire.ask(sandbox.get("/metrics")).body.decode()
        return int(re.search(rf'^{FAILURES}\{{reason="{reason}"\}} (\d+)$', page, re.MULTILINE)[1])


def both_listeners(bench, crl, mode, *more, **options):
    certificate, key = bench.identity
    flags = [flag for prefix in ("--", "--admin-") for flag in (
        f"{prefix}tls-certificate", certificate, f"{prefix}tls-key", key, f"{prefix}tls-client-ca", bench.authority.certificate,
        f"{prefix}tls-client-crl", crl, f"{prefix}tls-client-auth", mode)]
    return Server(bench.program, "--loops", "1", *flags, *more, **options)


def check_refusals(bench):
    rows, crl = wrong_ones(bench, bench.folder / "refused")
    count = 0
    for mode in ("required", "optional"):
        with both_listeners(bench, crl, mode) as server:
            for listener in (Listener(bench, server, name) for name in LISTENERS):
                for version in VERSIONS:
                    for what, certificate, alert, reason in rows:
                        before, said = listener.counted(reason), listener.ask(certificate, version)
                        expect(alert in str(said), f"{listener.name}, {mode}, {version}, {what}: {said}")
                        expect(came_true(lambda: listener.counted(reason) == before + 1, 5), f"{what} is not counted")  # noqa: B023
                        count += 1
                    none = listener.ask(None, version)
                    wanted = {"optional": listener.status, "TLSv1.2": "SSLV3_ALERT_HANDSHAKE_FAILURE",
                              "TLSv1.3": "TLSV13_ALERT_CERTIFICATE_REQUIRED"}
                    expect(none == wanted["optional" if mode == "optional" else version], f"{mode}, {version}, none: {none}")
                    good = listener.ask(bench.client, version)
                    expect(good == listener.status, f"{listener.name}, {version}: a good certificate gets {good}")
    return f"{count} attempts on both listeners, in both versions, each with the alert and the reason that the page says"


def s_client(bench, port, version, *words):
    """One exchange of openssl's: (its output, whether the server answered)."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", str(bench.authority.certificate),
         "-" + version.replace(".", "_").lower().replace("tlsv", "tls"), "-ign_eof", *map(str, words)],
        input="GET /errors HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", capture_output=True, text=True, timeout=20,
        check=False)
    return done.stdout + done.stderr, "HTTP/1.1 200" in done.stdout


def foreign_session(bench, version, shown):
    """The file of a session that openssl's own server has given to this client: the client asks to resume it."""
    path = bench.folder / f"{version}.session"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    other = subprocess.Popen(
        ["openssl", "s_server", "-accept", str(port), "-cert", str(bench.identity[0]), "-key", str(bench.identity[1]), "-Verify", "1",
         "-CAfile", str(bench.authority.certificate), "-www", "-quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        expect(came_true(lambda: "200 ok" in s_client(bench, port, version, *shown, "-sess_out", path)[0], 10), "s_server is silent")
        text, _ = s_client(bench, port, version, *shown, "-sess_in", path)
        expect("Reused, " in text, f"{version}: not even its own server resumes the session: {text[-300:]}")
    finally:
        other.kill()
        other.wait()
    return path


def check_resumption(bench):
    """Nobody gets in with a session: neither without a certificate, nor with one that was revoked since."""
    crl = bench.folder / "now.crl"
    crl.write_bytes(bench.authority.revoke().read_bytes())
    client = bench.authority.issue("for-a-while")
    shown = ("-cert", client[0], "-key", client[1])
    sessions = {version: foreign_session(bench, version, shown) for version in VERSIONS}
    with both_listeners(bench, crl, "required") as server:
        for version, session in sessions.items():
            own = bench.folder / f"{version}.own"
            text, served = s_client(bench, server.port, version, *shown, "-sess_out", own)
            expect(served and not own.exists(), f"{version}: a session that could be resumed: {text[-300:]}")
            text, served = s_client(bench, server.port, version, "-sess_in", session)
            expect(not served and "Reused, " not in text, f"{version}: a session was resumed: {text[-300:]}")
            text, served = s_client(bench, server.port, version, *shown, "-sess_in", session)
            expect(served and "Reused, " not in text, f"{version}: a session was resumed: {text[-300:]}")
        crl.write_bytes(bench.authority.revoke(client[0]).read_bytes())
        server.signal(signal.SIGHUP)
        wait_until(lambda: "read again" in server.log_text(), lambda: f"not read again: {server.log_text()}", 10)
        for version, session in sessions.items():
            text, served = s_client(bench, server.port, version, *shown, "-sess_in", session)
            expect(not served and "revoked" in text, f"{version}: revoked, and served: {text[-300:]}")
    return "there is nothing to resume, and a session is of no use without the certificate, nor once that is revoked"


def start(server):
    """How a start ends: (status, log); status None: it serves."""
    server.start()
    try:
        return server.wait(5), server.log_text()
    finally:
        server.kill()


def check_lists(bench):
    """A revocation list of somebody else would shut all clients out: it is not taken, neither at the start nor by SIGHUP."""
    own, path = bench.authority.revoke().read_bytes(), bench.folder / "lists.crl"
    for name, stranger in (("other", Authority(bench.folder / "stranger", "Stranger")), ("same", Authority(bench.folder / "same"))):
        path.write_bytes(own)
        with both_listeners(bench, path, "required") as server:
            path.write_bytes(stranger.revoke().read_bytes())
            server.signal(signal.SIGHUP)
            wait_until(lambda: "stay in use" in server.log_text(), lambda: f"{name}: {server.log_text()}", 10)  # noqa: B023
            expect("signed by none of the CAs" in server.log_text(), server.log_text())
            wait_until(lambda: "nothing was reloaded: no setting has changed, and the certificates were refused" in server.log_text(),
                       lambda: f"the log says that all is well: {server.log_text()}", 5)  # noqa: B023
            for listener in (Listener(bench, server, one) for one in LISTENERS):
                expect(listener.ask(bench.client, "TLSv1.3") == listener.status, "the list of before is not in use")
        status, log = start(both_listeners(bench, path, "required", awaited=False))
        expect(status == 78 and "signed by none of the CAs" in log, f"{name}: {status} {log}")
    mute = Authority(bench.folder / "mute", usage="keyCertSign")
    status, log = start(bench.server("--tls-client-ca", mute.certificate, "--tls-client-crl", mute.revoke(), "--tls-client-auth",
                                     "required", awaited=False))
    expect(status == 78 and "signed by none of the CAs" in log, f"a CA that may not sign lists: {status} {log}")
    return "a list of another CA, also of one with the same name, ends a start with 78, and SIGHUP keeps the old one"


def check_headers(bench):
    """A client with a good certificate of its own may not say that it has another's."""
    certificate, key = bench.identity
    other = bench.authority.issue("somebody-else")
    pem = other[0].read_text(encoding="ascii").replace("\n", "%0A").replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    headers = {"client-cert": ":AAAA:", "x-forwarded-client-cert": f'Cert="{pem}"', "x-ssl-client-cert": pem}
    for header, value in headers.items():
        flags = ["--tls-certificate", certificate, "--tls-key", key, "--tls-client-ca", bench.authority.certificate,
                 "--tls-client-auth", "required", "--client-certificate-header", header, "--trusted-proxies", "10.0.0.0/8"]
        with Server(bench.program, *flags) as server, bench.wire(server, bench.client) as wire:
            wire.handshake()
            answer = wire.ask(sandbox.post(sandbox.TOKENS, {"grant_type": "client_credentials"}, **{header: value}))
            found = [(one["code"], one["title"]) for one in json.loads(answer.body)["errors"]]
            expect(answer.status == 400 and found == [("parameter_invalid", f"the header {header} is taken from trusted proxies only")],
                   f"{header}: {answer.status} {found}")
            expect(wire.ask(GRANT).status == 201, "the connection is of no more use")
    return f"{len(headers)} headers from a client itself are 400, with a certificate in the handshake too"


def check_probe(bench):
    """obie-tokens healthcheck, as a container runs it: by the server's settings, or by a URL."""
    crl = bench.authority.revoke()
    with both_listeners(bench, crl, "required") as server:
        url = ["--url", f"https://127.0.0.1:{server.admin_port}/readyz"]
        shown = ["--certificate", bench.client[0], "--key", bench.client[1]]
        rows = [(shown, 0, "answered 200"), ([*shown, "--ca", bench.authority.certificate], 0, "answered 200"),
                ([], 1, "name one with --certificate"), ([*shown, "--ca", bench.client[0]], 1, "does --ca name its CA?"),
                (["--certificate", bench.client[0], "--key", bench.identity[1]], 65, "is not the key"),
                ([*shown, "--ca", bench.client[1]], 65, "no CA's certificate"), (["--ca", "/none"], 66, "/none"),
                (["--certificate", bench.client[0]], 64, "go together")]
        for words, status, text in rows:
            done = subprocess.run([bench.program, "healthcheck", *url, *map(str, words)], capture_output=True, text=True, timeout=20,
                                  check=False)
            expect(done.returncode == status and text in done.stdout + done.stderr, f"{words}: {done}")
    with Server(bench.program, "--admin-tls-certificate", bench.identity[0], "--admin-tls-key", bench.identity[1]) as server:
        variables = {"OBIE_TOKENS_ADMIN_LISTEN": f"0.0.0.0:{server.admin_port}",
                     "OBIE_TOKENS_ADMIN_TLS_CERTIFICATE": str(bench.identity[0]),
                     "OBIE_TOKENS_ADMIN_TLS_KEY": str(bench.identity[1])}
        done = subprocess.run([bench.program, "healthcheck"], env=variables, capture_output=True, text=True, timeout=20, check=False)
        expect(done.returncode == 0, f"by the settings: {done}")
        done = subprocess.run([bench.program, "healthcheck", "--url", f"http://127.0.0.1:{server.admin_port}/readyz"],
                              capture_output=True, text=True, timeout=20, check=False)
        expect(done.returncode == 1 and "https://" in done.stderr, f"without TLS: {done}")
    return f"{len(rows) + 2} ways to ask a server that speaks TLS"
