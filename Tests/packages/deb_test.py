#!/usr/bin/env python3
"""Does the Debian package do what it should, from its installation to its purge?

    BOOT_ROOT=ROOT Tests/service/boot_systemd.sh FOLDER Tests/packages/deb_test.py

ROOT has the packages that it depends on and no toolchain. FOLDER has /packages/before.deb and /packages/after.deb: one
program, and the version of the first is older. Runs as root where systemd was booted for it, and changes that machine.
Every check prints one line; ends with 1 if one fails.
"""
import concurrent.futures
import fcntl
import glob
import os
import shutil
import socket
import stat
import struct
import subprocess
import sys
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path[:0] = [str(ROOT / "Tests/harness"), str(ROOT / "Tests/service")]

from harness import Failure, expect, request, wait_until  # noqa: E402
from installed import CONF, HTTP, SOCKETS, STATE, UNIT, Bank, journal, run, show, systemctl  # noqa: E402
from unit_test import ready, restart_under_load, under_load  # noqa: E402

BEFORE, AFTER = "/packages/before.deb", "/packages/after.deb"
KEYS = "/etc/obie-tokens/keys"
SECONDS_MAX = 60
FORM = "application/x-www-form-urlencoded"
OURS = ["/usr/bin/obie-tokens", "/lib/systemd/system/obie-tokens.service", "/usr/share/man/man8/obie-tokens.8.gz",
        "/usr/share/doc/obie-tokens/obie-tokens.cdx.json", "/usr/share/doc/obie-tokens/NEWS.Debian.gz",
        "/usr/share/doc/obie-tokens/changelog.gz", "/usr/share/doc/obie-tokens/copyright"]
KEPT = [CONF, KEYS, f"{STATE}/obie-tokens.db", f"{STATE}/obie-tokens.db.registry", f"{STATE}/obie-tokens.db.audit"]


class World:
    """What the checks leave for each other."""
    bank, token = None, None


def dpkg(*arguments):
    return run("dpkg", *arguments)


def version():
    return run("dpkg-query", "--show", "--showformat", "${Version}", "obie-tokens")


def is_alive(token):
    status, text = request(HTTP, "POST", "/oauth2/introspect", f"token={token}",
                           {"Authorization": World.bank.authorization, "Content-Type": FORM}, timeout=10)
    expect(status == 200, f"introspection: {status} {text}")
    return '"active":true' in text


def expect_serving():
    wait_until(lambda: ready() == 200, lambda: f"it does not serve: {journal()}", 10)


def check_root():
    for name in ("swift", "clang", "cc", "make", "strip"):
        expect(shutil.which(name) is None, f"there is {shutil.which(name)}, and this is to be a root without a toolchain")
    expect(not glob.glob("/usr/lib/**/libuv.so", recursive=True), "the root has what only a compiler needs")
    return "no Swift, no compiler, no make"


def check_install():
    began = time.monotonic()
    dpkg("--install", BEFORE)
    expect_serving()
    World.bank = Bank(1)
    World.token = World.bank.exchange()
    took = time.monotonic() - began
    expect(is_alive(World.token), "the first token is not alive")
    expect(took <= SECONDS_MAX, f"from dpkg -i to a token it took {took:.1f} s")
    for unit in [UNIT, *SOCKETS]:
        expect(systemctl("is-enabled", unit).strip() == "enabled", f"{unit} is not enabled")
        expect(show("ActiveState", unit) == "active", f"{unit} is {show('ActiveState', unit)}")
    about = os.stat(KEYS)
    expect((stat.S_IMODE(about.st_mode), about.st_uid) == (0o600, 0), f"the keys have mode {about.st_mode:o} of {about.st_uid}")
    for path in OURS:
        expect(os.path.exists(path), f"{path} is missing")
    expect("obie-tokens" in run("bash", "-c", ". /usr/share/bash-completion/completions/obie-tokens; complete -p obie-tokens"),
           "bash completes nothing")
    return f"from dpkg -i to a token {took:.1f} s ({version()}); service and sockets run and are enabled; keys are root's"


def check_again():
    keys = Path(KEYS).read_bytes()
    dpkg("--install", BEFORE)
    expect_serving()
    expect(Path(KEYS).read_bytes() == keys and is_alive(World.token), "the same package once more changed its keys")
    return "the same package once more changes nothing"


def check_no_proc():
    """Swift takes the words of a command line from /proc: without it none may be taken for none, as in a bare chroot."""
    said = run("unshare", "--mount", "sh", "-c",
               "umount --lazy /proc; obie-tokens keys create /tmp/none 2>&1; echo ended with $?; test ! -e /tmp/none")
    expect("ended with 71" in said and "/proc" in said, f"without /proc a command says {said}")
    return "without /proc a command fails and says why, so an installation does, too"


