"""What no library of TLS sends: floods of what is no data, alerts amid a request, chains without end, half a gigabyte.

Each check looks at three things: the connection ends as Limits says, the server's memory stays where it was, and another
client is served meanwhile. Without tlslite-ng (requirements.txt) they are left out.
"""
import ssl
import time

from authority import make_key, openssl
from bench import GRANT, counted
from harness import Failure, came_true, expect, sandbox, wait_until

try:
    from raw_client import RawClient
    from tlslite.constants import AlertDescription, AlertLevel, KeyUpdateMessageType
except ImportError:
    RawClient = None

TLS12, TLS13 = (3, 3), (3, 4)
MIB = 1 << 20
MEMORY_MAX = 8 * MIB
# None of these may stand in the log.
SECRETS = [sandbox.CCG_TOKEN, sandbox.basic(sandbox.CLIENT, sandbox.PASSWORD).split()[1]]


def left_out(check):
    """The check, or the reason why it cannot be made."""
    def made(bench):
        return check(bench) if RawClient else "left out: tlslite-ng is not installed (requirements.txt)"
    return made


def watched(server, bench):
    """The server's memory now, and a client that is to be served at the end."""
    wire = bench.wire(server).handshake()
    expect(wire.ask(GRANT).status == 201, "a good client was not served")
    return server.memory_peak(), wire


def unharmed(server, before, wire):
    expect(wire.ask(GRANT).status == 201, "another client was not served any more")
    grown = server.memory_peak() - before
    expect(grown < MEMORY_MAX, f"it took {grown / MIB:.1f} MiB")
    log = server.log_text()
    expect(not any(secret in log for secret in SECRETS), f"a secret stands in the log: {log}")
    wire.socket.close()


def talkative(bench, *more):
    return bench.server("--log-level", "debug", "--access-log", *more)


def slipped(client, step, count):
    """So many steps, each with a byte of a request behind it, all sent at once. Returns the bytes on the wire."""
    client.tap.hold()
    for place in range(count):
        step()
        client.send(GRANT[place % len(GRANT):][:1])
    return client.tap.release()


@left_out
def check_floods(bench):
    with talkative(bench) as server:
        before, wire = watched(server, bench)
        floods = 0
        for kind in (KeyUpdateMessageType.update_not_requested, KeyUpdateMessageType.update_requested):
            with RawClient(server.port, TLS13) as client:
                slipped(client, lambda: client.update_keys(kind), 100)  # noqa: B023
                expect(client.is_cut(), f"100 updates of keys ({kind}) with data between them did not end the connection")
            floods += 1
        with RawClient(server.port, TLS12) as client:
            slipped(client, client.send_hello, 200)
            expect(client.is_cut(), "200 attempts to renegotiate did not end the connection")
        floods += 1
        with RawClient(server.port, TLS13) as client:
            for _ in range(5):
                client.send_empty(padding=16_000)
            expect(client.is_cut(), "80 kB of padding did not end the connection")
        floods += 1
        expect(came_true(lambda: counted(server, "flood") == floods, 5), f"floods are not counted: {server.metrics()}")
        for version in (TLS12, TLS13):
            with RawClient(server.port, version) as client:
                client.tap.hold()
                for _ in range(500):
                    client.send_empty()
                client.tap.release()
                expect(client.is_cut(), f"500 empty records ({version}) did not end the connection")
        unharmed(server, before, wire)
    return "updates of keys, renegotiation, padding and empty records end, also with data between them"


@left_out
def check_pieces(bench):
    """What is unusual, and right."""
    with talkative(bench) as server:
        for version in (TLS12, TLS13):
            with RawClient(server.port, version) as client:
                client.send_pieces(GRANT, 1)
                expect(b" 201 " in client.read(), f"records of one byte ({version})")
                client.send_empty()
                client.send(GRANT)
                expect(b" 201 " in client.read(), f"behind an empty record ({version})")
        with RawClient(server.port, TLS13) as client:
            for _ in range(20):
                client.update_keys(KeyUpdateMessageType.update_not_requested)
                client.send(GRANT)
                expect(b" 201 " in client.read(), "behind an update of keys")
        with bench.wire(server) as wire:
            wire.handshake()
            code = sandbox.code_of(wire.ask(sandbox.make_code()))
            token = sandbox.token_of(wire.ask(sandbox.exchange(code)))
            expect(b'"active":true' in wire.ask(sandbox.introspect(token)).body, "the token is not alive")
        wait_until(lambda: server.log_text().count(sandbox.INTROSPECT) == 1, "the access log has no line", 5)
        log = server.log_text()
        expect(not any(secret in log for secret in (*SECRETS, code, token)), f"a secret stands in the log: {log}")
    return "records of one byte, empty ones, and 20 updates of keys are read; the log has no secret"


