"""What stands in the files of certificates and is mistyped or old: openssl would pass over it, or take it, without a word."""
import re
import signal
import time

from authority import Authority
from harness import expect, wait_until
from refusal_checks import LISTENERS, Listener, both_listeners, start

MISTYPED = ("-----BEGIN", "----BEGIN")


def second_mistyped(path, second):
    """Puts a good block behind what is in the file, but for its first line. Returns the number of that line."""
    before = path.read_text(encoding="ascii")
    path.write_text(before + second.read_text(encoding="ascii").replace(*MISTYPED), encoding="ascii")
    return before.count("\n") + 1


def check_mistyped(bench):
    """The second certificate, CA or list of a file is mistyped: no start, and SIGHUP keeps those of before."""
    other, folder = Authority(bench.folder / "second", "Second CA"), bench.folder / "mistyped"
    folder.mkdir()
    parts = {"tls-certificate": (bench.identity[0], other.certificate), "tls-client-ca": (bench.authority.certificate, other.certificate),
             "tls-client-crl": (bench.authority.revoke(), other.revoke()), "eidas-ca": (bench.authority.certificate, other.certificate)}
    files = {name: folder / f"{name}.pem" for name in parts}
    flags = [word for name, path in files.items() if name != "tls-certificate" for word in (f"--{name}", path)]

    def server(**options):
        return bench.server(*flags, "--tls-client-auth", "required", identity=(files["tls-certificate"], bench.identity[1]), **options)
    for name, (first, second) in parts.items():
        for each, (content, _) in parts.items():
            files[each].write_bytes(content.read_bytes())
        with server() as running:
            told = f"line {second_mistyped(files[name], second)} "
            running.signal(signal.SIGHUP)
            wait_until(lambda: "stay in use" in running.log_text(), lambda: f"{name}: {running.log_text()}", 10)  # noqa: B023
            expect(told in running.log_text() and name in running.log_text(), f"{name}: {running.log_text()}")
            listener = Listener(bench, running, "public")
            expect(listener.ask(bench.client, "TLSv1.3") == listener.status, f"{name}: those of before are not in use")
        status, log = start(server(awaited=False))
        expect(status == 78 and told in log and name in log, f"{name}: {status} {log}")
    return f"in {len(parts)} files: the second block is mistyped, a start ends with 78 and names the line, and SIGHUP changes nothing"


def check_older_list(bench):
    """SIGHUP finds an older revocation list: it counts, and the log says so, once for each listener and with both dates."""
    path = bench.folder / "older.crl"
    old = bench.authority.revoke().read_bytes()
    time.sleep(1.1)  # dates are in seconds
    new = bench.authority.revoke().read_bytes()
    path.write_bytes(new)
    with both_listeners(bench, path, "required") as server:
        for content in (new, old, new):
            path.write_bytes(content)
            reloads = server.log_text().count("were read again")
            server.signal(signal.SIGHUP)
            wait_until(lambda: server.log_text().count("were read again") > reloads, lambda: server.log_text(), 10)  # noqa: B023
        time.sleep(0.2)
        found = re.findall(r"the revocation list of /CN=\S.*? in \S+ \(([a-z-]+)\) is of (\S+), and the one before it of (\S+): it is in force",
                           server.log_text())
        expect([name for name, _, _ in found] == ["tls-client-crl", "admin-tls-client-crl"], f"{found} in {server.log_text()}")
        expect(all(made < before for _, made, before in found), f"the dates are {found}")
        expect(Listener(bench, server, "public").ask(bench.client, "TLSv1.3") == 201, "nobody is let in")
    return "an older list is taken over with a warning for each listener, and the same or a newer one without"


def check_long_list(bench):
    """A list behind a long text counts, as `openssl crl -text` writes it; a file that is too long is refused, never cut."""
    path = bench.folder / "long.crl"
    comment = "# a comment, as long as a line\n" * 50_000
    revoked = bench.authority.issue("long-revoked")
    path.write_text(comment + bench.authority.revoke(revoked[0]).read_text(encoding="ascii"), encoding="ascii")
    with both_listeners(bench, path, "required") as server:
        listener = Listener(bench, server, "public")
        expect(listener.ask(bench.client, "TLSv1.3") == 201, "a good client is refused")
        expect("REVOKED" in str(listener.ask(revoked, "TLSv1.3")), "a list behind a long text does not count")
        path.write_text(comment * 11 + path.read_text(encoding="ascii"), encoding="ascii")
        server.signal(signal.SIGHUP)
        wait_until(lambda: "stay in use" in server.log_text(), lambda: server.log_text(), 10)
        expect("it has more than 16777216 bytes" in server.log_text(), server.log_text())
        expect("REVOKED" in str(listener.ask(revoked, "TLSv1.3")), "those of before are not in use")
    return "a list of 1.5 MB counts, and one of more than 16 MiB is refused"


def check_names(bench):
    """A client of another CA: the log names the setting of the listener that it came to."""
    stranger = Authority(bench.folder / "named", "Named CA").issue("stranger")
    for name in LISTENERS:
        # One line a minute: each has a server of its own.
        with both_listeners(bench, bench.authority.revoke(), "required") as server:
            Listener(bench, server, name).ask(stranger, "TLSv1.3")
            wanted = "from no CA of " + ("" if name == "public" else "admin-") + "tls-client-ca"
            wait_until(lambda: wanted in server.log_text(), lambda: f"{name}: {server.log_text()}", 5)  # noqa: B023
    return f"on {len(LISTENERS)} listeners the log names the setting to look at"
