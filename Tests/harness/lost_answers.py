"""A relay between client and server that loses answers: the server has sent its 201, and the client never sees it.

    with Relay(server.port) as relay:
        relay.lose(1, "close")     # the next answer to an exchange: the connection is closed, or reset, instead
        ...
        relay.exchanges            # of each exchange that arrived: on which connection, and as which of its requests
        relay.ended_by             # who closed idle connections first: "client" or "server"

It listens on 127.0.0.1 and has a thread for each connection.
"""
import re
import select
import socket
import struct
import threading

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
RESET = struct.pack("ii", 1, 0)
SECONDS, IDLE_SECONDS = 20, 120


class Relay:
    def __init__(self, port):
        self.upstream, self.exchanges, self.connections = ("127.0.0.1", port), [], 0
        self.ended_by = []
        self._to_lose, self._how, self._lock = 0, "close", threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def lose(self, count, how):
        """Of the next exchanges of a code that many answers. Forgets which came before."""
        with self._lock:
            self._to_lose, self._how, self.exchanges = count, how, []

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client, self.connections), daemon=True).start()

    def _serve(self, client, number):
        client.settimeout(SECONDS)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with client, socket.create_connection(self.upstream, timeout=SECONDS) as server:
                self._pass_on(client, server, number)
        except OSError:
            pass

    def _pass_on(self, client, server, number):
        waiting, served = {client: b"", server: b""}, 0
        while self._is_asked(client, server, waiting) and (request := whole(client, waiting)):
            served += 1
            server.sendall(request)
            answer = whole(server, waiting)
            if b'"auth_code"' in request and self._takes(number, served):
                if self._how == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                return
            if not answer:
                return
            client.sendall(answer)

    def _is_asked(self, client, server, waiting):
        """Waits for the next request. Where one of them ends the idle connection instead, writes down who did."""
        if waiting[client]:
            return True
        ready, _, _ = select.select([client, server], [], [], IDLE_SECONDS)
        try:
            if client in ready and client.recv(1, socket.MSG_PEEK):
                return True
        except ConnectionError:
            pass  # so it ends, too
        self.ended_by += ["client" if client in ready else "server"] if ready else []
        return False

    def _takes(self, number, served):
        with self._lock:
            self.exchanges.append((number, served))
            self._to_lose -= 1
            return self._to_lose >= 0


def whole(peer, waiting):
    """The next message of that peer, with its body; empty where the connection ends before that."""
    data = waiting[peer]
    while True:
        end = data.find(b"\r\n\r\n") + 4
        if end >= 4:
            found = LENGTH.search(data, 0, end)
            end += int(found[1]) if found else 0
            if len(data) >= end:
                waiting[peer] = data[end:]
                return data[:end]
        more = peer.recv(1 << 16)
        if not more:
            return b""
        data += more
