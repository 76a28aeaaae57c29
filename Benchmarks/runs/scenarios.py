"""The scenarios under load: what each request is, which codes or tokens it takes, a turn of a server, the tables."""
import argparse
import dataclasses
import os
import re
import secrets
import statistics
import subprocess
import time
import typing

import measure
import servers
from measure import CEILINGS, OWN, disturbance, program_path, spread, table
from servers import client

CODES_MAX = 2_000_000     # values for one run; one that meets the end of them ends early and reports its true time
CODES_WARM_UP = 100_000   # the warm-up, too, ends early
CODES_MARGIN = 1.6        # codes made: so many times what the warm-up's speed would use
TOKENS = 100_000          # that are asked about again and again: asking uses nothing up
DURABLE_CONNECTIONS = 256  # more than elsewhere: it is the batch that pays for a sync to disk
SANDBOX_ON_DISK = "obie-tokens-sqlite"


def in_rounds(name, about, run, rounds=5, options=()):
    """The main of a measurement of durable exchanges: run(options) returns its exit status.

    options: names of further arguments, with what argparse is to know of them
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary (a release build)")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    for option, what in dict(options).items():
        parser.add_argument(option, **what)
    found = parser.parse_args()
    found.server, found.connections = os.path.abspath(found.server), DURABLE_CONNECTIONS
    measure.require_tools()
    try:
        return run(found)
    except (OSError, RuntimeError, ValueError, subprocess.CalledProcessError) as broken:
        measure.log(f"{name}: {broken} {getattr(broken, 'stderr', '') or ''}")
        return 1


def exchange(asker):
    return client.exchange_request(asker=asker)


def varying_exchange(asker):
    return client.varied(exchange(asker))


@dataclasses.dataclass(frozen=True)
class Scenario:
    title: str
    request: typing.Callable[[client.Bank], bytes]
    values: str = ""      # what goes in place of the question marks: "codes" or "tokens" of that server, or "any"
    text: str = '"access_token"'  # in the body of each right answer of obie-tokens
    status: int = 201     # likewise; the ceilings always answer 201
    depth: int = 1        # requests under way on a connection
    varies: bool = False  # each request has an interaction id and a transaction reference of its own
    client: str = "wrk"
    servers: tuple = ("bare", "nginx", "obie-tokens")  # in the order of their turns


LOADS = {
    "exchange-varying": Scenario("exchange, varying heads", varying_exchange, "codes", varies=True),
    # The client has CPU to spare, so the server never waits for it, and each turn of its loop has as many requests as
    # there are: the CPU per request of two builds is comparable even where wrk can keep only the slower one busy.
    "exchange-busy": Scenario("exchange, varying heads, a busy server", varying_exchange, "codes", varies=True,
                              client="pace"),
    "exchange-production": Scenario("exchange, production", varying_exchange, "codes", varies=True,
                                    servers=("bare", "nginx", SANDBOX_ON_DISK, servers.PRODUCTION)),
    "exchange": Scenario("exchange, identical heads", exchange, "codes"),
    "exchange-pipelined": Scenario("exchange, identical heads, pipelined", exchange, "codes", depth=16),
    "constant": Scenario("constant", lambda _: client.constant_request()),
    "issue": Scenario("issue", lambda asker: client.code_request(client.NO_CODE, asker=asker), "any", '"code"'),
    "introspect": Scenario("introspect", lambda asker: client.introspect_request(asker=asker), "tokens",
                           '"active":true', 200),
    "durable": Scenario("durable", exchange, "codes", servers=("bare", "nginx", "obie-tokens", SANDBOX_ON_DISK, servers.SHARED)),
    "new-connection": Scenario("new-connection", lambda asker: client.exchange_request(close=True, asker=asker),
                               "codes", client="connect"),
    # obie-tokens says how fast the others shall be asked
    "half-rate": Scenario("half-rate", exchange, "codes", servers=("obie-tokens", "bare", "nginx")),
}


class Values:
    """The files that values are taken from."""

    def __init__(self, folder):
        self.folder = folder
        self.any = {length: self._random(length) for length in (client.CODE_LENGTH, client.TOKEN_LENGTH)}

    def _random(self, length):
        """So many random values of a code's length, or UUIDs."""
        path = os.path.join(self.folder, f"any-{length}")
        digits = secrets.token_hex(CODES_MAX * client.CODE_LENGTH // 2)
        with open(path, "w") as file:
            for i in range(0, len(digits), client.CODE_LENGTH):
                d = digits[i:i + client.CODE_LENGTH]
                file.write(d + "\n" if length == client.CODE_LENGTH else
                           f"{d[:8]}-{d[8:12]}-4{d[13:16]}-8{d[17:20]}-{d[20:]}\n")
        return path

    @property
    def ids(self):
        """A UUID for each request whose head is to be its own."""
        return self.any[client.ID_LENGTH]

    def file(self, server, kind, count, first):
        """(path, codes made for it). The ceilings do not look at values; what they get has the right length. Tokens
        are made the first time that a server is asked, and asked about again and again."""
        if server.name in CEILINGS or kind in ("", "any"):
            return self.any[client.TOKEN_LENGTH if kind == "tokens" else client.CODE_LENGTH], 0
        codes, tokens, repeated = (os.path.join(self.folder, name) for name in ("codes", "tokens", "repeated"))
        if kind == "codes":
            client.make_codes(server.port, count, codes, server.bank)
            return codes, count
        if first:
            client.make_codes(server.port, TOKENS, codes)
            client.exchange_codes(server.port, codes, tokens)
        with open(tokens, "rb") as source, open(repeated, "wb") as file:
            once = source.read()
            for _ in range(0, count, TOKENS):
                file.write(once)
        return repeated, TOKENS if first else 0


def load_command(server, name, seconds, connections, folder, values="", ids="-", check=(), rate=None):
    """The client for a scenario. The request goes through a file; what the programs take is said in their first
    lines. check: (status, text), which wrk is to hold each answer to; the others look at every status anyway. With a
    rate the client keeps to a timetable."""
    scenario = LOADS[name]
    request = os.path.join(folder, "request")
    with open(request, "wb") as file:
        file.write(scenario.request(server.bank))
    program = "pace" if rate else scenario.client
    if program != "wrk":
        more = [f"{rate or 0:.0f}", *([ids] if scenario.varies else [])] if program == "pace" else []
        return ["taskset", "-c", "1", program_path(program), str(server.port), request, values,
                str(scenario.status), str(connections), str(seconds), *more]
    script, extra = "constant.lua", []
    if scenario.values:
        script, extra = "exchange.lua", [values, str(scenario.depth), ids if scenario.varies else "-"]
    return ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
            "-s", os.path.join(servers.CLIENTS_FOLDER, script), f"{'https' if server.wanted.get('tls') else 'http'}://127.0.0.1:{server.port}",
            "--", request, str(connections), *extra, *check]


