"""What is resident in a server: with 10,000 idle connections, and after a million exchanges."""
import itertools
import os
import re
import resource
import socket
import struct
import time

import servers
from measure import CEILINGS, log, spread, table
from servers import client

STILL_ANSWERING = 50  # of the idle connections are asked once more at the end
CHUNK = 100_000       # codes made, then exchanged
MILLION = ["bare", "nginx", "obie-tokens", "obie-tokens-sqlite"]
NO_GOODBYE = struct.pack("ii", 1, 0)  # SO_LINGER: a reset leaves no port in TIME_WAIT


def allow_descriptors():
    """Raises the limit of open files as far as it goes, for the servers started from here, too."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def idle_connections(wanted):
    """As many as wanted, or as the limit of open files lets both ends have."""
    return min(wanted, allow_descriptors() - 200)


def idle(name, program, folder, count, **wanted):
    """RSS before and after so many connections have each had one answer and then rest."""
    request, opened = client.constant_request(), []
    # nginx closes resting connections where less than a sixteenth of its places is free
    with servers.Server(name, program, folder, connections=count * 5 // 4 + 200, **wanted) as server:
        for _ in range(500):  # so that what a first request costs for good is not counted
            client.ask(server.port, request)
        time.sleep(0.3)
        before = server.resident_bytes()
        try:
            for _ in range(count):
                opened.append(client.Connection(server.port))
                _ask(opened[-1], request)
            time.sleep(0.5)
            after = server.resident_bytes()
            for connection in opened[::max(1, count // STILL_ANSWERING)]:
                _ask(connection, request)
        finally:
            for connection in opened:
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_GOODBYE)
                connection.socket.close()
    return {"connections": count, "resident_before": before, "resident_bytes": after,
            "bytes_per_connection": (after - before) / count}


def _ask(connection, request):
    connection.send(request)
    status, _, body = connection.answer()
    if status != 201:
        raise RuntimeError(f"an idle connection got {status} {body[:300]!r}")


def idle_table(figures):
    rows = [[name, f"{f['connections']['median']:,}", spread(f["bytes_per_connection"], ",.0f"),
             f"{f['resident_before']['median'] / 1e6:.1f}", f"{f['resident_bytes']['median'] / 1e6:.1f}"]
            for name, f in figures.items()]
    return table(["server", "idle connections", "RSS bytes a connection", "RSS MB before", "RSS MB with them"], rows)


def million(name, program, folder, count, any_codes):
    """RSS after so many exchanges, a new code in each and every answer looked at."""
    codes, tokens = os.path.join(folder, "codes"), os.path.join(folder, "tokens")
    with servers.Server(name, program, folder) as server:
        first, left, began = server.resident_bytes(), count, time.monotonic()
        while left:
            size = min(CHUNK, left)
            if name in CEILINGS:  # they do not look
                with open(any_codes, "rb") as source, open(codes, "wb") as file:
                    file.writelines(itertools.islice(source, size))
            else:
                client.make_codes(server.port, size, codes)
            client.exchange_codes(server.port, codes, tokens)
            left -= size
        took = time.monotonic() - began
        time.sleep(0.5)
        result = {"exchanges": count, "resident_before": first, "resident_bytes": server.resident_bytes(),
                  "resident_most": _most(server), "seconds": took}
    log(f"    {result['resident_bytes'] / 1e6:.1f} MB")
    return result


def _most(server):
    """The most that was ever resident, summed over the process tree."""
    total = 0
    for pid in servers.tree(server.process.pid):
        with open(f"/proc/{pid}/status") as file:
            total += int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * 1024
    return total


def million_table(figures):
    def each(f):
        return (f["resident_bytes"]["median"] - f["resident_before"]["median"]) / f["exchanges"]["median"]

    rows = [[name, f"{f['exchanges']['median']:,}",
             *(f"{f[key]['median'] / 1e6:.1f}" for key in ("resident_before", "resident_bytes", "resident_most")),
             f"{each(f):,.0f}"] for name, f in figures.items()]
    return table(["server", "exchanges", "RSS MB before", "RSS MB after", "RSS MB at most", "bytes an exchange"], rows)
