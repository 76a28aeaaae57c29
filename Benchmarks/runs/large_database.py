#!/usr/bin/env python3
"""Does a PostgreSQL with ten million live tokens serve like an empty one?

    Benchmarks/runs/large_database.py --server .build/release/obie-tokens [--tokens 10000000] [--rounds 3] [--seconds 3]

Fills a database by SQL, in the order of time, as servers write their rows: tokens over a hundred days, the last twentieth
of them within the last ten minutes, each of those with its used code, and 50,000 CCG tokens. 200,000 of the tokens, spread over all, are known
to the test: it seals them with the server's key. Then, in turn with a database that is new each time: exchanges, and
look-ups of those 200,000 in random order. Two looks say that no statement scans a table: with 500 rows and with all the
plan of each statement is read, and PostgreSQL's own count of scans must not rise while it is measured.

The server has one loop and CPU 0, wrk CPU 1 and 256 connections; PostgreSQL, with fsync on and no standby, takes what is
left of both. Needs 8 GB of disk and 8 GB of memory. Exit status: 0; 1 where a request takes more than 1.2 times as long as
on the empty one, or a table is scanned; 69 where a tool is missing.
"""
import contextlib
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time

import servers
import turns
from measure import BUILD, ROOT, disturbance, figure, log, spread, table

sys.path.insert(0, os.path.join(ROOT, "Tests/cluster"))
from database import SERVING_ROLE, Database  # noqa: E402
from plans import scans_by_plan, scans_counted  # noqa: E402
from programs import HOST  # noqa: E402
from relay import Relay  # noqa: E402

LONGER_MAX = 1.2
SETTINGS = {"shared_buffers": "4GB", "max_wal_size": "4GB", "checkpoint_timeout": "15min"}
DAY, DAYS, RECENT = 86_400_000, 100, 600_000  # milliseconds, but for DAYS
LIFE, CODE_LIFE = 360 * DAY, 3_600_000  # of what was issued; Server gives codes an hour
CHUNKS, SAMPLE = 20, 200_000
NAMES = {"durable": "exchange", "introspect": "look-up"}
FILL = """
INSERT INTO tokens SELECT at, digest, 1, 1, 0, convert_to('consent-' || lpad(n::text, 8, '0'), 'UTF8'),
    convert_to('account-' || lpad(n::text, 8, '0'), 'UTF8'), at + {life}, at - 1500
FROM (SELECT {first} + (i - {start}) * {span} / {count} AS at, sha256(int8send(i)) AS digest, i AS n
        FROM generate_series({start}::bigint, {start} + {count} - 1) AS i
      UNION ALL SELECT issued_at, digest, n FROM sample WHERE issued_at >= {first} AND issued_at < {first} + {span}) AS t
ORDER BY at, digest"""
USED = """
INSERT INTO codes SELECT code_issued_at, sha256(digest), institution, provider, 1, scope, consent, account,
    'example-state', code_issued_at + {life}, issued_at, digest
FROM tokens WHERE issued_at >= {first} ORDER BY 1, 2"""


def sealed(blocks, key):
    """What clients are given for identifiers: one block of AES-128 for each. OpenSSL does it for all at once."""
    return subprocess.run(["openssl", "enc", "-aes-128-ecb", "-nopad", "-K", key], input=b"".join(blocks), check=True,
                          capture_output=True).stdout


