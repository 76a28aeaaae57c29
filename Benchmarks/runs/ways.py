"""The ways whose instructions are counted, and which train the compiler: what each sends to which server, and what must
come of it.

Requests go one after the other. Ways of one server share its process, in the order of WAYS: under callgrind a start takes
longer than a thousand requests. TLS is not resumed, so there is no way for that. A second loop does not count otherwise
than the first, and the relaxed audit log writes on a thread of its own, a batch at a time, so its count is chance.
"""
import contextlib
import dataclasses
import os
import random
import tempfile
import typing
import uuid

import handshakes
import servers
import shared_store
from callgrind import Counted
from servers import client

TOLERANCE = 0.03  # above the figure kept; more fails
# Likewise, where threads hand each other work: how often one wakes another hangs on the machine. In nine runs on a busy one
# the figures of a way were at most 6 % apart on SQLite, and 10 % on PostgreSQL.
ON_SQLITE, ON_POSTGRES = 0.08, 0.15
COUNT = 1000     # requests that are counted
WARM_UP = 100    # before; caches fill, tables grow
HANDSHAKES = 50  # that are counted; each takes some millions
DEPTH = 16       # pipelined
ONE_BY_ONE, IN_DEPTH, CLOSING = "one by one", "pipelined", "a connection each"


def ids(count):
    """UUIDs, the same in every run."""
    chance = random.Random(1)
    return [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(count)]


class Stage:
    """A server that runs, and the requests to it, so many of each kind. What they need is made first, and not counted."""

    def __init__(self, server):
        self.server, self.bank, self.made = server, server.bank, 0

    def answers(self, requests, status):
        """The bodies of the answers, in order."""
        with client.Connection(self.server.port) as connection:
            return in_depth(connection, requests, DEPTH, status, b"")

    def codes(self, count):
        """(consent, code) of each, never the same."""
        consents = [f"consent-{self.made + number:08d}" for number in range(count)]
        self.made += count
        bodies = self.answers([client.code_request(consent, f"account-{consent}", self.bank) for consent in consents], 201)
        return [(consent, client.CODE.search(body)[1].decode()) for consent, body in zip(consents, bodies, strict=True)]

    def tokens(self, count):
        return [client.ACCESS_TOKEN.search(body)[1].decode() for body in self.answers(self.exchanges(count), 201)]

    def exchanges(self, count, close=False):
        return [client.exchange_request(code, close, self.bank) for _, code in self.codes(count)]

    def varying(self, count, close=False):
        return [client.varied(data, identity) for data, identity in zip(self.exchanges(count, close), ids(count))]

    def closing(self, count):
        return self.varying(count, close=True)

    def keyed(self, count):
        return [client.keyed(data, key) for data, key in zip(self.varying(count), reversed(ids(count)))]

    def issues(self, count):
        return [client.code_request(f"issue-{number:08d}", f"account-{number:08d}", self.bank) for number in range(count)]

    def constants(self, count):
        return [client.constant_request()] * count

    def grants(self, count):
        return [client.grant_request(self.bank)] * count

    def live(self, count):
        return self.introspections(self.tokens(count))

    def again(self, count):
        """Of tokens that were asked for before, as gateways do with every call of an API."""
        requests = self.live(count)
        self.answers(requests, 200)
        return requests

    def unknown(self, count):
        return self.introspections(ids(count))

    def revoked(self, count):
        tokens = self.tokens(count)
        self.answers([client.revoke_request(token, self.bank) for token in tokens], 200)
        return self.introspections(tokens)

    def introspections(self, tokens):
        return [client.introspect_request(token, self.bank) for token in tokens]

    def revocations(self, count):
        return [client.revoke_request(token, self.bank) for token in self.tokens(count)]

    def consents(self, count):
        """Each consent has a token."""
        codes = self.codes(count)
        self.answers([client.exchange_request(code, asker=self.bank) for _, code in codes], 201)
        return [client.consent_revoke_request(consent, self.bank) for consent, _ in codes]


def in_depth(connection, requests, depth, status, text):
    """The bodies of the answers to requests that are sent so many at a time."""
    found = []
    for first in range(0, len(requests), depth):
        some = requests[first:first + depth]
        connection.send(b"".join(some))
        found += [checked(connection.answer(), status, text) for _ in some]
    return found


def checked(answer, status, text):
    """The body of an answer, which must have this status, and this in its body."""
    if answer[0] != status or text not in answer[2]:
        raise RuntimeError(f"{status} with {text!r} was to come, and {answer[0]} came: {answer[2][:300]!r}")
    return answer[2]


@dataclasses.dataclass(frozen=True)
class Way:
    name: str
    server: str  # a key of SERVERS
    requests: typing.Callable[[Stage, int], list]  # so many
    status: int = 201
    text: bytes = b'"access_token"'  # in the body of each answer
    sends: str = ONE_BY_ONE
    count: int = COUNT
    tolerance: float = TOLERANCE


