"""The server under abuse, and a client that behaves: what the checks measure with."""
import json
import os
import re
import resource
import socket
import subprocess
import time

KIB = 1024
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
FIELDS = ("Host: 127.0.0.1\r\nAuthorization: Basic YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk\r\n"
          "fi_reference_id: PSDGB-FCA-111111\r\nversion: 1.0\r\nccg_token: good-access-token\r\n"
          "Content-Type: application/json\r\n")
LENGTH = re.compile(rb"\r\nContent-Length: (\d+)")
CODE = re.compile(rb'"code":"([0-9a-f]{32})"')

def post(path, body):
    text = json.dumps(body)
    return f"POST {path} HTTP/1.1\r\n{FIELDS}Content-Length: {len(text)}\r\n\r\n{text}".encode()


GRANT = post("/v1/obie/tokens", {"grant_type": "client_credentials"})
MAKE_CODE = post("/v1/obie/authorization_codes", {
    "consent_id": "consent-1", "psu_account_id": "account-1", "scope": "accounts",
    "redirect_uri": "https://www.google.com"})
HEAD = f"POST /v1/obie/tokens HTTP/1.1\r\n{FIELDS}".encode()


def exchange(code):
    return post("/v1/obie/tokens", {"redirect_uri": "https://www.google.com", "auth_code": code})


PAGE_REQUEST = b"GET /errors HTTP/1.1\r\nHost: a\r\n\r\n"
UNKNOWN_CODE = exchange("0" * 32)


class Failure(Exception):
    """A bound was exceeded, or an answer is not what it must be."""


def expect(condition, text):
    if not condition:
        raise Failure(text)


class Server:
    """`with Server(program) as server:` runs it on free ports with one loop, and ends it in any event."""

    def __init__(self, program, files=None):
        self.program, self.files = program, files

    def __enter__(self):
        def limit():
            if self.files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (self.files, self.files))
        self.process = subprocess.Popen(
            [self.program, "serve", "--store", "memory", "--no-throttle", "--loops", "1", "--listen", "127.0.0.1:0", "--admin-listen",
             "127.0.0.1:0"], stderr=subprocess.PIPE, preexec_fn=limit)
        for line in self.process.stderr:
            if found := re.search(rb"listening on http://127.0.0.1:(\d+)", line):
                self.port = int(found[1])
                return self
        raise Failure("the server did not start")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure("the server did not end within 10 s of SIGTERM") from None
        finally:
            self.process.stderr.close()
        expect(self.process.returncode == 0, f"the server ended with {self.process.returncode}")

    def resident(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * PAGE

    def resident_peak(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * KIB

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def connect(self, number=0):
        """A connection from one of several addresses, so that no address runs out of ports."""
        client = socket.socket()
        client.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        client.bind((f"127.0.0.{2 + number % 8}", 0))
        client.settimeout(20)
        client.connect(("127.0.0.1", self.port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client


def read_answer(client, got=b""):
    """(status, head and body) of one answer. Raises where the connection ends before its last byte."""
    while (end := got.find(b"\r\n\r\n")) < 0:
        got += receive(client, got)
    length = end + 4 + int(LENGTH.search(got, 0, end + 2)[1])
    while len(got) < length:
        got += receive(client, got)
    return int(got[9:12]), got


def receive(client, got):
    data = client.recv(1 << 18)
    expect(data, f"the connection ended after {got[-200:]!r}")
    return data


def exchanges(server, seconds):
    """Milliseconds of each request of a good client, sorted: codes are made and exchanged, one after the other."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        with server.connect() as client:  # again, long before the last request that a connection may have
            for _ in range(1000):
                began = time.monotonic()
                client.sendall(MAKE_CODE)
                status, answer = read_answer(client)
                made = time.monotonic()
                expect(status == 201, f"asked for a code, got {status}")
                client.sendall(exchange(CODE.search(answer)[1].decode()))
                status, _ = read_answer(client)
                expect(status == 201, f"exchanged a code, got {status}")
                took += [1000 * (made - began), 1000 * (time.monotonic() - made)]
    return sorted(took)


def asks(server, request, expected, seconds):
    """Milliseconds of each of the same request, sorted: nothing is stored for it."""
    took, end = [], time.monotonic() + seconds
    with server.connect() as client:
        while (now := time.monotonic()) < end:
            client.sendall(request)
            expect(read_answer(client)[0] == expected, "a good client was not served")
            took.append(1000 * (time.monotonic() - now))
    return sorted(took)


def p99(sorted_figures):
    return sorted_figures[len(sorted_figures) * 99 // 100]


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
