#!/usr/bin/env python3
"""Can a client tell from the time of a 401 whether a client id exists?

    Benchmarks/runs/timing.py --server .build/release/obie-tokens [--count 100000] [--encoded]

Sends wrong credentials to the real server over one connection: an unknown client id and the known one, each time with
another secret, in random order, COUNT of each, and compares their times with Welch's t-test, over all of them and over the fastest half, 90
and 99 % (long times are the machine's). |t| below 4.5 is taken for no difference (as dudect does, Reparaz et al. 2017);
a third kind, credentials that cannot be decoded and so are not looked up at all, shows that the test would see one.
With --encoded the ids are form-encoded, so that the server tries them in two ways.
Prints the statistic and, if there is a difference, how large. Exit status 1 where one is seen or the third is not.
"""
import argparse
import base64
import math
import random
import statistics
import sys
import tempfile
import time

import servers
from servers import client

THRESHOLD = 4.5
KNOWN = "api-consumer-id"


def request(credentials):
    return (b"POST /v1/obie/tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + credentials
            + b"\r\nfi_reference_id: PSDGB-FCA-111111\r\nversion: 1.0\r\nContent-Type: application/json\r\n"
              b"Content-Length: 2\r\n\r\n{}")


def credentials(kind, unknown, chance, is_encoded):
    secret = "%064x" % chance.getrandbits(256)
    name = unknown if kind == "unknown client" else KNOWN
    if is_encoded:
        name = f"%{ord(name[0]):02X}{name[1:]}"
    text = base64.b64encode(f"{name}:{secret}".encode())
    return text[:-1] + b"*" if kind == "malformed" else text


def measure(port, count, chance, is_encoded):
    """Nanoseconds of each kind."""
    kinds = ["unknown client", "wrong secret"] * count + ["malformed"] * (count // 10)
    chance.shuffle(kinds)
    times = {kind: [] for kind in kinds}
    # All made beforehand: what the client does between two requests would show in the times.
    # One unknown id, as there is one known: processors are faster with what they have seen before.
    unknown = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz-", k=len(KNOWN)))
    requests = [request(credentials(kind, unknown, chance, is_encoded)) for kind in kinds]
    connection, used = client.Connection(port), 0
    for number, kind in enumerate(kinds):
        if used == 90_000:  # a connection ends after 100,000 requests
            connection.socket.close()
            connection, used = client.Connection(port), 0
        data = requests[number]
        began = time.perf_counter_ns()
        connection.send(data)
        status, _, _ = connection.answer()
        took = time.perf_counter_ns() - began
        used += 1
        if status != 401:
            raise RuntimeError(f"wrong credentials were answered with {status}")
        if number > 1000:
            times[kind].append(took)
        if number % 50_000 == 0:
            print(f"    {number:,} of {len(kinds):,}", file=sys.stderr, flush=True)
    connection.socket.close()
    return times


def welch(one, other):
    variance = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    return (statistics.fmean(one) - statistics.fmean(other)) / math.sqrt(variance)


def compare(one, other):
    """The largest |t| of all crops, with its difference of means in nanoseconds."""
    both = sorted(one + other)
    found = []
    for share in (0.5, 0.9, 0.99, 1.0):
        limit = both[min(len(both) - 1, int(len(both) * share))]
        a, b = [x for x in one if x <= limit], [x for x in other if x <= limit]
        found.append((welch(a, b), statistics.fmean(a) - statistics.fmean(b), share))
    return max(found, key=lambda x: abs(x[0])), found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PATH", help="the obie-tokens binary (a release build)")
    parser.add_argument("--count", type=int, default=100_000, help="measurements of each kind (default: 100000)")
    parser.add_argument("--encoded", action="store_true", help="form-encode the ids (RFC 6749 section 2.3.1)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    print(f"timing: seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        with servers.Server("obie-tokens", options.server, folder) as server:
            times = measure(server.port, options.count, random.Random(options.seed), options.encoded)
    (t, _, _), crops = compare(times["unknown client"], times["wrong secret"])
    (control, control_difference, _), _ = compare(times["malformed"], times["wrong secret"])
    for name, values in times.items():
        print(f"timing: {name}: {len(values):,} measurements, median {statistics.median(values):,.0f} ns")
    print("timing: unknown client less wrong secret: " + ", ".join(
        f"t = {t:+.2f} ({d:+.0f} ns) over the fastest {s:.0%}" for t, d, s in crops))
    is_same, is_seen = abs(t) < THRESHOLD, abs(control) >= THRESHOLD
    print(f"timing: |t| at most {abs(t):.2f} (below {THRESHOLD}): {'no difference' if is_same else 'A DIFFERENCE'}; "
          f"malformed credentials, to show that one would be seen: |t| = {abs(control):.1f} ({control_difference:+.0f} ns): "
          f"{'seen' if is_seen else 'NOT SEEN'}")
    return 0 if is_same and is_seen else 1


if __name__ == "__main__":
    sys.exit(main())
