#!/usr/bin/env python3
"""testssl.sh against the real server: nothing but what a test's own certificate is blamed for.

    Tests/tls/testssl_check.py --server .build/release/obie-tokens --testssl FOLDER

FOLDER is a checkout of https://github.com/testssl/testssl.sh; commit 9fdf802 was tried. It uses this machine's openssl.
Traffic stays on 127.0.0.1; some four minutes for each of two keys, on a machine that has nothing else to do.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from harness import Failure, Server, expect  # noqa: E402
from tlsfuzzer_check import KEYS, self_signed  # noqa: E402

HARMLESS = ("OK", "INFO")
# Findings that are none here, by their ids, each with its reason.
KNOWN = {
    "engine_problem": "about the scanner: no GOST",
    "cmdline_ip-target": "about the scanner: an address instead of a name",
    "QUIC": "about the scanner: its OpenSSL has none",
    "cert_chain_of_trust": "the test's certificate signed itself",
    "cert_expirationStatus": "the test's certificate is for 30 days",
    "cert_notAfter": "the test's certificate is for 30 days",
    "cert_revocation": "the test's certificate names no CRL and no OCSP",
    "overall_grade": "the test's certificate signed itself",
    "FS_KEMs": "OpenSSL has ML-KEM from 3.5 on",
    "HSTS": "for browsers, which are no clients of this server",
}
SCAN_SECONDS = 1800


def scan(program, folder, kind, testssl):
    """What it finds, by id: (severity, text)."""
    certificate, key = self_signed(folder, "localhost", kind)
    report = folder / f"{kind}.json"
    with Server(program, "--tls-certificate", certificate, "--tls-key", key) as server:
        done = subprocess.run(
            ["bash", testssl / "testssl.sh", "--quiet", "--warnings", "off", "--color", "0", "--ip", "one",
             "--openssl", "/usr/bin/openssl", "--jsonfile", report, f"127.0.0.1:{server.port}"],
            capture_output=True, text=True, timeout=SCAN_SECONDS, check=False)
        expect(report.exists(), f"testssl.sh: {done.stdout[-600:]} {done.stderr[-600:]}")
        expect(server.memory_peak() < 64 << 20, f"the server took {server.memory_peak() >> 20} MiB")
    found = json.loads(report.read_text(encoding="utf-8"))
    is_whole = len(found) > 100 and "overall_grade" in {one["id"] for one in found}
    expect(is_whole, f"it did not come to its end: {done.stdout[-600:]} {done.stderr[-600:]}")
    return {one["id"]: (one["severity"], one["finding"]) for one in found}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--server", required=True)
    parser.add_argument("--testssl", required=True, type=Path)
    options = parser.parse_args()
    if not (options.testssl / "testssl.sh").is_file():
        sys.exit(f"testssl: {options.testssl} is no checkout of https://github.com/testssl/testssl.sh; get one with git clone")
    with tempfile.TemporaryDirectory(prefix="obie-tokens-testssl-") as folder:
        try:
            for kind in KEYS:
                found = scan(str(Path(options.server).resolve()), Path(folder), kind, options.testssl.resolve())
                strange = {name: what for name, what in found.items() if what[0] not in HARMLESS and name not in KNOWN}
                expect(not strange, f"key {kind}: {strange}")
                known = sorted(name for name, what in found.items() if what[0] not in HARMLESS)
                print(f"testssl: key {kind}: {len(found)} findings, none against the server; left: {', '.join(known)}", flush=True)
        except (Failure, OSError, subprocess.SubprocessError) as failure:
            sys.exit(f"testssl FAILED: {failure}")


if __name__ == "__main__":
    main()
