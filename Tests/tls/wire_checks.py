"""What comes over the wire: portions, silence, crowds, ends, floods."""
import re
import socket
import ssl
import subprocess
import time

from bench import GRANT, counted
from harness import Failure, came_true, expect, wait_until
from talk import in_portions


def check_splits(bench):
    with bench.server() as server:
        for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for size in (1, 2, 3, 5, 7, 64, 511):
                with bench.wire(server, newest=newest) as wire:
                    send = in_portions(wire, size)
                    wire.handshake(send)
                    expect(wire.ask(GRANT, send).status == 201, f"{newest} in portions of {size}")
            with bench.wire(server, newest=newest) as wire:
                wire.handshake()
                records = wire.seal(GRANT)
                for place in range(1, len(records)):
                    wire.socket.sendall(records[:place])
                    wire.socket.sendall(records[place:])
                    expect(wire.read_answer().status == 201, f"{newest} split at {place}")
                    records = wire.seal(GRANT)
    return "every portion reads the same"


def check_proxy(bench):
    """A PROXY header stands in front of the handshake, in one portion with it or in many; without one there is no TLS."""
    binary = bytes([13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, 0x21, 0x11, 0, 12, 198, 51, 100, 1, 10, 0, 0, 1, 1, 2, 3, 4])
    rows = [(b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 8080\r\n", "192.0.2.7"), (binary, "198.51.100.1")]
    with bench.server("--proxy-protocol", "--access-log") as server:
        for header, _ in rows:
            for size in (1, 10_000):
                with bench.wire(server) as wire:
                    wire.step()
                    in_portions(wire, size)(header + wire.pending())
                    wire.handshake()
                    for _ in range(2):  # it stands in front of the connection, and not of each request
                        expect(wire.ask(GRANT).status == 201, "a client behind a PROXY header was not served")
        peers = [peer for _, peer in rows for _ in range(4)]
        wait_until(lambda: re.findall(r'"answered".*"peer":"([^"]*)"', server.log_text()) == peers,
                   lambda: f"the access log has other peers than {peers}: {server.log_text()}", 5)
        try:
            with bench.wire(server) as wire:
                wire.handshake()
                raise Failure("a client without a PROXY header was served")
        except ConnectionError:
            pass
        expect(came_true(lambda: server.metrics()['obie_tokens_proxy_refused_total{reason="missing"}'] == 1, 5),
               "a missing PROXY header is not counted")
    with bench.server("--proxy-protocol", "--trusted-proxies", "10.0.0.0/8") as server, bench.wire(server) as wire:
        wire.socket.settimeout(5)  # at once, though it says nothing
        expect(wire.socket.recv(1) == b"", "a stranger's PROXY header is waited for")
    return "PROXY headers in front of the handshake, at once and byte by byte; without one nobody is served"


def check_silence(bench):
    with bench.server() as server:
        with bench.wire(server) as half, bench.wire(server) as nothing, bench.wire(server) as good:
            good.handshake()
            half.step()
            hello = half.pending()
            half.socket.sendall(hello[:len(hello) // 2])
            began = time.monotonic()
            for wire in (half, nothing):
                wire.socket.settimeout(15)
                try:
                    expect(wire.socket.recv(1) == b"", "a silent client got an answer")
                except ConnectionResetError:
                    pass
            took = time.monotonic() - began
            expect(9.5 < took < 13, f"a silent handshake ended after {took:.1f} s")
            expect(good.ask(GRANT).status == 201, "a good client was not served")
        expect(counted(server, "timeout") == 2, "handshakes that are late are not counted")
        under_way = server.metrics()["obie_tokens_tls_handshakes_under_way"]
        expect(under_way == 0, f"{under_way} handshakes are under way")
    return f"half a ClientHello, and nothing at all, end after {took:.1f} s"


CROWD = 1000


def check_crowd(bench):
    """More who say nothing, or half of a ClientHello, or no more than that, than may wait; others still come in."""
    times = []
    for share, most in ((0, 6), (0.5, 6), (1, 10)):
        with bench.server() as server:
            with bench.wire(server) as example:
                example.step()
                hello = example.pending()
            crowd = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(CROWD)]
            for client in crowd:
                client.sendall(hello[:int(len(hello) * share)])
            began = time.monotonic()
            with bench.wire(server) as wire:
                wire.handshake()
                times.append(time.monotonic() - began)
                expect(wire.ask(GRANT).status == 201, "a good client was not served")
            expect(times[-1] < most, f"behind a crowd that says {share} of a ClientHello a handshake takes {times[-1]:.1f} s")
            for client in crowd:
                client.close()
            wait_until(lambda: server.metrics()["obie_tokens_tls_handshakes_under_way"] == 0, "the crowd stays", 15)  # noqa: B023
    nothing, half, whole = times
    return (f"behind {CROWD} that say nothing a handshake takes {nothing:.1f} s, behind as many that say half of a ClientHello "
            f"{half:.1f} s, behind those that say one and no more {whole:.1f} s")


def check_truncation(bench):
    with bench.server() as server:
        with bench.wire(server) as wire:
            wire.handshake()
            wire.socket.sendall(wire.seal(GRANT[:-1]))
            wire.socket.shutdown(socket.SHUT_WR)
            wire.socket.settimeout(5)
            while wire.socket.recv(65536):
                pass
        metrics = server.metrics()
        expect(metrics["obie_tokens_tls_truncated_total"] == 1, "an end without close_notify is not counted")
        expect(metrics['obie_tokens_tokens_issued_total{kind="ccg"}'] == 0, "half a request was done")
        with bench.wire(server) as wire:
            wire.handshake()
            records = bytearray(wire.seal(GRANT))
            records[-1] ^= 1
            wire.socket.sendall(records)
            try:
                wire.read_answer()
                raise Failure("a forged record was taken")
            except (ssl.SSLError, ConnectionError):
                pass
        metrics = server.metrics()
        expect(metrics['obie_tokens_tokens_issued_total{kind="ccg"}'] == 0, "a forged request was done")
        expect(came_true(lambda: counted(server, "malformed") == 1, 5), "a forged record is not counted")
    return "half a request, and a forged one, do nothing and are counted"


def check_flood(bench):
    """openssl updates its keys, and asks for the server's, as often as it is told to."""
    with bench.server() as server:
        words = ["-quiet", "-no_ign_eof", "-tls1_3", "-connect", f"127.0.0.1:{server.port}"]
        client = subprocess.Popen(["openssl", "s_client", *words],
                                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        updates = 0
        try:
            while client.poll() is None and updates < 20_000:
                client.stdin.write(b"K\n")
                client.stdin.flush()
                updates += 1
                time.sleep(0.0005)
        except BrokenPipeError:
            pass
        finally:
            client.kill()
            client.wait()
        expect(came_true(lambda: counted(server, "flood") == 1, 5), f"{updates} updates of keys did not end the connection")
    return f"ended after {updates} lines or fewer"


def check_first_request(bench):
    """The first request of a client with Nagle's algorithm waits until the handshake is acknowledged: at once."""
    took = []
    with bench.server() as server:
        for _ in range(5):
            with bench.wire(server, newest=ssl.TLSVersion.TLSv1_3) as wire:
                wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
                wire.handshake()
                began = time.monotonic()
                expect(wire.ask(GRANT).status == 201, "the first request is refused")
                took.append(time.monotonic() - began)
    # A delayed acknowledgement comes after 40 ms.
    expect(min(took) < 0.03, f"the first answer took at least {min(took) * 1000:.0f} ms")
    return f"the first answer came after {min(took) * 1000:.1f} ms"
