#!/usr/bin/env python3
"""Which code is hot? Asks a server that counts what it executes on every way, and writes the profile for the compiler.

    Benchmarks/runs/train.py --server INSTRUMENTED/obie-tokens --out Sources/profiles/VERSION.profdata

`make profile` builds that server and calls this. The compiler inlines by the profile, and puts what is hot together and what
is cold elsewhere. The ways are those of `make instructions`, each with as many requests, so none is trained at the cost of
another. Functions that never ran are left out. Another compiler needs another profile; code that has changed since is compiled
as if there were none for it. Where PostgreSQL is not installed, it ends with 69: a profile without it would slow that down.
"""
import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile

import servers
import ways

REQUESTS, HANDSHAKES = 4000, 200  # of each way


def train(program, kind, start, merged):
    """Walks the ways of one kind of server, and merges what it has executed into one file."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LLVM_PROFILE_FILE"] = os.path.join(folder, "%p.profraw")  # each process writes its own at its end
        with start(servers.Server, program, folder) as server:
            stage = ways.Stage(server)
            for way in (way for way in ways.WAYS if way.server == kind):
                count = HANDSHAKES if way.count == ways.HANDSHAKES else REQUESTS
                requests = way.requests(stage, count)
                with ways.client.Connection(server.port) as connection:
                    ways.send(way, server.port, requests, connection)
                print(f"profile: {way.name}: {count:,} requests", flush=True)
        merge(merged, glob.glob(os.path.join(folder, "*.profraw")))


def merge(out, files):
    """With the tool of Swift's own toolchain: another LLVM writes another format."""
    toolchain = os.path.dirname(os.path.realpath(shutil.which("swiftc")))
    subprocess.run([os.path.join(toolchain, "llvm-profdata"), "merge", "--sparse", "--output", out, *files], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="an obie-tokens that was built to count")
    parser.add_argument("--out", required=True, metavar="PATH", help="the profile")
    options = parser.parse_args()
    if not ways.has_postgres():
        print("profile: needs PostgreSQL: apt-get install postgresql-15", file=sys.stderr)
        return 69
    with tempfile.TemporaryDirectory() as folder:
        parts = []
        for number, (kind, start) in enumerate(ways.SERVERS.items()):
            parts.append(os.path.join(folder, str(number)))
            train(options.server, kind, start, parts[-1])
        merge(options.out, parts)
    print(f"profile: {options.out}, {os.path.getsize(options.out):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
