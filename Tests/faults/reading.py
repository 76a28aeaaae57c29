"""A store that is damaged where every exchange needs it says so: in the log, and in its health."""
import os

import sandbox
from harness import Client, Server, came_true, expect, get

PAGE = 4096
TOKENS = 500
STORE = "obie-tokens.db"


def spoil(path):
    """Overwrites the second half: the newest tokens are there, and nothing that the writer looks at. Returns its old bytes."""
    with open(path, "r+b") as file:
        start = os.path.getsize(path) // PAGE // 2 * PAGE
        file.seek(start)
        before = file.read()
        file.seek(start)
        file.write(b"\xa5" * len(before))
        return start, before


def mend(path, start, before):
    with open(path, "r+b") as file:
        file.seek(start)
        file.write(before)


def check_reading(program, folder):
    options = {"store": f"sqlite:{STORE}", "cwd": folder}
    path = os.path.join(folder, STORE)
    with Server(program, "--loops", "1", **options) as server, Client(server.port) as client:
        tokens = [sandbox.token_of(client.ask(sandbox.exchange(sandbox.code_of(client.ask(sandbox.make_code())))))
                  for _ in range(TOKENS)]
    with Server(program, "--loops", "1", **options) as server, Client(server.port) as client:
        said = len(server.log)
        spoilt = spoil(path)
        statuses = [client.ask(sandbox.introspect(token)).status for token in tokens[-5:]]
        expect(statuses == [503] * 5, f"with a spoilt file tokens are looked up with {statuses}")
        came_true(lambda: len(server.log) > said, 1)
        # Whether exchanges are possible all the same is found out once a second.
        came_true(lambda: get(server.admin_port, "/readyz")[0] == 503, 3)
        lines = server.log[said:]
        ready, available = get(server.admin_port, "/readyz")[0], server.metrics()["obie_tokens_store_available"]
        mend(path, *spoilt)
        expect(len(lines) >= 1, f"tokens could not be looked up, and the log has no line of it (/readyz {ready}, "
                                f"obie_tokens_store_available {available:g})")
        expect(ready == 503 or available == 0, f"tokens could not be looked up; /readyz {ready}, obie_tokens_store_available "
                                               f"{available:g}; the log: {lines}")
        return f"a file that cannot be read: 503, /readyz {ready}, {lines[0]}"