def turn(server_name, program, name, options, folder, values, rate=None, databases=(), **wanted):
    """One fresh start of one server: check, codes, warm-up (which looks at every answer), codes, measurement.
    databases are those of measure.load; wanted is what else the server is to be. Under half-rate the rate is asked of the ceilings; obie-tokens is first driven as fast as it goes, then at half."""
    scenario, made, maximum = LOADS[name], 0, None
    connections = DURABLE_CONNECTIONS if name == "durable" else options.connections

    def run(seconds, count, check=(), pace=None):
        nonlocal made
        path, new = values.file(server, scenario.values, min(CODES_MAX, count), bool(check))
        made += new
        if not check:
            time.sleep(0.3)  # let both CPUs come to rest
        command = load_command(server, name, seconds, connections, folder, path, values.ids, check, pace)
        return measure.load(server, command, seconds, databases)

    with servers.Server(server_name, program, folder, closes=name == "new-connection", **wanted) as server:
        if server_name in OWN:
            client.check_exchange(server.port, server.bank)
        check = (str(scenario.status), scenario.text) if server_name in OWN else ("201",)
        warm = run(1, CODES_WARM_UP, check)
        count = int(warm["requests_per_second"] * options.seconds * CODES_MARGIN) + 2 * connections * scenario.depth
        if name == "half-rate":
            if not rate:
                maximum = run(options.seconds, count)["requests_per_second"]
                rate = maximum / 2
            count = int(rate * options.seconds) + 1
        result = run(options.seconds, count, pace=rate)
        if result["answer_bytes"] < 0.95 * warm["answer_bytes"]:
            raise RuntimeError(f"answers have become shorter: {result['answer_bytes']:.0f} bytes of "
                               f"{warm['answer_bytes']:.0f}")
    result |= {"codes_made": made} | ({"rate": rate} if rate else {}) | ({"maximum": maximum} if maximum else {})
    if found := re.search(r"(\d+) a batch, (\d+) us a commit", server.log()):  # said when it stops
        result |= {"batch": int(found[1]), "commit_us": int(found[2])}
    return result


