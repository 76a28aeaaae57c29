"""Whether the server's statements scan a table. They are taken from its own connections, by a relay on the way, and
their plans are read as its sessions make them. Knows no statement by heart.

Two looks: `scans_by_plan` reads the plan of every statement, also of those that only a fault calls for; `scans_counted`
is what PostgreSQL has counted of all that ran.
"""
import re

from checks import expect
from database import SERVING_ROLE
from programs import HOST
from wire import Connection

LARGE = ("codes", "tokens", "ccg_tokens", "revoked_consents")
KNOWN = {"spend", "question", "undo", "tokens", "expire_tokens"}  # where one has another name, the test sees too little
SCAN = re.compile(rf"(?:Seq|Bitmap Heap) Scan on ({'|'.join(LARGE)})\b")


def types_of(connection, oids):
    """The names of types, as PREPARE takes them; 0: PostgreSQL finds it out."""
    return [connection.value(f"SELECT {oid}::regtype") if oid else "unknown" for oid in oids]


def scans_by_plan(database, relay):
    """(how many statements were looked at, the plans of those that scan)."""
    missing = KNOWN - relay.seen.keys()
    expect(not missing, f"the relay has not seen the statements {sorted(missing)}")
    found = []
    with Connection((HOST, database.port), SERVING_ROLE, database.name) as session:
        for name, (text, oids, settings) in sorted(relay.seen.items()):
            session.query(f"RESET ALL; {settings}")
            types = types_of(session, oids)
            session.query(f"PREPARE {name} {'(' + ', '.join(types) + ')' if types else ''} AS {text}")
            nulls = f"({', '.join(['NULL'] * len(types))})" if types else ""
            plan = "\n".join(row[0] for row in session.query(f"EXPLAIN EXECUTE {name} {nulls}"))
            if SCAN.search(plan):
                found.append(f"{name}: {plan}")
    return len(relay.seen), found


def scans_counted(database):
    """{table: how often it was scanned since it was made}."""
    names = ", ".join(f"'{name}'" for name in LARGE)
    with database.superuser() as connection:
        return {name: int(count) for name, count in connection.query(
            f"SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname IN ({names})")}
