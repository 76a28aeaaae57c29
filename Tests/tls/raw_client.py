"""A client of TLS that sends what no library would: tlslite-ng, record by record."""
import socket

from tlslite.api import HandshakeSettings, TLSConnection
from tlslite.constants import ContentType
from tlslite.messages import ApplicationData, ClientHello, Message


class Tap:
    """The socket under tlslite. Between hold() and release() what it sends is kept, and goes out as one."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.held = None

    def hold(self):
        self.held = bytearray()

    def release(self):
        """Sends what was kept, and returns how many bytes that were. The server may have closed meanwhile."""
        data, self.held = bytes(self.held), None
        try:
            self.socket.sendall(data)
        except ConnectionError:
            pass
        return len(data)

    def send(self, data):
        if self.held is None:
            return self.socket.send(data)
        self.held += data
        return len(data)

    def __getattr__(self, name):
        return getattr(self.socket, name)


class RawClient:
    """One connection after its handshake. `newest` is (3, 3) for TLS 1.2 and (3, 4) for 1.3."""

    def __init__(self, port, newest):
        self.tap = Tap(port)
        self.tls, settings = TLSConnection(self.tap), HandshakeSettings()
        settings.maxVersion, settings.cipherNames, settings.keyShares = newest, ["aes128gcm"], ["x25519"]
        self.tls.handshakeClientCert(settings=settings)
        # A server that closes is what is looked for.
        self.tls.ignoreAbruptClose = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tap.socket.close()

    def send(self, data):
        self.tls.write(data)

    def send_pieces(self, data, size):
        """In records of so many bytes."""
        for start in range(0, len(data), size):
            self._message(ApplicationData().create(bytearray(data[start:start + size])))

    def send_empty(self, padding=0):
        """A record with nothing in it; in TLS 1.3 with so many bytes of padding."""
        self.tls._recordLayer.padding_cb = (lambda *_: padding) if padding else None
        self._message(ApplicationData().create(bytearray()))
        self.tls._recordLayer.padding_cb = None

    def update_keys(self, kind):
        for _ in self.tls.send_keyupdate_request(kind):
            pass

    def send_alert(self, level, description):
        self._message(Message(ContentType.alert, bytearray([level, description])))

    def send_hello(self):
        """Begins another handshake within this one (renegotiation)."""
        hello = ClientHello().create((3, 3), bytearray(32), bytearray(0), [0xC02B, 0xC02F, 0x00FF])
        self._message(hello)

    def _message(self, message):
        for _ in self.tls._recordLayer.sendRecord(message):
            pass

    def read(self, count=65536):
        """Plain bytes; empty where the server has ended the connection. Raises tlslite's errors for alerts."""
        return bytes(self.tls.read(max=count, min=1))

    def is_cut(self, seconds=10):
        """True once the server has closed, whatever it says before."""
        self.tap.socket.settimeout(seconds)
        try:
            while self.tap.socket.recv(65536):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        return True
