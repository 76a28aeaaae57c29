"""What bench.py prints: a table for each scenario, what stands below it, and the table of docs/speed.md."""
import os
import statistics
import time

import handshakes
import scenarios
import servers
from measure import CEILINGS, disturbance, figure, ratios, spread, table

NONE = "–"
# Which scenarios and rows stand in docs/speed.md, and how rows are called there.
ROW_TITLES = {"bare": "bare libuv, constant", "nginx": "nginx, constant", servers.BESIDE: "the program beside",
              scenarios.MEMORY: "obie-tokens, memory", scenarios.SANDBOX_ON_DISK: "obie-tokens, SQLite",
              servers.PRODUCTION: "obie-tokens, SQLite, production", servers.SHARED: "obie-tokens, PostgreSQL"}


def load_table(figures, runs):
    """A scenario at full load. Where a ceiling or a figure is not there, a dash stands for it."""
    head = ["server", "requests/s", "× nginx", "× bare", "CPU µs/request", "user + system", "CPU × nginx",
            "CPU × bare", "p50 ms", "p99 ms", "server / client CPU", "RSS MiB"]
    rows = []
    for name, f in figures.items():
        def median(key, form, scale=1.0, f=f):
            return format(f[key]["median"] * scale, form) if key in f else NONE

        def wide(key, form, scale=1.0, f=f):
            return spread(f[key], form, scale) if key in f else NONE

        rows.append([
            name, wide("requests_per_second", ",.0f"),
            *(median(f"requests_per_second_to_{ceiling}", ".2f") for ceiling in CEILINGS),
            wide("cpu_us", ".2f"), f"{median('user_us', '.2f')} + {median('system_us', '.2f')}",
            *(median(f"cpu_us_to_{ceiling}", ".2f") for ceiling in CEILINGS),
            wide("p50_us", ".2f", 1e-3), wide("p99_us", ".2f", 1e-3),
            f"{median('server_cpu_share', '.0f', 100)} / {median('client_cpu_share', '.0f', 100)} %",
            median("resident_bytes", ".0f", 2**-20)])
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


def below(name, runs, folder):
    """Sentences for under the table of a scenario: how its rows stand to each other."""
    def of(row, other, key="cpu_us"):
        return spread(figure(ratios(runs, row, other, key)), ".2f")

    found, rate = [], "requests_per_second"
    if scenarios.ACCESS_LOG in runs:
        more = [a["cpu_us"] - b["cpu_us"] for a, b in zip(runs[scenarios.ACCESS_LOG], runs[scenarios.MEMORY])]
        found.append(f"The access log, to a file, takes {spread(figure(more), '.2f')} µs more CPU per request.")
    if servers.BESIDE in runs:
        found.append(f"obie-tokens takes {of(scenarios.MEMORY, servers.BESIDE)} of the CPU of the program beside, at "
                     f"{of(scenarios.MEMORY, servers.BESIDE, rate)} of its rate.")
    if name == "exchange-production":
        found.append(f"Production takes {of(servers.PRODUCTION, scenarios.SANDBOX_ON_DISK)} of the sandbox's CPU per "
                     f"request on the same store, at {of(servers.PRODUCTION, scenarios.SANDBOX_ON_DISK, rate)} of its rate.")
    if name == "durable":
        found.append(_durability(runs, folder, of))
    if scenarios.TWO_LOOPS in runs:
        found.append(f"Two loops take {of(scenarios.TWO_LOOPS, scenarios.MEMORY)} of one loop's CPU per request; two workers of nginx, which "
                     f"share nothing, {of(scenarios.TWO_WORKERS, 'nginx')} of one worker's.")
    if handshakes.OWN_RESUMED in runs:
        found.append("obie-tokens offers no resumption: a client that asks for it gets a full handshake. Its CPU is "
                     f"{of(handshakes.OWN_RESUMED, handshakes.NGINX_RESUMED)} of nginx's for a resumed one.")
    return "".join(f"\n\n{sentence}" for sentence in found)


def _durability(runs, folder, of):
    """What a sync before every 201 costs, and an audit log."""
    rate, disk = "requests_per_second", runs[scenarios.SANDBOX_ON_DISK]
    shared = [run["database_us"] for run in runs.get(servers.SHARED, ())]
    database = f" PostgreSQL itself takes {spread(figure(shared), '.1f')} µs of CPU per exchange." if shared else ""
    return (f"On disk {of(scenarios.SANDBOX_ON_DISK, scenarios.MEMORY, rate)} of in memory, with a p99 of "
            f"{of(scenarios.SANDBOX_ON_DISK, scenarios.MEMORY, 'p99_us')} of memory's; "
            f"{statistics.median(r['batch'] for r in disk):.0f} changes a batch, "
            f"{statistics.median(r['commit_us'] for r in disk):.0f} us a commit; fdatasync of 4 KiB takes "
            f"{fdatasync_microseconds(folder):.0f} us on this disk. With a strict audit log the rate is "
            f"{of(scenarios.AUDIT_STRICT, scenarios.AUDIT, rate)} of that with a relaxed one.{database}")


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


def document(out):
    """The table of docs/speed.md, from what bench.py writes as JSON."""
    rows = []
    for scenario in out["scenarios"].values():
        for name, f in scenario["summary"].items():
            if "cpu_us" not in f or "rate" in f:
                continue
            def median(key, form, scale=1.0, f=f):
                return format(f[key]["median"] * scale, form) if key in f else NONE

            rows.append([
                scenario["title"], ROW_TITLES.get(name, name), median("requests_per_second", ",.0f"),
                median("requests_per_second_to_nginx", ".2f"),
                f"{median('cpu_us', '.1f')} ({median('user_us', '.1f')} + {median('system_us', '.1f')})",
                median("cpu_us_to_nginx", ".2f"),
                f"{median('p50_us', '.2f', 1e-3)} / {median('p99_us', '.2f', 1e-3)}" if "p50_us" in f else NONE])
    options = out["options"]
    lines = table(["scenario", "server", "requests/s", "of nginx", "CPU µs/request (user + system)", "of nginx",
                   "p50 / p99 ms"], rows).split("\n")
    lines[1] = "|---|---|---:|---:|---:|---:|---:|"
    return (f"{out['machine']}; `make bench`, medians of {options['rounds']} rounds of {options['seconds']} s, one server "
            f"thread, {options['connections']} connections where nothing else is said.\n\n" + "\n".join(lines) + "\n")