def make_sample(now, key, path):
    """Tokens at random moments of all chunks. Returns [(issued_at, digest)]; writes them as clients know them, shuffled."""
    chance = random.Random(1)
    old = [chance.randrange(now - DAYS * DAY, now - RECENT) for _ in range(SAMPLE * (CHUNKS - 1) // CHUNKS)]
    moments = old + [chance.randrange(now - RECENT, now) for _ in range(SAMPLE - len(old))]
    blocks = [moment.to_bytes(6, "big") + chance.randbytes(10) for moment in moments]
    text = sealed(blocks, key).hex()
    tokens = [text[at:at + 32] for at in range(0, len(text), 32)]
    chance.shuffle(tokens)
    with open(path, "w", encoding="ascii") as file:
        file.writelines(f"{t[:8]}-{t[8:12]}-{t[12:16]}-{t[16:20]}-{t[20:]}\n" for t in tokens)
    return sorted((moment, hashlib.sha256(block).hexdigest()) for moment, block in zip(moments, blocks))


def put_sample(connection, sample):
    connection.query("CREATE UNLOGGED TABLE sample (issued_at bigint, digest bytea, n bigint)")
    for start in range(0, len(sample), 20_000):
        rows = ",".join(f"({moment},'\\x{digest}',{start + number})"
                        for number, (moment, digest) in enumerate(sample[start:start + 20_000]))
        connection.query(f"INSERT INTO sample VALUES {rows}")


def fill(database, count, sample, now):
    """Adds tokens, and the used codes of the newest. Says what it took."""
    began, made = time.monotonic(), count - len(sample)
    recent = made // CHUNKS
    with database.superuser() as connection:
        connection.socket.settimeout(600)
        put_sample(connection, sample)
        for number in range(CHUNKS):
            start, end = made * number // CHUNKS, made * (number + 1) // CHUNKS
            first, span = now - RECENT, RECENT
            if number < CHUNKS - 1:
                whole = DAYS * DAY - RECENT
                first = now - DAYS * DAY + whole * number // (CHUNKS - 1)
                span = now - DAYS * DAY + whole * (number + 1) // (CHUNKS - 1) - first
            connection.query(FILL.format(life=LIFE, first=first, span=span, start=start, count=end - start))
            log(f"    {end:,} of {made:,} tokens after {time.monotonic() - began:.0f} s")
        connection.query(USED.format(life=CODE_LIFE, first=now - RECENT))
        connection.query(f"INSERT INTO ccg_tokens SELECT issued_at, digest, 1, 1, issued_at + {CODE_LIFE} FROM tokens"
                         f" WHERE issued_at >= {now - RECENT} ORDER BY 1, 2 LIMIT 50000")
        connection.query("DROP TABLE sample")
        for statement in ("VACUUM (ANALYZE)", "CHECKPOINT"):
            connection.query(statement)
        rows = {name: int(connection.value(f"SELECT count(*) FROM {name}")) for name in ("tokens", "codes")}
        size = int(connection.value("SELECT pg_total_relation_size('tokens')"))
    if rows["tokens"] != count or rows["codes"] < recent:
        raise RuntimeError(f"the database was to have {count:,} tokens and has {rows}")
    log(f"    {rows['tokens']:,} tokens and {rows['codes']:,} used codes in {time.monotonic() - began:.0f} s, "
        f"{size / count:.0f} bytes a token")


def migrate(options, database):
    subprocess.run([options.server, "store", "migrate", "--store", database.owner_url, "--serving-role", SERVING_ROLE],
                   check=True, capture_output=True)


def read_plans(options, database, folder):
    """Whether no statement scans a table, as the statistics are now. Says so."""
    with Relay((HOST, database.port)) as relay:
        with servers.Server(servers.SHARED, options.server, folder, database.url(SERVING_ROLE, relay.port)):
            pass
        count, found = scans_by_plan(database, relay)
    with database.superuser() as connection:
        rows = connection.value("SELECT reltuples::bigint FROM pg_class WHERE relname = 'tokens'")
    print(f"plans of {count} statements with statistics of {int(rows):,} tokens: {len(found)} scan a table", flush=True)
    for plan in found:
        print(plan)
    return not found


def plans_of_few(options, folder, cpus):
    """With the statistics of 500 rows."""
    with running(Database(SETTINGS), cpus) as database:
        migrate(options, database)
        with database.superuser() as connection:
            connection.query(FILL.format(life=LIFE, first=0, span=500, start=0, count=500).replace(
                "UNION ALL SELECT issued_at, digest, n FROM sample WHERE issued_at >= 0 AND issued_at < 0 + 500", ""))
            connection.query(USED.format(life=CODE_LIFE, first=0))
            connection.query("INSERT INTO ccg_tokens SELECT issued_at, digest, 1, 1, expires_at FROM tokens;"
                             "INSERT INTO revoked_consents SELECT consent, institution, 5 FROM codes; ANALYZE")
        return read_plans(options, database, folder)


@contextlib.contextmanager
def running(database, cpus):
    """A database that may use more CPUs than we: they are inherited."""
    pinned = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        database.__enter__()
    finally:
        os.sched_setaffinity(0, pinned)
    try:
        yield database
    finally:
        database.__exit__()


class Sampled(turns.Values):
    """Look-ups ask for the tokens of the sample."""

    def __init__(self, folder, path):
        super().__init__(folder)
        self.path = path

    def file(self, server, kind, count, first):
        if kind != "tokens":
            return super().file(server, kind, count, first)
        repeated = os.path.join(self.folder, "repeated")
        with open(self.path, "rb") as source, open(repeated, "wb") as file:
            once = source.read()
            for _ in range(0, count, SAMPLE):
                file.write(once)
        return repeated, 0


def measure(options, large, folder, values, sampled, cpus):
    """{scenario: {"empty": [figures], "large": [figures]}}."""
    runs = {name: {"empty": [], "large": []} for name in NAMES}

    def turn(name, kind, database, values):
        log(f"{NAMES[name]}, {kind}")
        runs[name][kind].append(turns.turn(
            servers.SHARED, options.server, name, options, folder, values, databases=[database.program.pid],
            store=database.serving_url))

    for number in range(options.rounds):
        for kind in ("empty", "large") if number % 2 == 0 else ("large", "empty"):
            for name in NAMES:
                if kind == "large":
                    turn(name, kind, large, sampled)
                    continue
                with running(Database(SETTINGS), cpus) as empty:
                    migrate(options, empty)
                    turn(name, kind, empty, values)
    return runs


def report(runs, count):
    """Prints the figures. Returns whether no request takes too long."""
    keys = {"requests_per_second": ",.0f", "cpu_us": ".1f", "database_us": ".1f", "p50_us": ",.0f", "p99_us": ",.0f"}
    rows = [[f"{NAMES[name]}, {kind}", *(spread(figure([r[key] for r in own]), text) for key, text in keys.items())]
            for name, kinds in runs.items() for kind, own in kinds.items()]
    print(table(["", "requests/s", "server's CPU µs", "database's CPU µs", "p50 µs", "p99 µs"], rows), flush=True)
    print(disturbance({f"{name} {kind}": own for name, kinds in runs.items() for kind, own in kinds.items()}).lstrip())
    holds = True
    for name, kinds in runs.items():
        pairs = list(zip(kinds["empty"], kinds["large"]))
        longer = figure([empty["requests_per_second"] / large["requests_per_second"] for empty, large in pairs])
        dearer = figure([cpu_us(large) / cpu_us(empty) for empty, large in pairs])
        holds = holds and longer["median"] <= LONGER_MAX
        print(f"With {count:,} tokens, of an empty database's: {NAMES[name]} takes {spread(longer, '.2f')} of the time, and "
              f"{spread(dearer, '.2f')} of the CPU of server and database.")
    return holds


def cpu_us(result):
    return result["cpu_us"] + result["database_us"]


def run(options):
    os.makedirs(BUILD, exist_ok=True)
    cpus, now = os.sched_getaffinity(0), int(time.time() * 1000)
    os.sched_setaffinity(0, {1})
    with tempfile.TemporaryDirectory(prefix="large-", dir=BUILD) as folder:
        keys, path = os.path.join(folder, "keys"), os.path.join(folder, "sample")
        subprocess.run([options.server, "keys", "create", keys], check=True, capture_output=True)
        with open(keys, encoding="ascii") as file:
            sample = make_sample(now, file.readline().strip(), path)
        is_planned = plans_of_few(options, folder, cpus)
        with running(Database(SETTINGS, folder=options.folder), cpus) as large:
            migrate(options, large)
            fill(large, options.tokens, sample, now)
            is_planned &= read_plans(options, large, folder)
            before = scans_counted(large)
            runs = measure(options, large, folder, turns.Values(folder), Sampled(folder, path), cpus)
            scans = {name: count - before[name] for name, count in scans_counted(large).items()}
    is_fast = report(runs, options.tokens)
    print(f"Scans that PostgreSQL counted meanwhile: {', '.join(f'{name} {count}' for name, count in scans.items())}.")
    return 0 if is_fast and is_planned and not any(scans.values()) else 1


def main():
    return turns.in_rounds("large database", __doc__, run, rounds=3, options={
        "--tokens": {"type": int, "default": 10_000_000},
        "--folder": {"help": "where the large database is to stand, where /tmp has no room"}})


if __name__ == "__main__":
    sys.exit(main())
