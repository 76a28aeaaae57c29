#!/usr/bin/env python3
"""Is /openapi.json true? Holds the running server to it, and generates a client from it that does the whole flow.

    Tests/contracts/openapi/openapi_check.py --server .build/release/obie-tokens [--tls] [--seed N] [--examples 40]

1. The description is valid OpenAPI 3.1 (openapi-spec-validator).
2. schemathesis sends good and bad requests of every kind that follows from it; no answer may be a server error, have an
   undocumented status, type or header, or another form.
3. openapi-python-client generates a client; flow.py drives it: CCG token, code, access token, introspection, revocation.
Ends with 1 if anything fails; prints the seed. Traffic stays on 127.0.0.1; a minute and a half in all.
"""
import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from encrypted import Encryption  # noqa: E402
from harness import Failure, Server, sandbox  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.dirname(sys.executable)
CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
          "response_schema_conformance")


def fuzz(url, description, options, tls):
    # From a file: what comes from the server itself is left out of the operations.
    command = [f"{TOOLS}/schemathesis", "--config-file", os.path.join(HERE, "schemathesis.toml"), "run", "openapi.json",
               "--url", url, "--checks", CHECKS, "--mode", "all", "--phases", "examples,coverage,fuzzing",
               "--max-examples", str(options.examples), "--seed", str(options.seed),
               "--auth", f"{sandbox.CLIENT}:{sandbox.PASSWORD}", "--warnings", "off", "--no-color", "--workers", "1",
               "--generation-database", "none", *(["--tls-verify", str(tls.authority.certificate)] if tls else [])]
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "openapi.json"), "w", encoding="utf-8") as file:
            file.write(description)
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        print(done.stdout[-6000:], done.stderr[-2000:], sep="\n")
        return 1
    print("openapi check: schemathesis has nothing to say: "
          + "; ".join(line.strip() for line in done.stdout.splitlines() if re.search(r"\d+ (generated|passed)", line)))
    return 0


def drive(url, description, tls):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "openapi.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(description)
        client = os.path.join(folder, "client")
        made = subprocess.run([f"{TOOLS}/openapi-python-client", "generate", "--path", path, "--meta", "none",
                               "--output-path", os.path.join(client, "obie_tokens"), "--fail-on-warning"],
                              capture_output=True, text=True, cwd=folder,
                              env={**os.environ, "PATH": f"{TOOLS}:{os.environ['PATH']}"})
        if made.returncode != 0:
            print("openapi check: no client can be generated:", made.stdout, made.stderr)
            return 1
        trusted = {"SSL_CERT_FILE": str(tls.authority.certificate)} if tls else {}
        return subprocess.run([sys.executable, os.path.join(HERE, "flow.py"), url],
                              env={**os.environ, "PYTHONPATH": client, "PYTHONDONTWRITEBYTECODE": "1", **trusted}).returncode


def check(server, options):
    """The exit status."""
    url, description = f"{server.scheme}://127.0.0.1:{server.port}", server.get("/openapi.json")[1]
    errors = [error.message for error in OpenAPIV31SpecValidator(json.loads(description)).iter_errors()]
    if errors:
        print("openapi check: the description is not valid:", *errors[:10], sep="\n  ")
        return 1
    print(f"openapi check: valid OpenAPI 3.1, {len(json.loads(description)['paths'])} paths", flush=True)
    return fuzz(url, description, options, server.tls) or drive(url, description, server.tls)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary")
    parser.add_argument("--tls", action="store_true", help="the server and all clients speak TLS")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="default: a new one each time")
    parser.add_argument("--examples", type=int, default=40, help="for each operation and phase (default: 40)")
    options = parser.parse_args()
    print(f"openapi check: seed {options.seed}", flush=True)
    try:
        with tempfile.TemporaryDirectory() as folder, \
                Server(options.server, tls=Encryption(f"{folder}/ca") if options.tls else None) as server:
            return check(server, options)
    except (Failure, OSError) as failure:
        sys.exit(f"openapi check: {failure}")


if __name__ == "__main__":
    sys.exit(main())
