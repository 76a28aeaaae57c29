#!/usr/bin/env python3
"""Does the installed unit do under a real systemd what it promises?

    Tests/service/boot_systemd.sh INSTALLED Tests/service/unit_test.py

Runs as root where systemd was booted for it, and changes that machine. Every check prints one line; ends with 1 if one fails.
"""
import concurrent.futures
import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from harness import Failure, expect, get, wait_until  # noqa: E402
from manager import Stopped  # noqa: E402
from installed import (ADMIN, CONF, HTTP, SOCKETS, STATE, UNIT, WATCHDOG, Bank, drop_in, journal, run, show,  # noqa: E402
                       systemctl, thread, tokens)


def check_start():
    run("/usr/bin/obie-tokens", "keys", "create", "/etc/obie-tokens/keys")
    systemctl("start", UNIT)
    expect(get(ADMIN, "/readyz", timeout=10)[0] == 200, "systemctl start returned, and it is not ready")
    text = show("StatusText")
    expect(text.startswith("serving on http://127.0.0.1:8080"), f"its status is {text!r}")
    pid = show("MainPID")
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = file.read()
    user = re.search(r"Uid:\s+(\d+)", status)[1]
    expect(user == str(os.stat(f"{STATE}/").st_uid) != "0", f"it runs as the user {user}")
    for line in ("CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
        expect(line in status, f"no {line!r} in {status}")
    return f"started with keys from a credential, as user {user}; '{text}'"


def check_commands():
    bank = Bank(1)
    bank.exchange()
    user = os.stat(f"{STATE}/").st_uid
    others = [name for name in os.listdir(STATE) if os.stat(f"{STATE}/{name}").st_uid != user]
    expect(not others, f"root's commands left files that the service cannot use: {others}")
    tokens("psp", "disable", bank.provider)
    tokens("psp", "enable", bank.provider)
    bank.exchange()
    systemctl("restart", UNIT)
    Bank(2).exchange()
    bank.exchange()
    return f"root registers who exists while it serves, and after a restart; all {len(os.listdir(STATE))} files stay the user's"


def check_reload():
    with open(CONF, "a", encoding="ascii") as file:
        file.write("\nidle-timeout = 30\n")
    pid = show("MainPID")
    systemctl("reload", UNIT)
    wait_until(lambda: "reloaded: idle-timeout is 30 now" in journal(), lambda: f"not reloaded: {journal()}", 5)
    expect((show("ActiveState"), show("MainPID")) == ("active", pid), "a reload ended it")
    return "systemctl reload takes a setting over"


def check_watchdog():
    drop_in(f"WatchdogSec={WATCHDOG}s\nRestartSec=100ms")
    systemctl("restart", UNIT)
    pid = int(show("MainPID"))
    time.sleep(2 * WATCHDOG)
    expect(int(show("MainPID")) == pid, f"killed although it was well: {journal()}")
    took = []
    for name in ("loop 0", "store writer"):
        began = time.monotonic()
        with Stopped(thread(pid, name)) as stopped:
            wait_until(stopped.has_ended, lambda: f"it lives with {name} standing still: {journal()}", 5 * WATCHDOG)
        took.append(time.monotonic() - began)
        wait_until(lambda: show("ActiveState") == "active" and show("MainPID") not in ("0", str(pid)),
                   lambda: f"not started again: {show('ActiveState')} {journal()}", 10)
        pid = int(show("MainPID"))
        wait_until(lambda: ready() == 200, "not ready after the restart", 5)
    expect(int(show("NRestarts")) == 2, f"{show('NRestarts')} restarts")
    return (f"with WatchdogSec={WATCHDOG}s systemd kills it {took[0]:.1f} s after a loop has stopped, "
            f"{took[1]:.1f} s after the writer has, and starts it again")


def check_retries():
    """Its address is taken for longer than systemd's patience lasts by itself: five tries in ten seconds."""
    systemctl("stop", UNIT)
    with socket.create_server(("127.0.0.1", HTTP)):
        began = time.monotonic()
        subprocess.run(["systemctl", "start", UNIT], capture_output=True)
        wait_until(lambda: int(show("NRestarts")) > 0, lambda: f"not tried again: {show('ActiveState')} {journal()}", 30)
        took = time.monotonic() - began
        expect(took > 8, f"tried again after {took:.1f} s, though nothing can have changed")
        drop_in(f"WatchdogSec={WATCHDOG}s\nRestartSec=100ms\nExecStopPost=")
        wait_until(lambda: int(show("NRestarts")) > 8, lambda: f"it was given up: {show('ActiveState')} {journal()}", 40)
        tries = int(show("NRestarts")) + 1
    wait_until(lambda: ready() == 200, lambda: f"the address is free, and it does not serve: {journal()}", 10)
    drop_in(f"WatchdogSec={WATCHDOG}s\nRestartSec=100ms")
    return f"with its address taken it is tried again {took:.1f} s later, and after {tries} tries it serves: it never gives up"


def ready():
    try:
        return get(ADMIN, "/readyz", timeout=10)[0]
    except OSError:
        return 0


def check_drain():
    """Longer than the watchdog's interval: it must hear of it until the end."""
    with socket.create_connection(("127.0.0.1", HTTP)) as client:
        client.sendall(b"POST /v1/obie/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{")
        time.sleep(0.2)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            stopping = pool.submit(systemctl, "stop", UNIT)
            time.sleep(2.5 * WATCHDOG)
            expect(not stopping.done(), "it did not wait for a request under way")
            client.sendall(b"}")
            client.settimeout(5)
            expect(client.recv(4096).startswith(b"HTTP/1.1 401"), "the request under way was not answered")
            stopping.result(10)
    expect((show("Result"), show("ExecMainStatus")) == ("success", "0"), f"{show('Result')}: {journal()}")
    return f"systemctl stop waits for a request under way, longer than the watchdog's {WATCHDOG} s, and ends with success"


def check_activation():
    systemctl("start", *SOCKETS)
    expect(show("ActiveState") == "inactive", "started without a client")
    expect(get(HTTP, "/healthz", timeout=10)[0] == 200, "the first client was not served")
    expect(ready() == 200, "the admin socket is not served")
    listening = subprocess.run(["systemctl", "list-sockets", "--no-legend", "--no-pager"], text=True, capture_output=True).stdout
    expect("127.0.0.1:8080" in listening and "127.0.0.1:9090" in listening, listening)
    answered, failed = restart_under_load(3)
    expect(failed == 0 and answered > 100, f"{failed} of {answered + failed} requests failed during restarts")
    pid = show("MainPID")
    systemctl("stop", *SOCKETS, UNIT)
    return f"the first client starts it ({pid}); 3 restarts under load: {answered} requests, each on a new connection, none failed"


def restart_under_load(restarts):
    def restart():
        for _ in range(restarts):
            time.sleep(0.5)
            systemctl("restart", UNIT)

    return under_load(restart)


def under_load(action):
    """Requests one after the other from eight clients while it is done; how many were answered, how many not."""
    counts, is_over = [0, 0], False

    def client():
        while not is_over:
            try:
                counts[get(HTTP, "/healthz", timeout=10)[0] != 200] += 1
            except OSError:
                counts[1] += 1

    with concurrent.futures.ThreadPoolExecutor() as pool:
        clients = [pool.submit(client) for _ in range(8)]
        try:
            action()
            time.sleep(0.5)
        finally:
            is_over = True
        for done in clients:
            done.result()
    return counts


def check_misuse():
    """What is wrong with the unit is said in its journal, and not tried again and again."""
    os.rename("/etc/obie-tokens/keys", "/etc/obie-tokens/away")
    subprocess.run(["systemctl", "start", UNIT], capture_output=True)
    expect(show("ExecMainStatus") == "243", f"without keys: status {show('ExecMainStatus')}")
    systemctl("stop", UNIT)
    os.rename("/etc/obie-tokens/away", "/etc/obie-tokens/keys")
    folder = f"/run/systemd/system/{SOCKETS[0]}.d"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/trial.conf", "w", encoding="ascii") as file:
        file.write("[Socket]\nFileDescriptorName=web\n")
    systemctl("daemon-reload")
    systemctl("start", SOCKETS[0])
    subprocess.run(["systemctl", "start", UNIT], capture_output=True)
    wait_until(lambda: "FileDescriptorName=" in journal(), lambda: f"the journal does not say what to do: {journal()}", 5)
    status = show("ExecMainStatus")
    systemctl("stop", SOCKETS[0], UNIT)
    expect(status == "78", f"status {status}")
    return "a socket of the wrong name ends it with 78, and the journal says what to set"


def check_tls():
    """The sample drop-in: systemd hands over certificate and key, and new ones at a restart, which refuses nobody."""
    etc = Path("/etc/obie-tokens")
    shutil.rmtree(f"/run/systemd/system/{SOCKETS[0]}.d")
    run("install", "-D", str(ROOT / "Deploy/obie-tokens-tls.conf"), f"/etc/systemd/system/{UNIT}.d/tls.conf")
    systemctl("daemon-reload")
    for number in range(2):
        tokens("tls", "self-signed", "--certificate", f"{etc}/{number}.pem", "--key", f"{etc}/{number}.key")
        for end in ("pem", "key"):
            os.replace(etc / f"{number}.{end}", etc / f"tls.{end}")
        systemctl("restart", *([] if number else SOCKETS), UNIT)
        said = run("curl", "--silent", "--cacert", f"{etc}/tls.pem", f"https://localhost:{HTTP}/healthz")
        expect("ok" in said, f"over TLS it says {said!r}")
    user = os.stat(f"{STATE}/").st_uid
    expect((os.stat(etc / "tls.key").st_uid, oct(os.stat(etc / "tls.key").st_mode)[-3:]) == (0, "600"), "the key is not root's")
    return f"with the drop-in it serves https:// as user {user}, with a key that only root can read; a restart takes a new one"


CHECKS = {"start": check_start, "commands": check_commands, "reload": check_reload, "watchdog": check_watchdog,
          "retries": check_retries, "drain": check_drain, "activation": check_activation, "misuse": check_misuse, "tls": check_tls}


def main():
    with socket.socket() as control:  # the loopback of a new network namespace is down: SIOCSIFFLAGS, IFF_UP
        fcntl.ioctl(control, 0x8914, struct.pack("16sh", b"lo", 1))
    for name, check in CHECKS.items():
        try:
            print(f"systemd {name}: {check()}", flush=True)
        except (Failure, OSError, subprocess.SubprocessError) as failure:
            print(f"systemd {name}: FAILED {failure}", flush=True)
            return 1  # the checks build on each other
    return 0


if __name__ == "__main__":
    sys.exit(main())
