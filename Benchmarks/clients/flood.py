#!/usr/bin/env python3
"""A client that sends one request again and again over one connection, without waiting for answers, as fast as the
server takes them, until it is ended. The server ends a connection after a number of requests; then it makes another.

    flood.py PORT SECONDS

Prints how many answers a second came back. They are read and thrown away, so that the server never has to wait. It
gives way to others on its CPU: it is there to be in the way of the server, not of a client that is measured.
"""
import os
import select
import socket
import sys
import time

REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
AT_ONCE = 2048  # requests handed to the socket in one call, if it has room for them
READ_BYTES = 1 << 20
PRIORITY = 5


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.setblocking(False)
    return connection


def answer_bytes(port):
    """All answers are of one length."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        data = b""
        while part := connection.recv(READ_BYTES):
            data += part
    return len(data) - len(b"Connection: close\r\n")


def flood(port, seconds):
    """Answers that came back."""
    data, thrown_away, length = memoryview(REQUEST * AT_ONCE), bytearray(READ_BYTES), answer_bytes(port)
    connection, at, received, end = connect(port), 0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        readable, writable, _ = select.select([connection], [connection], [], 0.1)
        try:
            if readable:
                if not (count := connection.recv_into(thrown_away)):
                    raise ConnectionError
                received += count
            if writable:
                at = (at + connection.send(data[at:])) % len(data)
        except BlockingIOError:
            continue
        except ConnectionError:  # the server has ended it
            connection.close()
            connection, at = connect(port), 0
    connection.close()
    return received // length


if __name__ == "__main__":
    os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    print(f"{flood(int(sys.argv[1]), float(sys.argv[2])) / float(sys.argv[2]):.0f}")
