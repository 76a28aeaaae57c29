"""The scenarios under load: what each request is, which values it takes, and who is asked in turn. turns.py does it."""
import dataclasses
import typing

import servers
import stock
from servers import client

DURABLE_CONNECTIONS = 256  # more than elsewhere: it is the batch that pays for a sync to disk
MEMORY, SANDBOX_ON_DISK = "obie-tokens", "obie-tokens-sqlite"
ACCESS_LOG, TWO_LOOPS, TWO_WORKERS = f"{MEMORY}, access log", f"{MEMORY}, 2 loops", "nginx, 2 workers"
AUDIT, AUDIT_STRICT = f"{SANDBOX_ON_DISK}, audit", f"{SANDBOX_ON_DISK}, audit strict"
NOT_ASKED_BEFORE = f"{SANDBOX_ON_DISK}, not asked before"  # so the file is read
BOTH_CPUS = frozenset({0, 1})


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of a table: a server, and what it is to be, or is asked, other than usual."""
    server: str
    wanted: dict = dataclasses.field(default_factory=dict)
    values: str = ""  # instead of the scenario's
    text: str = ""    # likewise


@dataclasses.dataclass(frozen=True)
class Scenario:
    title: str
    request: typing.Callable[[client.Bank], bytes]
    values: str = ""      # what goes in place of the question marks: see turns.Values
    text: str = '"access_token"'  # in the body of each right answer of obie-tokens
    status: int = 201     # likewise; the ceilings always answer 201
    depth: int = 1        # requests under way on a connection
    varies: bool = True   # each request has an interaction id and a transaction reference of its own
    client: str = "wrk"
    connections: int = 0  # 0: as many as the options say
    has_tls: bool = False
    cpus: frozenset = frozenset({0})  # of the servers; with both, the client has both, too
    rows: tuple = ("bare", "nginx", MEMORY)  # in the order of their turns


def exchange(asker):
    return client.exchange_request(asker=asker)


def introspect(asker):
    return client.introspect_request(asker=asker)


INTROSPECTED = {
    f"{server}, {state}": Row(server, values=values, text=f'"active":{active}')
    for server in (MEMORY, SANDBOX_ON_DISK)
    for state, values, active in (("live", "tokens", "true"), ("unknown", "unknown", "false"),
                                  ("revoked", "revoked tokens", "false"))}

ROWS = {
    **{name: Row(name) for name in ("bare", "nginx", servers.BESIDE, MEMORY, SANDBOX_ON_DISK, servers.PRODUCTION,
                                    servers.SHARED)},
    ACCESS_LOG: Row(MEMORY, {"access_log": True}),
    TWO_LOOPS: Row(MEMORY, {"loops": 2}),
    TWO_WORKERS: Row("nginx", {"loops": 2}),
    AUDIT: Row(SANDBOX_ON_DISK, {"audit": True}),
    AUDIT_STRICT: Row(SANDBOX_ON_DISK, {"audit": True, "strict": True}),
    **INTROSPECTED,
    NOT_ASKED_BEFORE: Row(SANDBOX_ON_DISK, values="fresh tokens"),
}

LOADS = {
    "exchange-varying": Scenario("exchange, varying heads", exchange, "codes",
                                 rows=("bare", "nginx", servers.BESIDE, MEMORY, ACCESS_LOG)),
    "exchange-production": Scenario("exchange, production", exchange, "codes",
                                    rows=("bare", "nginx", SANDBOX_ON_DISK, servers.PRODUCTION)),
    "exchange-pipelined": Scenario("exchange, varying heads, pipelined 16 deep", exchange, "codes", depth=16,
                                   rows=("bare", "nginx", servers.BESIDE, MEMORY)),
    "durable": Scenario("durable, 256 connections", exchange, "codes", connections=DURABLE_CONNECTIONS,
                        rows=("bare", "nginx", MEMORY, SANDBOX_ON_DISK, AUDIT, AUDIT_STRICT, servers.SHARED)),
    "exchange-tls": Scenario("exchange, TLS, kept connections", exchange, "codes", has_tls=True, rows=("nginx", MEMORY)),
    "issue": Scenario("issue a code", lambda asker: client.code_request(client.NO_CODE, asker=asker), "any", '"code"',
                      varies=False),
    "ccg": Scenario("issue a CCG token", stock.ccg, varies=False, rows=("bare", "nginx", MEMORY, servers.PRODUCTION)),
    "introspect": Scenario("introspect", introspect, "tokens", '"active":true', 200, varies=False,
                           rows=("bare", "nginx", *INTROSPECTED, NOT_ASKED_BEFORE)),
    "revoke": Scenario("revoke a token", lambda asker: client.revoke_request(asker=asker), "fresh tokens", "", 200, varies=False),
    "consent-revoke": Scenario("revoke a consent", lambda asker: client.consent_revoke_request(asker=asker), "consents", "", 200,
                               varies=False),
    "new-connection": Scenario("new connection", lambda asker: client.exchange_request(close=True, asker=asker), "codes",
                               client="connect"),
    "loops": Scenario("exchange, 1 and 2 loops, all on both CPUs", exchange, "codes", cpus=BOTH_CPUS,
                      rows=("bare", "nginx", TWO_WORKERS, MEMORY, TWO_LOOPS)),
    # obie-tokens says how fast the others shall be asked
    "half-rate": Scenario("half of the highest rate", exchange, "codes", rows=(MEMORY, "bare", "nginx")),
    "exchange": Scenario("exchange, identical heads", exchange, "codes", varies=False),
    # The client has CPU to spare, so the server never waits for it, and each turn of its loop has as many requests as
    # there are: the CPU per request of two builds is comparable even where wrk can keep only the slower one busy.
    "exchange-busy": Scenario("exchange, varying heads, a busy server", exchange, "codes", client="pace"),
}
ON_REQUEST = ("exchange", "exchange-busy")  # bench.py measures these only where they are named