def load_table(figures, runs):
    """A scenario at full load."""
    head = ["server", "requests/s", "× nginx", "× bare", "CPU µs/request", "user + system", "CPU × nginx",
            "CPU × bare", "p50 ms", "p99 ms", "server / client CPU", "RSS MiB"]
    rows = []
    for name, f in figures.items():
        def median(key, f=f):
            return f[key]["median"]
        rows.append([
            name, spread(f["requests_per_second"], ",.0f"),
            *(f"{median(f'requests_per_second_to_{ceiling}'):.2f}" for ceiling in CEILINGS),
            spread(f["cpu_us"], ".2f"), f"{median('user_us'):.2f} + {median('system_us'):.2f}",
            *(f"{median(f'cpu_us_to_{ceiling}'):.2f}" for ceiling in CEILINGS),
            spread(f["p50_us"], ".2f", 1e-3), spread(f["p99_us"], ".2f", 1e-3),
            f"{median('server_cpu_share') * 100:.0f} / {median('client_cpu_share') * 100:.0f} %",
            f"{median('resident_bytes') / 2**20:.0f}"])
    return table(head, rows) + disturbance(runs)


def half_rate_table(figures, runs):
    """Latencies at a fixed rate."""
    head = ["server", "asked/s", "answered/s", "p50 µs", "p99 µs", "p99 × nginx", "p99 × bare", "sent late, p99 µs",
            "CPU µs/request", "server CPU"]
    rows = [[name, spread(f["rate"], ",.0f"), f"{f['requests_per_second']['median']:,.0f}", spread(f["p50_us"], ".0f"),
             spread(f["p99_us"], ".0f"), *(spread(f[f"p99_us_to_{ceiling}"], ".2f") for ceiling in CEILINGS),
             spread(f["late_p99_us"], ".0f"), spread(f["cpu_us"], ".2f"),
             f"{f['server_cpu_share']['median'] * 100:.0f} %"] for name, f in figures.items()]
    return table(head, rows) + disturbance(runs)


def ratios(runs, server, other, key):
    """Of a figure of one server to that of another, round by round."""
    return [a[key] / b[key] for a, b in zip(runs[server], runs[other], strict=True)]


def beside_sandbox(runs):
    """What production costs more than the sandbox with the same store."""
    cpu, rate = (measure.figure(ratios(runs, servers.PRODUCTION, SANDBOX_ON_DISK, key))
                 for key in ("cpu_us", "requests_per_second"))
    return (f"Production takes {measure.spread(cpu, '.2f')} of the sandbox's CPU per request on the same store, at "
            f"{measure.spread(rate, '.2f')} of its rate.")


def durability(runs, folder):
    """What a sync before every 201 costs."""
    disk = runs[SANDBOX_ON_DISK]
    rate = measure.figure(ratios(runs, SANDBOX_ON_DISK, "obie-tokens", "requests_per_second"))
    return (f"On disk {measure.spread(rate, '.2f')} of in memory; "
            f"{statistics.median(r['batch'] for r in disk):.0f} changes a batch, "
            f"{statistics.median(r['commit_us'] for r in disk):.0f} us a commit; fdatasync of 4 KiB takes "
            f"{fdatasync_microseconds(folder):.0f} us on this disk.")


def fdatasync_microseconds(folder):
    """Median time to bring 4 KiB to the disk that the durable server writes to."""
    times = []
    with open(os.path.join(folder, "fdatasync"), "wb", buffering=0) as file:
        for _ in range(200):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1e6)
    return statistics.median(times)
