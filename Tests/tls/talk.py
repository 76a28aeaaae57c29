"""A client of TLS whose bytes on the wire are the test's: Python's ssl over memory, and a plain socket beside it."""
import socket
import ssl

from harness import Answer
from client import LENGTH


def context(authority, certificate=None, newest=None):
    """What a client trusts and shows. `certificate` is (certificate, key)."""
    made = ssl.create_default_context(cafile=str(authority))
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if newest:
        made.maximum_version = newest
    if certificate:
        made.load_cert_chain(*map(str, certificate))
    return made


class Wire:
    """One connection. What TLS wants to send waits in `pending()` until the test sends it."""

    def __init__(self, port, made):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = made.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def step(self):
        """True once the handshake is over."""
        try:
            self.tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False

    def pending(self):
        return self.outgoing.read()

    def feed(self):
        """Takes what the server has sent; False at its end."""
        data = self.socket.recv(65536)
        if data:
            self.incoming.write(data)
        return bool(data)

    def handshake(self, send=None):
        """The whole of it. `send` sends bytes in another way than at once."""
        send = send or self.socket.sendall
        while True:
            is_over = self.step()
            if data := self.pending():
                send(data)
            if is_over:
                return self
            if not self.feed():
                raise ConnectionError("the server ended the handshake")

    def seal(self, data):
        """The records of these bytes."""
        self.tls.write(data)
        return self.pending()

    def read_answer(self):
        """The next Answer. Raises ConnectionError, or ssl.SSLError where the server has sent an alert."""
        received = b""
        while True:
            try:
                part = self.tls.read(65536)
                if not part:
                    raise ConnectionError("the server closed")
                received += part
            except ssl.SSLWantReadError:
                if not self.feed():
                    raise ConnectionError("the connection ended without close_notify") from None
            end = received.find(b"\r\n\r\n")
            found = LENGTH.search(received, 0, end + 2) if end >= 0 else None
            if found and len(received) >= end + 4 + int(found[1]):
                return Answer(received[:end + 4], received[end + 4:])

    def ask(self, data, send=None):
        (send or self.socket.sendall)(self.seal(data))
        return self.read_answer()


def in_portions(wire, size):
    """Sends so many bytes at a time."""
    def send(data):
        for start in range(0, len(data), size):
            wire.socket.sendall(data[start:start + size])
    return send
