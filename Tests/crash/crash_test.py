#!/usr/bin/env python3
"""Kills obie-tokens at random moments under load, and looks for what it had promised.

    Tests/crash/crash_test.py --server .build/release/obie-tokens --rounds 100 [--power-cut] [--seed N]

Each round: start on the same file, issue and exchange on many connections, SIGKILL. With --power-cut, whatever was
written since the last sync to disk is thrown away too. Then start again and check: every token whose 201 was received is
alive, no code that was exchanged can be exchanged again, every code that was received and not used still works. Ends
with 1 at the first promise broken. Traffic stays on 127.0.0.1; the seed is printed.
"""
import argparse
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = 16
HEAD = ("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk\r\n"
        "fi_reference_id: PSDGB-FCA-111111\r\nversion: 1.0\r\nccg_token: good-access-token\r\n"
        "Content-Type: {type}\r\nContent-Length: {length}\r\n\r\n")
CODE = re.compile(rb'"code":"([0-9a-f]{32})"')
TOKEN = re.compile(rb'"access_token":"([0-9a-f-]{36})"')


class Client:
    """One keep-alive connection, one request at a time."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, path, body, kind="application/json"):
        """(status, body). Raises OSError where the server is gone."""
        self.socket.sendall((HEAD.format(path=path, type=kind, length=len(body)) + body).encode())
        got = b""
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self._receive()
        length = int(re.search(rb"Content-Length: (\d+)", got)[1])
        while len(got) < end + 4 + length:
            got += self._receive()
        return int(got[9:12]), got[end + 4:]

    def _receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server is gone")
        return data

    def issue(self, number):
        status, body = self.ask("/v1/obie/authorization_codes", json.dumps({
            "consent_id": f"consent-{number}", "psu_account_id": "account", "scope": "accounts",
            "redirect_uri": "https://www.google.com"}))
        if status != 201:
            raise AssertionError(f"asked for a code, got {status} {body!r}")
        return CODE.search(body)[1].decode()

    def exchange(self, code):
        """(status, token)."""
        status, body = self.ask("/v1/obie/tokens", json.dumps({
            "redirect_uri": "https://www.google.com", "auth_code": code}))
        return status, (TOKEN.search(body)[1].decode() if status == 201 else None)

    def is_active(self, token):
        status, body = self.ask("/oauth2/introspect", f"token={token}", "application/x-www-form-urlencoded")
        if status != 200:
            raise AssertionError(f"introspected, got {status} {body!r}")
        return json.loads(body)["active"]


class Promises:
    """What the server has said, and what it had not answered when it was killed."""

    def __init__(self):
        self.lock = threading.Lock()
        self.fresh, self.spent, self.open = set(), {}, set()
        self.broken = []


def start(options, folder):
    """(process, port)."""
    environment = dict(os.environ)
    if options.power_cut:
        environment |= {"LD_PRELOAD": os.path.join(folder, "unsynced.so"), "UNSYNCED_MATCH": "store.db"}
    log = os.path.join(folder, "log")
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [options.server, "serve", "--no-throttle", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--loops", "2",
             "--code-lifetime", "3600", "--store", f"sqlite:{folder}/store.db"], stderr=output, env=environment)
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        with open(log, encoding="utf-8") as text:
            if found := re.search(r"listening on http://127.0.0.1:(\d+)", text.read()):
                return process, int(found[1])
        time.sleep(0.005)
    process.kill()
    with open(log, encoding="utf-8") as text:
        raise AssertionError(f"did not start: {text.read()}")


def load(port, promises, seed):
    """One client at full speed until the server is gone. Half of the codes are exchanged."""
    chance, number = random.Random(seed), seed
    try:
        client = Client(port)
        while True:
            number += 1
            code = client.issue(number)
            with promises.lock:
                promises.fresh.add(code)
            if chance.random() < 0.5:
                continue
            with promises.lock:
                code = chance.choice([code, promises.fresh.pop()]) if promises.fresh else code
                promises.fresh.discard(code)
                promises.open.add(code)
            status, token = client.exchange(code)
            if status != 201:
                raise AssertionError(f"exchanged a fresh code, got {status}")
            with promises.lock:
                promises.open.discard(code)
                promises.spent[code] = token
    except OSError:
        pass
    except AssertionError as broken:
        promises.broken.append(broken)


def cut_power(folder):
    """Undoes what was written since the last sync, last write first. Returns how many bytes that were."""
    lost = 0
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".undo"):
            continue
        path = os.path.join(folder, name)
        with open(path, "rb") as file:
            undo = file.read()
        records, at = [], 0
        while at < len(undo):
            offset, old_length, written, old_size = struct.unpack_from("=qqqq", undo, at)
            records.append((offset, undo[at + 32:at + 32 + old_length], written, old_size))
            at += 32 + old_length
        if os.path.exists(path[:-5]):
            with open(path[:-5], "r+b") as file:
                for offset, old, written, old_size in reversed(records):
                    file.seek(offset)
                    file.write(old)
                    file.truncate(old_size)
                    lost += written
        os.unlink(path)
    return lost


def check(port, promises):
    """Raises where a promise is broken; returns how many were looked at. Uses everything up."""
    for broken in promises.broken:
        raise broken
    client = Client(port)
    for token in promises.spent.values():
        if not client.is_active(token):
            raise AssertionError("a token whose 201 was received is gone")
    for code in promises.spent:
        if client.exchange(code)[0] != 403:
            raise AssertionError("a code was exchanged twice")
    for code in promises.fresh:
        if client.exchange(code)[0] != 201:
            raise AssertionError("a code that was never used does not work")
    won = 0
    for code in promises.open:
        status = client.exchange(code)[0]
        if status not in (201, 403):
            raise AssertionError(f"an unanswered exchange, tried again, got {status}")
        won += status == 201
    return len(promises.spent), len(promises.fresh), len(promises.open), won


def one_round(number, options, folder, chance):
    """Load, kill, check."""
    promises = Promises()
    process, port = start(options, folder)
    threads = [threading.Thread(target=load, args=(port, promises, number * 1_000_000 + i * 10_000))
               for i in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    time.sleep(chance.uniform(0.05, 0.6))
    process.send_signal(signal.SIGKILL)
    process.wait()
    for thread in threads:
        thread.join()
    lost = cut_power(folder) if options.power_cut else 0
    process, port = start(options, folder)
    try:
        spent, fresh, unanswered, won = check(port, promises)
    finally:
        process.kill()
        process.wait()
        if options.power_cut:
            cut_power(folder)
    print(f"round {number}: {spent} tokens alive, {fresh} unused codes good, {unanswered} unanswered ({won} had not "
          f"happened){f', {lost:,} unsynced bytes thrown away' if options.power_cut else ''}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--power-cut", action="store_true", help="throw away what was not synced, too")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    options.server = os.path.abspath(options.server)
    print(f"crash test: {options.rounds} rounds, seed {options.seed}"
          f"{', with power cuts' if options.power_cut else ''}", flush=True)
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="obie-tokens-crash-") as folder:
        if options.power_cut:
            subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", os.path.join(folder, "unsynced.so"),
                            os.path.join(HERE, "unsynced.c"), "-ldl", "-lpthread"], check=True)
        try:
            for number in range(1, options.rounds + 1):
                one_round(number, options, folder, chance)
        except AssertionError as broken:
            print(f"crash test: FAILED {broken}; again with --seed {options.seed}", file=sys.stderr)
            return 1
    print("crash test: every promise kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
