"""One turn of a server under one of the scenarios: the values that its requests take, the client, the check, the load."""
import argparse
import contextlib
import itertools
import os
import re
import secrets
import subprocess
import time

import handshakes
import measure
import servers
import stock
from measure import CEILINGS, program_path
from scenarios import BOTH_CPUS, DURABLE_CONNECTIONS, LOADS, ROWS
from servers import client

VALUES_MAX = 2_000_000     # values for one run; one that meets the end of them ends early and reports its true time
VALUES_WARM_UP = 100_000   # the warm-up, too, ends early
VALUES_MARGIN = 1.6        # values made: so many times what the warm-up's speed would use
TOKENS = 100_000           # that are asked about again and again: asking uses nothing up


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


class Values:
    """The files that values are taken from. most: values for one run; warm_up: for the warm-up; tokens: that are asked
    about again and again."""

    def __init__(self, folder, most=VALUES_MAX, warm_up=VALUES_WARM_UP, tokens=TOKENS):
        self.folder, self.most, self.warm_up, self.tokens = folder, most, warm_up, tokens
        self.any = {length: self._random(length) for length in (client.CODE_LENGTH, client.TOKEN_LENGTH)}

    def _random(self, length):
        """So many random values of a code's length, or UUIDs."""
        path = os.path.join(self.folder, f"any-{length}")
        digits = secrets.token_hex(self.most * client.CODE_LENGTH // 2)
        with open(path, "w") as file:
            for i in range(0, len(digits), client.CODE_LENGTH):
                d = digits[i:i + client.CODE_LENGTH]
                file.write(d + "\n" if length == client.CODE_LENGTH else
                           f"{d[:8]}-{d[8:12]}-4{d[13:16]}-8{d[17:20]}-{d[20:]}\n")
        return path

    def _start_of(self, path, count):
        """A file with so many of its values, so that the warm-up ends as early as with codes."""
        start = os.path.join(self.folder, "start")
        with open(path, "rb") as source, open(start, "wb") as file:
            file.writelines(itertools.islice(source, count))
        return start

    @property
    def ids(self):
        """A UUID for each request whose head is to be its own."""
        return self.any[client.ID_LENGTH]

    def file(self, server, kind, count, first):
        """(path, codes made for it). Kinds: "any" and "unknown" (tokens) are no values of that server; "codes",
        "consents" and "fresh tokens" are used once; "tokens" and "revoked tokens" are made the first time that a server
        is asked, and asked about again and again, the first time before anything is measured. The ceilings do not look at
        values; what they get has the right length."""
        count = min(self.most, count)
        if server.name in CEILINGS or kind in ("", "any", "unknown"):
            path = self.any[client.TOKEN_LENGTH if kind.endswith(("tokens", "unknown")) else client.CODE_LENGTH]
            return self._start_of(path, count) if first else path, 0
        codes, tokens, repeated = (os.path.join(self.folder, name) for name in ("codes", "tokens", "repeated"))
        if kind == "codes":
            client.make_codes(server.port, count, codes, server.bank)
            return codes, count
        if kind == "consents":
            stock.make_consents(server.port, count, codes, server.bank)
            return codes, count
        is_fresh = kind == "fresh tokens"
        if first or is_fresh:
            client.make_codes(server.port, count if is_fresh else self.tokens, codes)
            client.exchange_codes(server.port, codes, tokens)
        if is_fresh:
            return tokens, count
        if first and kind == "revoked tokens":
            stock.revoke_tokens(server.port, tokens)
        if first:
            stock.ask_about_tokens(server.port, tokens)
        with open(tokens, "rb") as source, open(repeated, "wb") as file:
            once = source.read()
            for _ in range(0, count, self.tokens):
                file.write(once)
        return repeated, self.tokens if first else 0


def load_command(server, name, seconds, connections, folder, values="", ids="-", check=(), rate=None):
    """The client for a scenario. The request goes through a file; what the programs take is said in their first
    lines. Without ids heads are all the same. check: (status, text), which wrk is to hold each answer to; the others
    look at every status anyway. With a rate the client keeps to a timetable."""
    scenario = LOADS[name]
    ids = ids if scenario.varies else "-"
    request = os.path.join(folder, "request")
    asked = scenario.request(server.bank)
    with open(request, "wb") as file:
        file.write(asked if ids == "-" else client.varied(asked))
    on = ["taskset", "-c", "0,1" if scenario.cpus == BOTH_CPUS else "1"]
    program = "pace" if rate else scenario.client
    if program != "wrk":
        more = [f"{rate or 0:.0f}"] if program == "pace" else []
        return [*on, program_path(program), str(server.port), request, values,
                str(scenario.status), str(connections), str(seconds), *more, *([ids] if ids != "-" else [])]
    script, extra = "constant.lua", []
    if scenario.values:
        script, extra = "exchange.lua", [values, str(scenario.depth), ids]
    scheme = "https" if server.wanted.get("tls") else "http"
    return [*on, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", os.path.join(servers.CLIENTS_FOLDER, script),
            f"{scheme}://127.0.0.1:{server.port}", "--", request, str(connections), *extra, *check]


@contextlib.contextmanager
def _tls(folder):
    """Meanwhile the client speaks TLS."""
    before = client.TLS
    client.TLS = before or handshakes.client_context(folder)
    try:
        yield
    finally:
        client.TLS = before


def _wanted(name, row, folder, wanted):
    """What the server is to be, with files that are fresh for this turn."""
    wanted = row.wanted | wanted
    if LOADS[name].cpus == BOTH_CPUS:
        wanted |= {"cpus": BOTH_CPUS}
    if LOADS[name].has_tls and "tls" not in wanted:
        handshakes.make_certificates(folder)
        wanted |= {"tls": folder}
    if wanted.get("audit"):
        path = os.path.join(folder, "audit")
        for each in (path, path + ".head"):
            if os.path.exists(each):
                os.unlink(each)
        wanted |= {"audit": path}
    return {**wanted, "closes": name == "new-connection"}


def _expected(scenario, row):
    """The status of each answer, and a text in it where there is one."""
    if row.server in CEILINGS:
        return ("201",)
    text = row.text or scenario.text
    return (str(scenario.status), *([text] if text else []))


def turn(row_name, program, name, options, folder, values, rate=None, databases=(), **wanted):
    """One fresh start of one server: check, values, warm-up (which looks at every answer), values, measurement.
    databases are those of measure.load; wanted is what else the server is to be. Under half-rate the rate is asked of
    the ceilings; obie-tokens is first driven as fast as it goes, then at half."""
    scenario, row, made, maximum = LOADS[name], ROWS[row_name], 0, None
    connections = scenario.connections or options.connections

    def run(seconds, count, check=(), pace=None):
        nonlocal made
        path, new = values.file(server, row.values or scenario.values, count, bool(check))
        made += new
        if not check:
            time.sleep(0.3)  # let both CPUs come to rest
        command = load_command(server, name, seconds, connections, folder, path, values.ids, check, pace)
        return measure.load(server, command, seconds, databases)

    wanted = _wanted(name, row, folder, wanted)
    with _tls(wanted["tls"]) if wanted.get("tls") else contextlib.nullcontext(), \
            servers.Server(row.server, program, folder, **wanted) as server:
        if row.server not in CEILINGS:
            client.check_exchange(server.port, server.bank)
        # with TLS each connection begins with a handshake, and wrk must get through all of them
        warm = run(2 if scenario.has_tls else 1, values.warm_up, _expected(scenario, row))
        count = int(warm["requests_per_second"] * options.seconds * VALUES_MARGIN) + 2 * connections * scenario.depth
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