@contextlib.contextmanager
def with_tls(make, program, folder):
    """Every connection is made by TLS meanwhile."""
    handshakes.make_certificates(folder)
    client.TLS = handshakes.client_context(folder)
    try:
        with make("obie-tokens", program, folder, tls=folder) as server:
            yield server
    finally:
        client.TLS = None


@contextlib.contextmanager
def with_postgres(make, program, folder):
    with shared_store.Database() as database:
        shared_store.prepare(program, database, folder)
        with make(servers.SHARED, program, folder, database.serving_url) as server:
            yield server


def has_postgres():
    return shared_store.is_here()


MEMORY, LOGGING, TLS = "memory", "memory, access log", "memory, TLS"
SANDBOX, PRODUCTION, STRICT, POSTGRES = "sandbox on SQLite", "production on SQLite", "audit strict on SQLite", "PostgreSQL"
# How to start each: given what makes a server, such as Counted, the program and a folder.
SERVERS = {
    MEMORY: lambda make, *where: make("obie-tokens", *where),
    SANDBOX: lambda make, *where: make("obie-tokens-sqlite", *where),
    PRODUCTION: lambda make, *where: make(servers.PRODUCTION, *where),
    STRICT: lambda make, program, folder: make("obie-tokens-sqlite", program, folder, audit=os.path.join(folder, "audit"),
                                               strict=True),
    LOGGING: lambda make, *where: make("obie-tokens", *where, environment={"OBIE_TOKENS_ACCESS_LOG": "yes"}),
    TLS: with_tls,
    POSTGRES: with_postgres}

VARYING, IDENTICAL = "exchange, varying heads", "exchange, identical heads"
KEYED = "exchange, with an idempotency key"
ON_SANDBOX, ON_PRODUCTION = "exchange, sandbox on SQLite", "exchange, production on SQLite"
WAYS = (
    Way(VARYING, MEMORY, Stage.varying),
    Way(IDENTICAL, MEMORY, Stage.exchanges),
    Way(KEYED, MEMORY, Stage.keyed),
    Way("exchange, pipelined 16 deep, varying heads", MEMORY, Stage.varying, sends=IN_DEPTH),
    Way("new connection with one exchange", MEMORY, Stage.closing, sends=CLOSING),
    Way("issue a code", MEMORY, Stage.issues, text=b'"code"'),
    Way("CCG token, sandbox", MEMORY, Stage.constants),
    Way("introspect, live", MEMORY, Stage.live, 200, b'"active":true'),
    Way("introspect, unknown", MEMORY, Stage.unknown, 200, b'"active":false'),
    Way("introspect, revoked", MEMORY, Stage.revoked, 200, b'"active":false'),
    Way("revoke a token", MEMORY, Stage.revocations, 200, b""),
    Way("revoke a consent", MEMORY, Stage.consents, 200, b""),
    Way("exchange, access log on", LOGGING, Stage.varying),
    Way("exchange, TLS", TLS, Stage.varying),
    Way("new TLS connection with one exchange", TLS, Stage.closing, sends=CLOSING, count=HANDSHAKES),
    Way(ON_SANDBOX, SANDBOX, Stage.varying, tolerance=ON_SQLITE),
    Way("introspect, live, SQLite", SANDBOX, Stage.live, 200, b'"active":true', tolerance=ON_SQLITE),
    Way("introspect again, SQLite", SANDBOX, Stage.again, 200, b'"active":true', tolerance=ON_SQLITE),
    Way("introspect, unknown, SQLite", SANDBOX, Stage.unknown, 200, b'"active":false', tolerance=ON_SQLITE),
    Way("introspect, revoked, SQLite", SANDBOX, Stage.revoked, 200, b'"active":false', tolerance=ON_SQLITE),
    Way(ON_PRODUCTION, PRODUCTION, Stage.varying, tolerance=ON_SQLITE),
    Way("CCG token, production on SQLite", PRODUCTION, Stage.grants, tolerance=ON_SQLITE),
    Way("exchange, audit strict on SQLite", STRICT, Stage.varying, tolerance=ON_SQLITE),
    Way("exchange, PostgreSQL", POSTGRES, Stage.varying, tolerance=ON_POSTGRES))


def send(way, port, requests, connection):
    if way.sends == CLOSING:
        for data in requests:
            checked(client.ask(port, data), way.status, way.text)
    else:
        in_depth(connection, requests, DEPTH if way.sends == IN_DEPTH else 1, way.status, way.text)


def count(way, stage):
    """What each thread did for way.count requests."""
    warm_up = min(WARM_UP, way.count)
    requests = way.requests(stage, warm_up + way.count)
    with client.Connection(stage.server.port) as connection:
        send(way, stage.server.port, requests[:warm_up], connection)
        stage.server.zero()
        send(way, stage.server.port, requests[warm_up:], connection)
        return stage.server.profiles()


def counted(program, wanted):
    """(way, what each thread did) of the ways that are wanted, of one server after the other."""
    for kind, start in SERVERS.items():
        ways = [way for way in wanted if way.server == kind]
        if not ways:
            continue
        with tempfile.TemporaryDirectory() as folder, start(Counted, program, folder) as server:
            stage = Stage(server)
            for way in ways:
                yield way, count(way, stage)
