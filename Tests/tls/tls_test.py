#!/usr/bin/env python3
"""TLS in the process, against the real server: curl, openssl s_client, sslyze, and clients that misbehave.

    Tests/tls/tls_test.py --server .build/release/obie-tokens [--sslyze FILE] [--seconds 60] [--only NAME ...]

Certificates are made anew each time. Traffic stays on 127.0.0.1; two minutes in all. Every check prints one line.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import certificate_checks  # noqa: E402
import corpus_checks  # noqa: E402
import file_checks  # noqa: E402
import hostile_checks  # noqa: E402
import key_checks  # noqa: E402
import policy_checks  # noqa: E402
import reload_checks  # noqa: E402
import wire_checks  # noqa: E402
from bench import Bench  # noqa: E402
from harness import Failure  # noqa: E402

MODULES = (policy_checks, wire_checks, corpus_checks, hostile_checks, certificate_checks, key_checks, file_checks,
           reload_checks)
CHECKS = {name.removeprefix("check_"): check for module in MODULES
          for name, check in vars(module).items() if name.startswith("check_")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--server", required=True)
    parser.add_argument("--sslyze", help="the program sslyze")
    parser.add_argument("--seconds", type=int, default=6, help="of load while certificates change every second")
    parser.add_argument("--only", nargs="+", choices=CHECKS, default=list(CHECKS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="obie-tokens-tls-") as folder:
        bench = Bench(str(Path(options.server).resolve()), folder, options.sslyze, options.seconds)
        for name in options.only:
            try:
                print(f"tls test: {name}: {CHECKS[name](bench)}", flush=True)
            except (Failure, OSError, subprocess.SubprocessError) as failure:
                print(f"tls test: {name} FAILED: {failure}", file=sys.stderr)
                sys.exit(1)


if __name__ == "__main__":
    main()
