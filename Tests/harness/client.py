"""Clients: one that keeps its connection and sends any bytes, and one request of http.client."""
import http.client
import re
import socket

from checks import expect

LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)", re.IGNORECASE)
WITHOUT_BODY = (100, 204, 304)
IP_BIND_ADDRESS_NO_PORT = 24


class Answer:
    """One HTTP answer: its status, its head as it came, and its body."""

    def __init__(self, head, body):
        self.status, self.head, self.body = int(head[9:12]), head, body

    @property
    def headers(self):
        """Names in lower case. Of a name that comes twice the last value counts."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}

    @property
    def closes(self):
        """True where the server says that it closes the connection behind this answer."""
        return self.headers.get("connection", "").lower() == "close"

    def __repr__(self):
        return repr(self.head + self.body)


class Client:
    """One connection that is kept. The bytes are the caller's, so they may be wrong, slow, or several requests.

    `source` is the address that it comes from, in 127.0.0.0/8: with several of them no address runs out of ports.
    `received` holds what has come and is not part of an answer yet.
    """

    def __init__(self, port, source=None, timeout=20):
        self.received = b""
        self.socket = socket.socket()
        try:
            self.socket.settimeout(timeout)
            if source:
                self.socket.setsockopt(socket.SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                self.socket.bind((source, 0))
            self.socket.connect(("127.0.0.1", port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def fileno(self):
        """For select."""
        return self.socket.fileno()

    def ask(self, data):
        """Sends the bytes of a request and returns its Answer. Raises OSError where the server is gone."""
        self.send(data)
        return self.read()

    def send(self, data):
        self.socket.sendall(data)

    def push(self, data):
        """Of a socket that does not block: sends what the kernel takes, and returns how many bytes that were. Others, with
        TLS, keep the rest of a record for the next push, which then returns 0."""
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0

    def finish_sending(self):
        """The server hears the end; answers can still come."""
        self.socket.shutdown(socket.SHUT_WR)

    def receive(self):
        """What comes next; nothing at the end."""
        return self.socket.recv(1 << 18)

    def read(self):
        """The next Answer. Raises ConnectionError where the connection ends before the answer's last byte."""
        while (end := self.received.find(b"\r\n\r\n")) < 0:
            self._receive()
        start, found = end + 4, LENGTH.search(self.received, 0, end + 2)
        expect(found or int(self.received[9:12]) in WITHOUT_BODY, f"an answer has no length: {self.received[:start]!r}")
        length = start + int(found[1]) if found else start
        while len(self.received) < length:
            self._receive()
        answer = Answer(self.received[:start], self.received[start:length])
        self.received = self.received[length:]
        return answer

    def _receive(self):
        data = self.receive()
        if not data:
            raise ConnectionError(f"the connection ended after {self.received[-200:]!r}")
        self.received += data


def request(port, method, path, body=None, fields=None, timeout=5, tls=None):
    """One request on a connection of its own: (status, text). Raises OSError where nobody answers. `tls` is the context of
    a client that speaks TLS."""
    if tls:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=tls)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, fields or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def get(port, path, timeout=5):
    """(status, text) of a GET on a connection of its own."""
    return request(port, "GET", path, timeout=timeout)


def connects(port):
    """True where somebody takes the connection."""
    try:
        Client(port, timeout=1).close()
        return True
    except OSError:
        return False
