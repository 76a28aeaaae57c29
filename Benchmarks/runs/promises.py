"""What is promised of the figures that bench.py measures, and whether it holds. Every bound stands here."""
import dataclasses

import measure
import servers
import shared_store
from measure import table
from scenarios import ACCESS_LOG, AUDIT, AUDIT_STRICT, INTROSPECTED, MEMORY, SANDBOX_ON_DISK, TWO_LOOPS

CPU, RATE, P99 = "cpu_us", "requests_per_second", "p99_us"
IDLE, MILLION, START = "idle", "million", "start-up"


@dataclasses.dataclass(frozen=True)
class Promise:
    """What is measured: a figure of a row, less than or as a ratio to that of another row, round by round."""
    what: str
    bound: float
    unit: str
    scenario: str
    row: str = MEMORY
    key: str = CPU
    other: str = ""        # the row that it is compared with
    is_least: bool = False
    scale: float = 1.0
    is_difference: bool = False


def _ratio(what, bound, scenario, other="nginx", row=MEMORY, key=CPU, unit="", is_least=False):
    return Promise(what, bound, unit or f"× {other}", scenario, row, key, other, is_least)


PROMISES = [
    _ratio("exchange, varying heads: CPU", 1.0, "exchange-varying", servers.BESIDE, unit="× the program beside"),
    _ratio("exchange, varying heads: CPU", 1.1, "exchange-varying"),
    Promise("access log on: CPU", 1.5, "µs more", "exchange-varying", ACCESS_LOG, other=MEMORY, is_difference=True),
    _ratio("production beside sandbox, SQLite: CPU", 1.03, "exchange-production", SANDBOX_ON_DISK, servers.PRODUCTION,
           unit="× sandbox"),
    _ratio("pipelined 16 deep, varying heads: CPU", 1.0, "exchange-pipelined", servers.BESIDE, unit="× the program beside"),
    _ratio("pipelined 16 deep, varying heads: rate", 3.0, "exchange-pipelined", key=RATE, is_least=True),
    _ratio("durable exchange, SQLite: rate", 0.7, "durable", MEMORY, SANDBOX_ON_DISK, RATE, "× memory", True),
    _ratio("durable exchange, SQLite: p99", 5.0, "durable", MEMORY, SANDBOX_ON_DISK, P99, "× memory"),
    _ratio("durable exchange, audit strict: rate", 0.8, "durable", AUDIT, AUDIT_STRICT, RATE, "× relaxed", True),
    _ratio("durable exchange, PostgreSQL: rate", shared_store.RATE_LEAST, "durable", SANDBOX_ON_DISK, servers.SHARED, RATE,
           "× SQLite", True),
    _ratio("durable exchange, PostgreSQL: server's CPU", shared_store.CPU_MOST, "durable", MEMORY, servers.SHARED,
           unit="× memory"),
    Promise("durable exchange, PostgreSQL: p99", shared_store.P99_US_MOST / 1000, "ms", "durable", servers.SHARED, P99,
            scale=1e-3),
    _ratio("TLS, kept connections: CPU", 1.05, "exchange-tls", unit="× nginx with TLS"),
    *(_ratio(f"{scenario}, memory: CPU", 1.3, scenario) for scenario in ("issue", "ccg", "revoke", "consent-revoke")),
    *(_ratio(f"introspect, {row.rpartition(', ')[2]}, {store}: CPU", bound, "introspect", row=row)
      for store, server, bound in (("memory", MEMORY, 1.1), ("SQLite", SANDBOX_ON_DISK, 1.3))
      for row, asked in INTROSPECTED.items() if asked.server == server),
    _ratio("new connection: CPU", 1.0, "new-connection"),
    _ratio("new TLS connection, full handshake: CPU", 1.0, "new-tls-connection", unit="× nginx with TLS"),
    _ratio("two loops: CPU", 1.05, "loops", MEMORY, TWO_LOOPS, unit="× one loop"),
    _ratio("p99 at half of the highest rate", 2.0, "half-rate", "bare", key=P99),
    Promise("idle connection", 700, "bytes", IDLE, key="bytes_per_connection"),
    Promise("RSS after the exchanges of `million`, SQLite", 60, "MB", MILLION, SANDBOX_ON_DISK, "resident_bytes", scale=1e-6),
    Promise("start to the first answer, memory", 15, "ms", START, key="ready_ms"),
    Promise("start to the first answer, SQLite", 30, "ms", START, SANDBOX_ON_DISK, "ready_ms"),
]
STRIPPED_MB_MAX = 12


def _figure(promise, runs):
    """Median, least and most; None where a row was not measured."""
    own, other = runs.get(promise.row), runs.get(promise.other)
    if not own or promise.other and not other:
        return None
    values = [run[promise.key] * promise.scale for run in own]
    if promise.is_difference:
        values = [a - b[promise.key] for a, b in zip(values, other, strict=True)]
    elif promise.other:
        values = [a / max(b[promise.key], 1e-9) for a, b in zip(values, other, strict=True)]
    return measure.figure(values)


def _can_be_told(promise, runs):
    """Not where the client, and not the server, was late."""
    if promise.scenario != "half-rate":
        return True
    return all(measure.figure([run["late_p99_us"] / run[P99] for run in runs[row]])["median"] <= measure.LATE_MAX
               for row in (promise.row, promise.other))


def judge(runs, stripped):
    """For each promise about a scenario that was run: a dictionary with what, measured (None: a row was not there), most
    or least, unit, holds (None: cannot be told), surely (False: other rounds of this run say otherwise)."""
    found = []
    for promise in PROMISES:
        if promise.scenario not in runs:
            continue
        measured, holds, surely = _figure(promise, runs[promise.scenario]), None, None
        if measured and _can_be_told(promise, runs[promise.scenario]):
            verdicts = {key: (value >= promise.bound if promise.is_least else value <= promise.bound)
                        for key, value in measured.items()}
            holds, surely = verdicts["median"], len(set(verdicts.values())) == 1
        found.append({"what": promise.what, "measured": measured, "unit": promise.unit, "holds": holds, "surely": surely,
                      "least" if promise.is_least else "most": promise.bound})
    size = measure.figure([stripped / 1e6])
    found.append({"what": "program, stripped", "measured": size, "unit": "MB", "most": STRIPPED_MB_MAX,
                  "holds": size["median"] <= STRIPPED_MB_MAX})
    return found


def promise_table(found):
    def holds(p):
        if p["measured"] is None:
            return "not measured"
        word = {True: "yes", False: "NO", None: "not to be told: the client was late"}[p["holds"]]
        return word if p.get("surely") is not False else f"{word}, by the median"

    return table(["promised", "measured", "bound", "holds"], [
        [p["what"], f"{measure.spread(p['measured'], ',.2f')} {p['unit']}" if p["measured"] else "–",
         f"at {'least' if 'least' in p else 'most'} {p.get('least', p.get('most'))} {p['unit']}", holds(p)]
        for p in found])