@left_out
def check_alerts(bench):
    """An alert amid a body: what has come of the request is not done."""
    with talkative(bench) as server:
        before, wire = watched(server, bench)
        issued = server.metrics()['obie_tokens_tokens_issued_total{kind="ccg"}']
        kinds = [(AlertLevel.fatal, AlertDescription.internal_error), (AlertLevel.warning, AlertDescription.close_notify),
                 (AlertLevel.fatal, AlertDescription.bad_record_mac)]
        for version in (TLS12, TLS13):
            for level, description in kinds:
                with RawClient(server.port, version) as client:
                    client.send(GRANT[:-1])
                    client.send_alert(level, description)
                    try:
                        client.send(GRANT[-1:])
                    except OSError:
                        pass
                    expect(client.is_cut(), f"alert {description} ({version}) amid a body did not end the connection")
        expect(came_true(lambda: counted(server, "alert") == 4, 5), f"alerts are not counted: {server.metrics()}")
        for version in (TLS12, TLS13):
            with RawClient(server.port, version) as client:
                client.tap.hold()
                for _ in range(300):
                    client.send_alert(AlertLevel.warning, AlertDescription.user_canceled)
                client.tap.release()
                expect(client.is_cut(), f"300 warnings ({version}) did not end the connection")
        expect(server.metrics()['obie_tokens_tokens_issued_total{kind="ccg"}'] == issued, "half a request was done")
        unharmed(server, before, wire)
    return "a fatal one and close_notify amid a body end it, and nothing half is done; a flood of warnings ends"


def check_volume(bench):
    """Half a gigabyte in one connection, in the largest bodies that are read."""
    with talkative(bench) as server:
        before, wire = watched(server, bench)
        filler = sandbox.post(sandbox.TOKENS, '{"grant_type":"client_credentials","x":"' + "x" * 65_000 + '"}')
        count = 512 * MIB // len(filler)
        began = time.monotonic()
        with bench.wire(server) as client:
            client.handshake()
            status = set()
            for number in range(count):
                status.add(client.ask(filler).status)
                if number % 500 == 0:
                    # It would be closed for being idle.
                    expect(wire.ask(GRANT).status == 201, "another client was not served meanwhile")
        took = time.monotonic() - began
        expect(status == {201}, f"it answered {status}")
        unharmed(server, before, wire)
    return f"{count} requests, {count * len(filler) / MIB:.0f} MiB in {took:.0f} s, in one connection"


def long_chain(folder, count, octets):
    """(certificates, key): a client's certificate, and others behind it that have nothing to do with it. One of them is
    as long as `octets` says."""
    key, chain = folder / f"chain-{count}-{octets}.key", folder / f"chain-{count}-{octets}.pem"
    make_key(key)
    config = folder / "chain.cnf"
    config.write_text("[req]\ndistinguished_name = name\nx509_extensions = more\n[name]\n[more]\n1.2.3.4 = ASN1:UTF8:"
                      + "x" * octets + "\n", encoding="ascii")
    long = openssl("req", "-x509", "-new", "-key", key, "-days", 30, "-subj", "/CN=long", "-config", config)
    short = openssl("req", "-x509", "-new", "-key", key, "-days", 30, "-subj", "/CN=short")
    chain.write_text(long + short * (count - 1), encoding="ascii")
    return chain, key


# Of how many certificates, and how long one of them is; then whether so much is read at all.
CHAINS = [((1, 1), True), ((6, 1), True), ((40, 1), True), ((1, 14_000), True), ((1, 17_000), False), ((60, 1), False),
          ((100, 1), False), ((1, 60_000), False), ((200, 1), False)]


def check_chains(bench):
    """Chains of clients: many certificates, and large ones. Each is refused, and costs little."""
    took, unread = [], 0
    with talkative(bench, "--tls-client-ca", bench.authority.certificate, "--tls-client-auth", "required") as server:
        before = server.memory_peak()
        for (count, octets), is_read in CHAINS:
            pair = long_chain(bench.folder, count, octets)
            for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                cpu = server.cpu_seconds()
                try:
                    with bench.wire(server, pair, newest=newest) as wire:
                        wire.handshake()
                        wire.ask(GRANT)
                    raise Failure(f"{count} certificates, one of {octets} bytes: the client was served")
                except (ssl.SSLError, ConnectionError):
                    took.append(server.cpu_seconds() - cpu)
                unread += not is_read
                expect(came_true(lambda: counted(server, "malformed") + counted(server, "flood") == unread, 5),  # noqa: B023
                       f"{count} certificates, one of {octets} bytes: read or not? {server.metrics()}")
        expect(counted(server, "certificate_untrusted") == len(took) - unread, f"others are not untrusted: {server.metrics()}")
        grown = server.memory_peak() - before
        expect(grown < MEMORY_MAX, f"it took {grown / MIB:.1f} MiB")
        with bench.wire(server, bench.client) as wire:
            wire.handshake()
            expect(wire.ask(GRANT).status == 201, "a good client was not served")
    return f"{len(took)} chains of up to 200 certificates or 60 kB refused, {1000 * max(took):.0f} ms at the most"
