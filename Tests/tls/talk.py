"""A client of TLS that takes the steps of its handshake one by one."""
from encrypted import EncryptedClient, context

__all__ = ["Wire", "context", "in_portions"]


class Wire(EncryptedClient):
    """One connection. What TLS wants to send waits in `pending()` until the test sends it."""

    def __init__(self, port, made):
        super().__init__(made, port, awaited=False)

    def read_answer(self):
        """The next Answer. Raises ConnectionError, or ssl.SSLError where the server has sent an alert."""
        return self.read()

    def ask(self, data, send=None):
        (send or self.socket.sendall)(self.seal(data))
        return self.read()


def in_portions(wire, size):
    """Sends so many bytes at a time."""
    def send(data):
        for start in range(0, len(data), size):
            wire.socket.sendall(data[start:start + size])
    return send