def check_upgrade():
    with open(CONF, "a", encoding="ascii") as file:
        file.write("\nidle-timeout = 30\n")
    settings, old, pid = Path(CONF).read_bytes(), version(), show("MainPID")
    exchanged = []

    def upgrade():
        with concurrent.futures.ThreadPoolExecutor() as pool:
            time.sleep(0.5)
            upgrading = pool.submit(dpkg, "--install", AFTER)
            while not upgrading.done():
                exchanged.append(World.bank.exchange())
            upgrading.result()
        exchanged.append(World.bank.exchange())

    answered, failed = under_load(upgrade)
    expect(failed == 0 and answered > 100, f"{failed} of {answered + failed} requests failed during the upgrade")
    expect(show("MainPID") not in ("0", pid), "the upgrade left the old program running")
    expect(os.stat(f"/proc/{show('MainPID')}/exe").st_ino == os.stat("/usr/bin/obie-tokens").st_ino, "it runs another program")
    expect(Path(CONF).read_bytes() == settings, "the upgrade changed the settings")
    expect(all(map(is_alive, [World.token, *exchanged])), "a token was lost by the upgrade")
    return (f"from {old} to {version()} under load: {answered} requests, each on a new connection, and {len(exchanged)} "
            "exchanges, none failed; settings, keys and tokens are kept")


def check_restart():
    answered, failed = restart_under_load(3)
    expect(failed == 0 and answered > 100, f"{failed} of {answered + failed} requests failed during restarts")
    return f"3 restarts under load: {answered} requests, none failed"


def check_rotation():
    log = f"{STATE}/obie-tokens.db.audit"
    run("logrotate", "--force", "/etc/logrotate.d/obie-tokens")
    wait_until(lambda: os.path.exists(log), "there is no new audit log after the rotation", 5)
    World.bank.exchange()
    expect(os.stat(log).st_uid == os.stat(f"{log}.1").st_uid == os.stat(f"{STATE}/").st_uid, "the log belongs to another user")
    wait_until(lambda: os.path.getsize(log) > 500, "nothing is written into the new audit log", 5)
    run("obie-tokens", "audit", "verify", f"{log}.1", log)
    return "logrotate moves the audit log, the server goes on in a new one, and the chain holds across both"


def check_remove():
    dpkg("--remove", "obie-tokens")
    expect(not os.path.exists("/usr/bin/obie-tokens") and not os.path.exists(OURS[1]), "the program or its unit is still there")
    for port in (HTTP, 9090):
        with socket.socket() as client:
            expect(client.connect_ex(("127.0.0.1", port)) != 0, f"somebody listens on port {port}")
    for path in KEPT:
        expect(os.path.exists(path), f"the removal took {path}")
    dpkg("--install", AFTER)
    expect_serving()
    expect(is_alive(World.token), "a token did not outlive removal and installation")
    return "a removal ends it and keeps settings, keys and store; installed again, it knows its tokens"


def check_lost_keys():
    """Keys are never made anew for a store that is there."""
    dpkg("--remove", "obie-tokens")
    os.rename(KEYS, "/root/keys")
    done = subprocess.run(["dpkg", "--install", AFTER], text=True, capture_output=True, timeout=60, check=False)
    expect(not os.path.exists(KEYS), "it made new keys for an old store")
    os.rename("/root/keys", KEYS)
    dpkg("--configure", "--pending")
    systemctl("start", UNIT)
    expect(is_alive(World.token), "a token was lost with the keys away")
    return f"without its keys an old store gets no new ones (dpkg: {done.returncode}), and serves once they are back"


def check_purge():
    dpkg("--purge", "obie-tokens")
    found = run("find", "/", "-xdev", "-name", "*obie*", "-not", "-path", f"{ROOT}*", "-not", "-path", "/packages*").split()
    own = [path for path in found if not str(ROOT).startswith(path) and not path.startswith(("/var/log/", "/run/log/"))]
    expect(own == [], f"a purge leaves {own}")
    return "a purge leaves nothing of it"


CHECKS = {"root": check_root, "install": check_install, "again": check_again, "no proc": check_no_proc, "upgrade": check_upgrade,
          "restart": check_restart, "rotation": check_rotation, "remove": check_remove, "lost keys": check_lost_keys,
          "purge": check_purge}


def main():
    os.environ.update(PATH="/usr/sbin:/usr/bin:/sbin:/bin", DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8")
    with socket.socket() as control:  # the loopback of a new network namespace is down: SIOCSIFFLAGS, IFF_UP
        fcntl.ioctl(control, 0x8914, struct.pack("16sh", b"lo", 1))
    for name, check in CHECKS.items():
        try:
            print(f"package {name}: {check()}", flush=True)
        except (Failure, OSError, subprocess.SubprocessError) as failure:
            print(f"package {name}: FAILED {failure}", flush=True)
            return 1  # the checks build on each other
    return 0


if __name__ == "__main__":
    sys.exit(main())
