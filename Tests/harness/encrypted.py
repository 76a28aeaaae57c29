"""TLS for the tests: a certificate for servers, and a client whose bytes on the wire are the test's.

The client is Python's ssl over memory, with a plain socket beside it.
"""
import ssl

from authority import Authority
from client import Client


def context(authority, certificate=None, newest=None):
    """What a client trusts and shows. `certificate` is (certificate, key)."""
    made = ssl.create_default_context(cafile=str(authority))
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if newest:
        made.maximum_version = newest
    if certificate:
        made.load_cert_chain(*map(str, certificate))
    return made


class Encryption:
    """A CA of its own, the certificate of a server, and clients that trust it."""

    def __init__(self, folder):
        self.authority = Authority(folder)
        self.certificate, self.key = self.authority.issue("server", "serverAuth")
        self.context = context(self.authority.certificate)

    @property
    def flags(self):
        return ["--tls-certificate", str(self.certificate), "--tls-key", str(self.key)]


class EncryptedClient(Client):
    """A Client that speaks TLS. What TLS wants to send waits in `pending()` until it is sent.

    Without `awaited` the handshake has not begun: the test takes its steps.
    """

    def __init__(self, made, port, source=None, timeout=20, awaited=True):
        super().__init__(port, source, timeout)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = made.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
        self._unsent = b""
        if awaited:
            try:
                self.handshake()
            except BaseException:
                self.close()
                raise

    def step(self):
        """True once the handshake is over."""
        try:
            self.tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False

    def pending(self):
        return self._outgoing.read()

    def feed(self):
        """Takes what the server has sent; False at its end."""
        data = self.socket.recv(1 << 18)
        if data:
            self._incoming.write(data)
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
        if data:
            self.tls.write(data)
        return self.pending()

    def send(self, data):
        self.socket.sendall(self.seal(data))

    def push(self, data):
        if not self._unsent:
            self._unsent = self.seal(data)
        elif data:
            data = b""
        try:
            self._unsent = self._unsent[self.socket.send(self._unsent):]
        except BlockingIOError:
            pass
        return len(data)

    def finish_sending(self):
        """Says close_notify; the socket stays as it is (RFC 8446 §6.1)."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass  # the server has not said it yet
        self.socket.sendall(self.pending())

    def receive(self):
        """The next plain bytes; none at the end, which has to be close_notify and the end of the connection. Raises
        ssl.SSLError where the server has sent an alert."""
        while True:
            try:
                data = self.tls.read(1 << 18)
            except ssl.SSLWantReadError:
                if not self.feed():
                    raise ConnectionError("the connection ended without close_notify") from None
                continue
            except ssl.SSLZeroReturnError:
                data = b""
            if not data and self.socket.recv(1):
                raise ConnectionError("something follows close_notify")
            return data
