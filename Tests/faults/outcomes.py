"""Several cases of one check: all of them are tried, and all that failed is told."""
from concurrent.futures import ThreadPoolExecutor

from harness import Failure


def tried(call):
    """(what was found, None), or (None, what failed)."""
    try:
        return call(), None
    except (Failure, OSError) as failure:
        return None, str(failure) or repr(failure)


def told(outcomes):
    failures = [failure for _, failure in outcomes if failure]
    if failures:
        raise Failure("; ".join(failures))
    return ", ".join(found for found, _ in outcomes)


def each(*calls):
    """One after the other. Returns what they found, in one text."""
    return told([tried(call) for call in calls])


def at_once(*calls):
    """Each in a thread of its own: they mostly wait. The servers must be running already."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return told(list(threads.map(tried, calls)))
