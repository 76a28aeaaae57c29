#!/usr/bin/env python3
"""tlsfuzzer's scripts against the real server: what others found wrong in servers of TLS, tried here.

    Tests/tls/tlsfuzzer_check.py --server .build/release/obie-tokens --tlsfuzzer FOLDER [--count 12] [--seed N] [--only NAME ...]

FOLDER is a checkout of https://github.com/tlsfuzzer/tlsfuzzer, which is on no registry; commit 14555fe was tried. It needs
tlslite-ng, which is among requirements.txt. Each script is run with an RSA-2048 and a P-256 key; those about clients'
certificates with the RSA key, against `optional` and `required`. --count is how many conversations of each script, drawn by the seed; 0 means all.
Traffic stays on 127.0.0.1; about a minute with the default count, on a machine that has nothing else to do.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from authority import openssl  # noqa: E402
from harness import Failure, Server, expect  # noqa: E402
from tlsfuzzer_rows import CLIENT, KNOWN, REQUIRED, TLS12, TLS13  # noqa: E402

KEYS = {"rsa": ["rsa:2048"], "ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]}
SCRIPT_SECONDS = 300


def self_signed(folder, name, kind):
    """(certificate, key) with an own key of that kind."""
    pair = folder / f"{name}-{kind}.pem", folder / f"{name}-{kind}.key"
    openssl("req", "-x509", "-newkey", *KEYS[kind], "-nodes", "-keyout", pair[1], "-out", pair[0], "-days", 30,
            "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    pair[1].chmod(0o600)
    return pair


class Scripts:
    """Runs scripts, and knows what is expected of them."""

    def __init__(self, folder, count, seed):
        self.folder, self.count, self.seed = folder, count, seed

    def options_of(self, name):
        """The letters of getopt that a script knows."""
        path = self.folder / "tlsfuzzer/_apps" / f"test_{name.replace('-', '_')}.py"
        found = re.search(r'getopt\.getopt\(\s*argv,\s*"([^"]*)"', path.read_text(encoding="utf-8"))
        expect(found, f"{path} has no options that are known here; is it another version of tlsfuzzer?")
        return found[1]

    def run(self, name, kind, mode, port, client=None):
        """(how many conversations ended as expected, how many otherwise and for a known reason). Raises Failure."""
        options = self.options_of(name)
        words = ["-h", "127.0.0.1", "-p", port, *(["-n", self.count] if "n:" in options else [])]
        if not name.startswith("tls13") and "C:" in options:
            words += ["-C", f"TLS_ECDHE_{kind.upper()}_WITH_AES_128_GCM_SHA256"]
        elif not name.startswith("tls13") and "d" in options.replace(":", ""):
            words.append("-d")
        if client:
            words += ["-k", client[1], "-c", client[0]]
        done = subprocess.run(
            [sys.executable, Path(__file__).with_name("tlsfuzzer_script.py"), *map(str, (self.seed, kind, f"test-{name}", *words))],
            cwd=self.folder, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(self.folder)}, capture_output=True, text=True,
            timeout=SCRIPT_SECONDS, check=False)
        rows = KNOWN.get(name, []) + (REQUIRED.get(name, []) if mode == "required" else [])
        return judge(f"test-{name}, key {kind}, clients' certificates {mode}", rows, done.stdout + done.stderr)


def judge(where, rows, text):
    counts = {word: int(number) for word, number in re.findall(r"^(TOTAL|PASS|FAIL|XPASS): (\d+)$", text, re.MULTILINE)}
    expect(counts.get("TOTAL", 0) > 0, f"{where} did not run: {text[-800:]}")
    failed = re.search(r"^FAILED:\n((?:\t.*\n)*)", text, re.MULTILINE)
    names = [line.strip().strip("'\"") for line in failed[1].splitlines()] if failed else []
    expect(len(names) == counts["FAIL"], f"{where}: its report is not understood: {text[-800:]}")
    strange = sorted({one for one in names if not any(re.fullmatch(pattern, one) for pattern, _ in rows)})
    if strange:
        start = text.find(f"{strange[0]} ...")
        raise Failure(f"{where}: {strange}\n{text[start:start + 1500]}")
    return counts["TOTAL"] - counts["FAIL"], counts["FAIL"]


def alive(server):
    """The server goes on, and holds nothing back."""
    expect(server.poll() is None, f"the server has ended: {server.log_text()}")
    expect(server.memory_peak() < 64 << 20, f"the server took {server.memory_peak() >> 20} MiB")


def check(program, scripts, folder, only):
    """One server for each kind of key, and for each way to ask for clients' certificates."""
    total = [0, 0]
    clients = {kind: self_signed(folder, "client", kind) for kind in KEYS}
    trusted = folder / "clients.pem"
    trusted.write_text("".join(pair[0].read_text(encoding="ascii") for pair in clients.values()), encoding="ascii")
    for kind in KEYS:
        certificate, key = self_signed(folder, "localhost", kind)
        # What is done with a client's certificate does not depend on the server's.
        for mode in ("off", "optional", "required") if kind == "rsa" else ("off",):
            asked = [] if mode == "off" else ["--tls-client-ca", trusted]
            rows = [(name, None) for name in TLS12 + TLS13] if mode == "off" else [(name, clients[with_]) for name, with_ in CLIENT]
            rows = [row for row in rows if not only or row[0] in only]
            flags = ["--loops", "1", "--tls-certificate", certificate, "--tls-key", key, "--tls-client-auth", mode, *asked]
            with Server(program, *flags) as server, ThreadPoolExecutor(2) as pool:
                tasks = [pool.submit(scripts.run, name, kind, mode, server.port, client) for name, client in rows]
                strange = [str(failure) for task in tasks if (failure := task.exception())]
                alive(server)
                expect(not strange, "\n".join(strange))
                results = [task.result() for task in tasks]
            good, known = (sum(result[part] for result in results) for part in (0, 1))
            total = [total[0] + good, total[1] + known]
            print(f"tlsfuzzer: key {kind}, clients' certificates {mode}: {len(rows)} scripts, {good} conversations as expected, "
                  f"{known} otherwise for a known reason", flush=True)
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--server", required=True)
    parser.add_argument("--tlsfuzzer", required=True, type=Path)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only", nargs="+", choices=[*TLS12, *TLS13, *(name for name, _ in CLIENT)])
    options = parser.parse_args()
    if not (options.tlsfuzzer / "tlsfuzzer/_apps").is_dir():
        sys.exit(f"tlsfuzzer: {options.tlsfuzzer} is no checkout of https://github.com/tlsfuzzer/tlsfuzzer; get one with git clone")
    print(f"tlsfuzzer: seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="obie-tokens-tlsfuzzer-") as folder:
        try:
            good, known = check(str(Path(options.server).resolve()), Scripts(options.tlsfuzzer.resolve(), options.count, options.seed),
                                Path(folder), options.only)
        except (Failure, OSError, subprocess.SubprocessError) as failure:
            sys.exit(f"tlsfuzzer FAILED (seed {options.seed}): {failure}")
    print(f"tlsfuzzer: {good} conversations as expected, {known} otherwise for a known reason")


if __name__ == "__main__":
    main()
