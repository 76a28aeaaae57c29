#!/usr/bin/env python3
"""Checks a recorded history, attempt by attempt, and says what it found.

    Tests/cluster/check_history.py FILE [--no-failures]

Of a code at most one token. A token whose 201 was answered is alive from then on, on every server, until it or its consent
is revoked or its code is replayed by its own institution. A revocation that was answered is final. A good code is never
refused with 403, nobody gets 401, and a code whose exchange got 503 works when it is calm again. With --no-failures every
request must have been answered, and none with 503. promises.py says how concurrent and unanswered attempts are judged.
Ends with 1 where a promise is broken.
"""
import argparse
import collections
import sys

from history import History
from promises import FAULTS, Judge

EXAMPLES = 3


def lines(history, judge):
    """The report."""
    outcomes = collections.Counter((attempt.kind, str(attempt.outcome)) for attempt in history.attempts)
    for kind in sorted({kind for kind, _ in outcomes}):
        said = ", ".join(f"{outcome}: {count:,}" for (one, outcome), count in sorted(outcomes.items()) if one == kind)
        yield f"history: {kind} {said}"
    yield "history: " + ", ".join(f"{name} {count:,}" for name, count in sorted(judge.counts.items()) if count)
    kinds = collections.Counter(kind for kind, _ in judge.faults)
    for kind, count in kinds.items():
        yield f"history: FAULT {kind}: {count:,} × {FAULTS[kind]}"
        examples = [what for one, what in judge.faults if one == kind][:EXAMPLES]
        yield from (f"    {' '.join(map(repr, what[:12]))}" for what in examples)
    yield f"history: {len(history.attempts):,} attempts on {len(history.servers)} servers, {len(judge.faults):,} faults"


def check(path, no_failures=False):
    """Prints the report of a history; returns its Judge."""
    history = History.read(path)
    judge = Judge(history, no_failures).judge()
    for line in lines(history, judge):
        print(line, flush=True)
    return judge


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--no-failures", action="store_true", help="503 and lost answers are faults as well")
    options = parser.parse_args()
    return 1 if check(options.file, options.no_failures).faults else 0


if __name__ == "__main__":
    sys.exit(main())
