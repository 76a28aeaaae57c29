"""PostgreSQL's protocol, version 3, as far as tests need it: its messages, and a client of simple queries.

The client is for servers that ask for no password. A value is text; NULL is None.
"""
import socket
import struct

PROTOCOL = 196608
SSL, GSS, CANCEL = 80877103, 80877104, 80877102
STARTING = {SSL, GSS, CANCEL, PROTOCOL}
MESSAGE_BYTES_MAX = 1 << 26


class QueryError(Exception):
    """What the server says to a statement."""

    def __init__(self, fields):
        self.code, self.text = fields.get("C", ""), fields.get("M", "")
        super().__init__(f"{self.code} {self.text}")


class Splitter:
    """Bytes of one direction in, whole messages out: (type, all its bytes). The first messages of a client have no
    type: b"". `limit` refuses lengths that cannot be."""

    def __init__(self, begins_without_type=False):
        self.rest, self.is_starting = b"", begins_without_type

    def take(self, data):
        self.rest += data
        found = []
        while len(self.rest) >= 5:
            head = 0 if self.is_starting else 1
            length = struct.unpack_from("!I", self.rest, head)[0]
            if not 4 <= length <= MESSAGE_BYTES_MAX:
                raise ValueError(f"a message of {length} bytes")
            if len(self.rest) < head + length:
                break
            whole, self.rest = self.rest[:head + length], self.rest[head + length:]
            found.append((whole[:head], whole))
            if self.is_starting and struct.unpack_from("!I", whole, 4)[0] not in (SSL, GSS):
                self.is_starting = False
        return found


def fields(whole):
    """The fields of an ErrorResponse or a NoticeResponse."""
    return {part[:1].decode(): part[1:].decode(errors="replace") for part in whole[5:].split(b"\0") if part}


class Connection:
    """A blocking client, over TCP (host, port) or a UNIX socket (path)."""

    def __init__(self, address, user, database, timeout=10, options=""):
        kind = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket, self.splitter, self.notices = socket.socket(kind), Splitter(), []
        self.waiting = []
        try:
            self.socket.settimeout(timeout)
            self.socket.connect(address)
            words = ["user", user, "database", database, *(["options", options] if options else [])]
            body = struct.pack("!I", PROTOCOL) + b"".join(word.encode() + b"\0" for word in words) + b"\0"
            self.socket.sendall(struct.pack("!I", len(body) + 4) + body)
            self._until_ready()
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def query(self, text):
        """The rows of the last statement, as lists of texts. Raises QueryError; OSError where the server is gone."""
        self.start(text)
        return self.finish()

    def value(self, text):
        """The first value of the first row."""
        return self.query(text)[0][0]

    def start(self, text):
        body = text.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)

    def finish(self):
        return self._until_ready()

    def _until_ready(self):
        rows, error = [], None
        while True:
            for kind, whole in self._messages():
                if kind == b"D":
                    rows.append(row(whole))
                elif kind == b"T":
                    rows = []
                elif kind == b"E":
                    error = QueryError(fields(whole))
                elif kind == b"N":
                    self.notices.append(fields(whole))
                elif kind == b"R" and struct.unpack_from("!I", whole, 5)[0]:
                    raise ConnectionError("the server asks for a password")
                elif kind == b"Z":
                    if error:
                        raise error
                    return rows
            if error and error.code[:2] in ("28", "3D", "57", "53"):
                raise error

    def _messages(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the server closed the connection")
        return self.splitter.take(data)


def row(whole):
    count, at, values = struct.unpack_from("!H", whole, 5)[0], 7, []
    for _ in range(count):
        length = struct.unpack_from("!i", whole, at)[0]
        at += 4
        values.append(None if length < 0 else whole[at:at + length].decode(errors="replace"))
        at += max(length, 0)
    return values
