"""A start that lacks something ends with 71 and one sentence that names it; it never crashes, and never hangs."""
import errno
import re
import time

from harness import Failure, Server, expect, get
from shim import ENDLESS, Shim

STATUS = 71
START_SECONDS = 10
LISTENING = "listening on http"
LIMITS = (*range(8, 65), *range(66, 150, 4))
# What the sentence has to name.
DESCRIPTORS = re.compile(r"(?i)open files|descriptors")
THREADS = re.compile(r"(?i)\bthreads?\b")
REMEDY = re.compile(r"(?i)raise|ulimit|LimitNOFILE|fewer|--loops")
ADDRESS = re.compile(r"(?i)choose another")
STORES = {"memory": "memory", "SQLite": "sqlite:obie-tokens.db"}
# Functions that a start calls, what they say when there is no more, and what that is.
LACKS = {"socket": (errno.EMFILE, DESCRIPTORS), "epoll_create1": (errno.EMFILE, DESCRIPTORS),
         "eventfd": (errno.EMFILE, DESCRIPTORS), "pthread_create": (errno.EAGAIN, THREADS)}


def complaints(server):
    """The lines on stderr but for the two that each sandbox says."""
    return [line for line in server.log if "SANDBOX" not in line and LISTENING not in line]


def started(server):
    """True where it serves; False where it has ended. Raises where it does neither."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if not server.is_running():
            return False
        if any(LISTENING in line for line in server.log):
            return True
        time.sleep(0.005)
    raise Failure(f"hangs: it neither serves nor ends in {START_SECONDS} s: {server.log_text()}")


def attempt(program, names, *flags, **options):
    """'serves', or 'refuses'. Raises Failure where it does neither properly. `names` matches what it has to name."""
    with Server(program, "--audit-log", "audit", *flags, awaited=False, **options) as server:
        try:
            if started(server):
                expect(get(server.port, "/healthz")[0] == 200, "listens and does not serve")
                return "serves"
            status, said = server.wait(), complaints(server)
        except OSError as error:
            raise Failure(f"listens and does not serve: {error}") from None
        except BaseException:
            server.kill()
            raise
    expect(status == STATUS, f"ends with {status} and {said or 'not a word'}")
    expect(len(said) == 1, f"says {len(said)} things: {said}")
    expect(names.search(said[0]), f"does not name {names.pattern}: {said[0]}")
    expect(names is THREADS or REMEDY.search(said[0]), f"does not say what to do: {said[0]}")
    expect(not ADDRESS.search(said[0]), f"blames what is not to blame: {said[0]}")
    return "refuses"


class Tally:
    """What came of many starts, each failure with those that had it."""

    def __init__(self):
        self.outcomes, self.failures = {}, {}

    def add(self, key, call):
        try:
            outcome = call()
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        except Failure as failure:
            text = re.sub(r'"time":"[^"]*",|/[^ :]*/', "", str(failure))
            self.failures.setdefault(text, []).append(key)

    def result(self, what):
        total = sum(self.outcomes.values()) + sum(map(len, self.failures.values()))
        found = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        bad = "; ".join(f"{len(keys)} × {text} ({', '.join(map(str, keys[:4]))}{', …' if keys[4:] else ''})"
                        for text, keys in sorted(self.failures.items(), key=lambda item: -len(item[1])))
        expect(not bad, f"{what}: of {total} starts {bad}")
        return f"{what}: {total} starts, {found}"


def check_descriptors(program):
    """The limit of open files, from hopeless to enough."""
    tally = Tally()
    cases = [(8, 24, "memory"), (256, 1024, "SQLite"), (256, 1024, "memory"), (256, 700, "SQLite"), (64, 256, "SQLite")]
    cases += [(loops, limit, store) for loops in (1, 2, 8) for store in STORES for limit in LIMITS]

    for loops, limit, store in cases:
        tally.add(f"--loops {loops}, ulimit -n {limit}, {store}",
                  lambda: attempt(program, DESCRIPTORS, "--loops", loops, store=STORES[store], limits={"nofile": limit}))
    line = tally.result("limits of open files")
    expect(len(tally.outcomes) == 2, f"all starts ended alike: this shows nothing of the other end: {line}")
    return line


def check_lacks(program):
    """The nth call of each function fails, alone or with all that follow, for every n that a start gets to."""
    tally = Tally()
    for store, flag in STORES.items():
        for function, (error, names) in LACKS.items():
            for number in range(1, calls(program, function, flag) + 1):
                for last in (number, ENDLESS):
                    with Shim() as shim:
                        shim.fail(function, error, first=number, last=last)
                        tally.add(f"{function} number {number}{' and on' if last > number else ''}, {store}",
                                  lambda: attempt(program, names, "--loops", 2, store=flag, **shim.server))
    return tally.result("calls that fail")


def calls(program, function, store):
    """How often a start calls it."""
    with Shim() as shim, Server(program, "--loops", "2", "--audit-log", "audit", store=store, **shim.server) as server:
        expect(server.port, "it does not start")
        return shim.calls(function)
