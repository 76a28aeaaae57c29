#!/usr/bin/env python3
"""Does the relay do what the fail-over test relies on? With a real PostgreSQL behind it.

    Tests/cluster/relay_test.py

A reply that is lost belongs to a commit that happened; reads are never lost; silence is silence; a cut is a cut.
"""
import sys
import threading
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from checks import Failure, expect  # noqa: E402
from database import NAME, OWNER_ROLE, Database  # noqa: E402
from programs import HOST  # noqa: E402
from relay import Batches, Relay  # noqa: E402
from wire import Connection  # noqa: E402


def message(kind, body):
    return kind, kind + (len(body) + 4).to_bytes(4, "big") + body


def check_batches():
    """Prepared statements are known by their names, whatever the pipeline."""
    batches = Batches()
    for kind, body in ((b"P", b"spend\0WITH spent AS (UPDATE codes c SET x=1) SELECT n FROM spent\0\0\0"),
                       (b"P", b"look\0SELECT updated, deleted FROM tokens\0\0\0"), (b"S", b""),
                       (b"B", b"\0look\0\0\0\0\0\0\0"), (b"E", b"\0\0\0\0\0"), (b"S", b""),
                       (b"B", b"\0look\0\0\0\0\0\0\0"), (b"B", b"\0spend\0\0\0\0\0\0\0"), (b"S", b""),
                       (b"Q", b"COMMIT\0"), (b"Q", b"SELECT 1\0")):
        batches.asked(*message(kind, body))
    found = [batches.answered() for _ in range(6)]
    expect(found == [False, False, True, True, False, False], f"batches that write: {found}")


def connect(relay):
    return Connection((HOST, relay.port), OWNER_ROLE, NAME)


def check_lost_replies(database, relay):
    with connect(relay) as client:
        client.query("CREATE TABLE t (i int)")
    for number in range(20):
        relay.lose_replies(1)
        with connect(relay) as client:
            expect(client.value("SELECT count(*) FROM t") == str(number), "a commit whose reply was lost is not there")
            try:
                client.query(f"INSERT INTO t VALUES ({number})")
                raise Failure("the reply came")
            except ConnectionError:
                pass
    expect(relay.lost == 20, f"{relay.lost} replies were lost")
    with connect(relay) as client:
        client.query("INSERT INTO t VALUES (99)")
        rows = client.query("SELECT i FROM t; SELECT repeat('x', 300000)")
        expect(len(rows[0][0]) == 300_000, "a long row is not whole")
    with database.superuser() as direct:
        expect(direct.value("SELECT count(*) FROM t") == "21", "a row is missing")


def check_silence_and_cut(relay):
    with connect(relay) as client:
        thread = threading.Thread(target=relay.silence, args=(1.0,))
        began = time.monotonic()
        thread.start()
        time.sleep(0.1)
        client.query("SELECT 1")
        took = time.monotonic() - began
        thread.join()
        expect(took > 0.95, f"answered after {took:.2f} s of silence")
        expect(relay.cut() == 1, "the connection is not known")
        try:
            client.query("SELECT 1")
            raise Failure("a connection that was cut answers")
        except OSError:
            pass


def main():
    try:
        check_batches()
        with Database() as database, Relay((HOST, database.port), seed=1) as relay:
            check_lost_replies(database, relay)
            check_silence_and_cut(relay)
    except (Failure, OSError) as failure:
        print(f"relay: FAILED {failure}", file=sys.stderr)
        return 1
    print("relay: 20 replies of commits lost, each commit there; silence and cuts as asked for")
    return 0


if __name__ == "__main__":
    sys.exit(main())
