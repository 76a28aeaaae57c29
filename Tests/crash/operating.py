"""Somebody who runs commands beside a server under load: what a command has done when it ends with 0 is done for good."""
import hashlib
import json
import os
import subprocess
import threading

from harness import Failure, expect

STORE = "store.db"
PARTS = ("", ".registry", ".keys")


class Operator:
    """`work` in a thread, until `kill`; then `check`."""

    def __init__(self, program, folder, shim):
        self.program, self.folder = os.path.abspath(program), folder
        self.env = {"PATH": os.environ["PATH"], **shim.get("env", {})}
        self.shim = {"LD_PRELOAD": os.path.abspath(shim["preload"])} if shim else {}
        self.lock, self.running, self.is_over = threading.Lock(), None, False
        self.added, self.disabled, self.key, self.backups, self.broken = set(), set(), None, {}, None

    def command(self, *arguments, env):
        return subprocess.Popen([self.program, *arguments, "--store", f"sqlite:{STORE}"], cwd=self.folder, env=env,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def succeeds(self, *arguments):
        """Whether the command says that it is done; False also where it is killed."""
        with self.lock:
            if self.is_over:
                return False
            self.running = self.command(*arguments, env={**self.env, **self.shim})
        _, said = self.running.communicate()
        with self.lock:
            over = self.is_over
        expect(self.running.returncode == 0 or over, f"{arguments} ended with {self.running.returncode}: {said}")
        return self.running.returncode == 0

    def work(self, seed):
        """In a thread of its own: what goes wrong is told by `check`."""
        try:
            self.run_commands(seed)
        except Failure as broken:
            self.broken = broken

    def run_commands(self, seed):
        if self.succeeds("keys", "rotate"):
            self.key = self.keys()[0]
        number = 0
        while not self.is_over:
            number += 1
            provider, copy = f"psp-{seed}-{number}", f"{STORE}.copy-{number}"
            if self.succeeds("psp", "add", provider):
                self.added.add(provider)
            if self.succeeds("psp", "disable", provider):
                self.disabled.add(provider)
            if number % 3 == 0 and self.succeeds("backup", copy):
                self.backups[copy] = [self.digest(copy + part) for part in PARTS]

    def kill(self):
        """With the server: the power is gone for both."""
        with self.lock:
            self.is_over = True
            if self.running and self.running.poll() is None:
                self.running.kill()

    def keys(self):
        with open(os.path.join(self.folder, STORE + ".keys"), encoding="ascii") as file:
            return file.read().split()

    def digest(self, name):
        """None where there is no such file."""
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            return None
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def check(self):
        """Raises Failure where something that was done is not; returns how many commands it looked at."""
        if self.broken:
            raise self.broken
        listing = self.command("psp", "list", "--json", env=self.env)
        output, said = listing.communicate()
        expect(listing.returncode == 0, f"the registry cannot be read: {said}")
        found = {entry["provider"]: entry["enabled"] for entry in json.loads(output)}
        for provider in self.added:
            expect(provider in found, f"psp add {provider} ended with 0, and it is gone")
        for provider in self.disabled:
            expect(not found[provider], f"psp disable {provider} ended with 0, and it is enabled")
        expect(self.key is None or self.key in self.keys(), "keys rotate ended with 0, and the key is gone")
        for copy, digests in self.backups.items():
            expect([self.digest(copy + part) for part in PARTS] == digests, f"backup {copy} ended with 0, and has changed")
        for name in os.listdir(self.folder):
            if ".copy-" in name:
                os.unlink(os.path.join(self.folder, name))
        return len(self.added) + len(self.disabled) + (self.key is not None) + len(self.backups)
