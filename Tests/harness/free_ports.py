#!/usr/bin/env python3
"""Prints ports of 127.0.0.1 that were free a moment ago, for programs that cannot choose one themselves.

    Tests/harness/free_ports.py 2
"""
import socket
import sys


def free_ports(count):
    """Different ones, as all are held until the last is known."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [opened.getsockname()[1] for opened in sockets]
    finally:
        for opened in sockets:
            opened.close()


if __name__ == "__main__":
    print(*free_ports(int(sys.argv[1])))
